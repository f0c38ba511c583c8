package route

import (
	"net/url"
	"strings"
)

// The canonical form of a path has its segments decoded, except that a slash and a percent sign inside of a segment are written %2F and
// %25. Literals can be compared with it as text, and an encoded slash is not taken for a separator.
var (
	toCanonical   = strings.NewReplacer("%", "%25", "/", "%2F")
	fromCanonical = strings.NewReplacer("%25", "%", "%2F", "/")
)

// canonical brings an escaped path into that form and resolves its "." and ".." segments. It reports false for what is no path.
func canonical(escaped string) (string, bool) {
	if escaped == "" {
		return "/", true
	}
	if escaped[0] != '/' {
		return "", false
	}
	fields := strings.Split(escaped[1:], "/")
	segments := make([]string, 0, len(fields))
	for i, f := range fields {
		s, err := url.PathUnescape(f)
		if err != nil {
			return "", false
		}
		last := i == len(fields)-1
		switch s {
		case ".":
			if last {
				segments = append(segments, "")
			}
		case "..":
			segments = segments[:max(0, len(segments)-1)]
			if last {
				segments = append(segments, "")
			}
		default:
			segments = append(segments, toCanonical.Replace(s))
		}
	}
	return "/" + strings.Join(segments, "/"), true
}
