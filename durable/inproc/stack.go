package inproc

import (
	"bytes"
	"runtime/pprof"
	"strconv"
	"strings"
)

// instanceLabel is the profiler label by which an orchestrator's goroutine is found; profiles show it, too.
const instanceLabel = "durango_instance"

// WhereIs returns the innermost frames of an orchestrator that is running, one a line, "" when none is: one that waits in its session is
// not. It stops the world for a moment.
func WhereIs(instanceID string) string {
	var b bytes.Buffer
	if pprof.Lookup("goroutine").WriteTo(&b, 1) != nil {
		return ""
	}
	label := strconv.Quote(instanceLabel) + ":" + strconv.Quote(instanceID)
	for block := range strings.SplitSeq(b.String(), "\n\n") {
		if !strings.Contains(block, label) {
			continue
		}
		var frames []string
		for line := range strings.Lines(block) {
			// "#	0x47c	time.Sleep+0x12c	/usr/local/go/src/runtime/time.go:300"
			fields := strings.Fields(strings.TrimPrefix(line, "#"))
			if !strings.HasPrefix(line, "#\t0x") || len(fields) < 3 {
				continue
			}
			function, _, _ := strings.Cut(fields[1], "+0x")
			if strings.Contains(function, "/durable/inproc.") {
				break
			}
			frames = append(frames, "at "+function+" ("+fields[2]+")")
		}
		if len(frames) > 0 { // else it is parked, and another session of the instance may run
			return strings.Join(frames[:min(len(frames), maxFrames)], "\n")
		}
	}
	return ""
}

const maxFrames = 6

// ShortStack returns the innermost frames of the user's code of a stack that debug.Stack made after a panic, one a line.
func ShortStack(stack []byte) string {
	lines := strings.Split(string(stack), "\n")
	var frames []string
	after := false
	for i := 0; i+1 < len(lines) && len(frames) < maxFrames; i++ {
		function := lines[i]
		if strings.HasPrefix(function, "panic(") {
			after, frames = true, nil
			i++
			continue
		}
		if !after || !strings.HasPrefix(lines[i+1], "\t") {
			continue
		}
		where, _, _ := strings.Cut(strings.TrimSpace(lines[i+1]), " +0x")
		i++
		if strings.Contains(function, "/durable/inproc.") || strings.HasPrefix(function, "reflect.") || strings.Contains(function, "internal/gofunc.") {
			if len(frames) > 0 {
				break
			}
			continue
		}
		if at := strings.LastIndexByte(function, '('); at > 0 {
			function = function[:at]
		}
		frames = append(frames, "at "+function+" ("+where+")")
	}
	return strings.Join(frames, "\n")
}
