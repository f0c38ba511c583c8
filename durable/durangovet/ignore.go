package durangovet

import (
	"bytes"
	"go/token"
	"strings"

	"golang.org/x/tools/go/analysis"
)

const ignoreDirective = "//durangovet:ignore"

// ignores are the lines, by file, on which nothing is reported.
type ignores map[string]map[int]bool

func (ig ignores) covers(fset *token.FileSet, pos token.Pos) bool {
	if len(ig) == 0 {
		return false
	}
	p := fset.PositionFor(pos, false)
	return ig[p.Filename][p.Line]
}

// readIgnores finds the comments that make exceptions, and reports those that do not say why.
func (c *checker) readIgnores() ignores {
	found := ignores{}
	for _, file := range c.pass.Files {
		for _, group := range file.Comments {
			for _, comment := range group.List {
				reason, ok := ignoreReason(comment.Text)
				if !ok {
					continue
				}
				if reason == "" {
					c.pass.Report(analysis.Diagnostic{
						Pos: comment.Pos(), End: comment.End(), Category: ruleIgnore,
						Message: `//durangovet:ignore gives no reason: write after it why the code is safe to replay`,
					})
				}
				p := c.pass.Fset.PositionFor(comment.Pos(), false)
				if found[p.Filename] == nil {
					found[p.Filename] = map[int]bool{}
				}
				line := p.Line
				if c.isAlone(p) {
					line = c.pass.Fset.PositionFor(group.End(), false).Line + 1
				}
				found[p.Filename][line] = true
			}
		}
	}
	return found
}

// ignoreReason reads a comment: ok if it is the directive, with the reason it gives. What follows another "//" is not the reason.
func ignoreReason(comment string) (reason string, ok bool) {
	rest, ok := strings.CutPrefix(comment, ignoreDirective)
	if !ok || rest != "" && rest[0] != ' ' && rest[0] != '\t' {
		return "", false
	}
	reason, _, _ = strings.Cut(rest+" ", " // ")
	return strings.TrimSpace(reason), true
}

// isAlone tells whether there is nothing but space before a comment in its line. A comment after code is about that line, and not about
// the next.
func (c *checker) isAlone(p token.Position) bool {
	source, err := c.pass.ReadFile(p.Filename)
	if err != nil || p.Offset > len(source) {
		return false
	}
	start := bytes.LastIndexByte(source[:p.Offset], '\n') + 1
	return len(bytes.TrimSpace(source[start:p.Offset])) == 0
}
