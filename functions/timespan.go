package functions

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// ParseTimeSpan reads a duration in the notation of host.json, function.json and timer schedules: "hh:mm:ss", "hh:mm:ss.fffffff", "hh:mm",
// "d.hh:mm:ss", "d:hh:mm:ss" or "d" (whole days), each with an optional leading "-". As in the original, a first part of 24 or more
// in "hh:mm:ss" is days: "24:00:00" is 24 days, one day is "1.00:00:00".
func ParseTimeSpan(s string) (time.Duration, error) {
	text := strings.TrimSpace(s)
	negative := strings.HasPrefix(text, "-")
	parts := strings.Split(strings.TrimPrefix(text, "-"), ":")
	bad := fmt.Errorf(`%q is no time span, expected "hh:mm:ss" or "d.hh:mm:ss"`, s)
	if len(parts) > 4 {
		return 0, bad
	}
	var days, hours, minutes string
	seconds := "0"
	switch len(parts) {
	case 1:
		days, hours, minutes = parts[0], "0", "0"
	case 4:
		days, hours, minutes, seconds = parts[0], parts[1], parts[2], parts[3]
	default:
		var dotted bool
		if days, hours, dotted = strings.Cut(parts[0], "."); !dotted {
			days, hours = "0", parts[0]
		}
		minutes = parts[1]
		if len(parts) == 3 {
			seconds = parts[2]
		}
		if h, ok := digits(hours); ok && h >= 24 && !dotted && len(parts) == 3 {
			days, hours, minutes, seconds = hours, minutes, seconds, "0"
		}
	}
	seconds, fraction, _ := strings.Cut(seconds, ".")
	nanos, ok := nanoseconds(fraction)
	if !ok || (fraction == "" && strings.HasSuffix(text, ".")) {
		return 0, bad
	}
	var total int64
	for _, f := range []struct {
		text string
		max  int64
		unit time.Duration
	}{{days, math.MaxInt64, 24 * time.Hour}, {hours, 23, time.Hour}, {minutes, 59, time.Minute}, {seconds, 59, time.Second}} {
		v, ok := digits(f.text)
		if !ok || v > f.max {
			return 0, bad
		}
		if v > (math.MaxInt64-int64(time.Hour*24))/int64(f.unit) || total > math.MaxInt64-v*int64(f.unit)-int64(time.Second) {
			return 0, fmt.Errorf("the time span %q is too long, expected less than 106751 days", s)
		}
		total += v * int64(f.unit)
	}
	total += nanos
	if negative {
		total = -total
	}
	return time.Duration(total), nil
}

// digits reads a number of decimal digits only.
func digits(s string) (int64, bool) {
	for _, c := range s {
		if c < '0' || c > '9' {
			return 0, false
		}
	}
	v, err := strconv.ParseInt(s, 10, 64)
	return v, err == nil
}

// nanoseconds reads the digits after the point of the seconds, at most seven.
func nanoseconds(fraction string) (int64, bool) {
	if fraction == "" {
		return 0, true
	}
	if len(fraction) > 7 {
		return 0, false
	}
	return digits(fraction + strings.Repeat("0", 9-len(fraction)))
}

// FormatTimeSpan writes a duration as ParseTimeSpan reads it: "hh:mm:ss", with days and seven decimals of a second when needed.
func FormatTimeSpan(d time.Duration) string {
	var b strings.Builder
	u := uint64(d)
	if d < 0 {
		b.WriteByte('-')
		u = -u
	}
	const second = uint64(time.Second)
	if days := u / (86400 * second); days > 0 {
		fmt.Fprintf(&b, "%d.", days)
	}
	u %= 86400 * second
	fmt.Fprintf(&b, "%02d:%02d:%02d", u/(3600*second), u/(60*second)%60, u/second%60)
	if ticks := u % second / 100; ticks > 0 {
		fmt.Fprintf(&b, ".%07d", ticks)
	}
	return b.String()
}
