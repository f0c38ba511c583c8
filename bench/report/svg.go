package report

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"slices"
)

// chart is a picture of horizontal bars in groups.
type chart struct {
	file, title string
	// more says that more is better.
	more   bool
	groups []group
}

type group struct {
	label string
	bars  []bar
}

type bar struct {
	name  string
	color int // of the engine, the same in all charts
	value float64
}

// The layout, in pixels.
const (
	chartWidth = 720
	barLeft    = 150
	barRight   = 90 // room for the value behind the longest bar
	barHeight  = 18
	barStep    = 24
	groupGap   = 34
	titleSpace = 52
)

// style gives each engine a colour that can be told from the others by brightness, too. Pages show the picture as an image, which follows the
// reader's choice of light or dark; the ground stays transparent.
const style = `text{font-family:system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;font-size:13px;fill:#1f2328}
.title{font-size:16px;font-weight:600}.small{font-size:12px;fill:#59636e}.label{font-weight:600}
.axis{stroke:#d1d9e0}.c0{fill:#0969da}.c1{fill:#d9822b}.c2{fill:#8250df}.c3{fill:#8c959f}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.small{fill:#9198a1}.axis{stroke:#3d444d}
.c0{fill:#4493f8}.c1{fill:#f0a04b}.c2{fill:#ab7df8}.c3{fill:#6e7681}}`

// svg draws the chart.
func (c *chart) svg() []byte {
	longest, height := c.scale(), titleSpace+12
	for _, g := range c.groups {
		height += groupGap + barStep*max(1, len(g.bars))
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" role="img">`+"\n",
		chartWidth, height, chartWidth, height)
	fmt.Fprintf(&b, "<title>%s</title>\n<style>%s</style>\n", escaped(c.title), style)
	better := "less is better"
	if c.more {
		better = "more is better"
	}
	fmt.Fprintf(&b, `<text class="title" x="8" y="24">%s</text>`+"\n"+`<text class="small" x="8" y="43">%s</text>`+"\n", escaped(c.title), better)
	y := titleSpace
	for _, g := range c.groups {
		y = g.draw(&b, y, longest)
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// scale is the value of the longest bar. Where some are far longer than all others, those are cut, so that the others can be told apart.
func (c *chart) scale() float64 {
	const far = 5
	var values []float64
	for _, g := range c.groups {
		for _, b := range g.bars {
			values = append(values, b.value)
		}
	}
	slices.Sort(values)
	for i := len(values) - 1; i > len(values)/2; i-- {
		if values[i] > far*values[i-1] {
			return values[i-1]
		}
	}
	if len(values) == 0 {
		return 0
	}
	return values[len(values)-1]
}

// draw draws the group from y on and returns where it ends.
func (g *group) draw(b *bytes.Buffer, y int, longest float64) int {
	fmt.Fprintf(b, `<text class="label" x="8" y="%d">%s</text>`+"\n", y+20, escaped(g.label))
	y += groupGap - 6
	top := y
	for _, bar := range g.bars {
		width := 1.
		if longest > 0 {
			width = max(1, min(1, bar.value/longest)*(chartWidth-barLeft-barRight))
		}
		value := number(bar.value)
		if bar.value > longest {
			value = "… " + value
		}
		fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="end">%s</text>`, barLeft-8, y+14, escaped(bar.name))
		fmt.Fprintf(b, `<rect class="c%d" x="%d" y="%d" width="%.1f" height="%d" rx="2"/>`, bar.color%4, barLeft, y, width, barHeight)
		fmt.Fprintf(b, `<text x="%.1f" y="%d">%s</text>`+"\n", barLeft+width+6, y+14, value)
		y += barStep
	}
	if len(g.bars) == 0 {
		fmt.Fprintf(b, `<text class="small" x="%d" y="%d">not measured</text>`+"\n", barLeft, y+14)
		y += barStep
	}
	fmt.Fprintf(b, `<line class="axis" x1="%d" y1="%d" x2="%d" y2="%d"/>`+"\n", barLeft, top-2, barLeft, y-barStep+barHeight+2)
	return y + 6
}

func escaped(text string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(text))
	return b.String()
}
