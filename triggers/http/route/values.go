package route

import (
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var (
	alpha = regexp.MustCompile(`^[A-Za-z]*$`)
	// guid has the forms N, D, B, P and X of .NET's Guid.TryParse.
	guid = regexp.MustCompile(`(?i)^\s*(?:[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}` +
		`|\{[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\}|\([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\)` +
		`|\{0x[0-9a-f]{1,8},0x[0-9a-f]{1,4},0x[0-9a-f]{1,4},\{0x[0-9a-f]{1,2}(?:,0x[0-9a-f]{1,2}){7}\}\})\s*$`)
	decimal  = regexp.MustCompile(`^(?:[+-]?(?:\d[\d,]*(?:\.\d*)?|\.\d+)|(?:\d[\d,]*(?:\.\d*)?|\.\d+)[+-])$`)
	floating = regexp.MustCompile(`(?i)^[+-]?(?:(?:\d[\d,]*(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?|nan|infinity|∞)$`)
	// maxDecimal is the largest value of .NET's System.Decimal.
	maxDecimal, _ = new(big.Float).SetPrec(256).SetString("79228162514264337593543950335")
)

// parseInteger reads a decimal integer of so many bits; blanks around it and a sign are allowed, as in .NET's NumberStyles.Integer.
func parseInteger(v string, bits int) (int64, bool) {
	n, err := strconv.ParseInt(strings.TrimSpace(v), 10, bits)
	return n, err == nil
}

func isInt32(v string) bool { _, ok := parseInteger(v, 32); return ok }

func isInt64(v string) bool { _, ok := parseInteger(v, 64); return ok }

func isBool(v string) bool {
	v = strings.TrimSpace(v)
	return strings.EqualFold(v, "true") || strings.EqualFold(v, "false")
}

// isDecimal has no exponent, allows the sign on either side, and thousands separators.
func isDecimal(v string) bool {
	v = strings.TrimSpace(v)
	if !decimal.MatchString(v) {
		return false
	}
	f, ok := new(big.Float).SetPrec(256).SetString(strings.Trim(strings.ReplaceAll(v, ",", ""), "+-"))
	return ok && f.Cmp(maxDecimal) <= 0
}

func isFloat(v string) bool { return floating.MatchString(strings.TrimSpace(v)) }

// isFile reports whether the last segment of the value looks like a file name: a dot with something behind it.
func isFile(v string) bool {
	v = v[strings.LastIndex(v, "/")+1:]
	dot := strings.LastIndex(v, ".")
	return dot >= 0 && dot < len(v)-1
}

// The forms of dates and times that isDateTime knows; .NET's DateTime.TryParse with the invariant culture reads a few more.
var (
	dateLayouts = []string{"2006-1-2", "2006/1/2", "1/2/2006", "1-2-2006", "2006-1", "Jan 2, 2006", "January 2, 2006", "2 Jan 2006", "2 January 2006",
		"Mon, 2 Jan 2006", "Monday, 2 January 2006", "Monday, January 2, 2006"}
	timeLayouts = []string{"15:04:05", "15:04", "3:04:05PM", "3:04PM", "3:04:05 PM", "3:04 PM", "3PM", "3 PM"}
	zoneLayouts = []string{"", "Z07:00", " Z07:00", "Z0700", " MST"}
)

// maxDateTime is more than any date and time has characters; longer texts are not looked at.
const maxDateTime = 64

// isDateTime reports whether the value is a date, a time, or a date and time.
func isDateTime(v string) bool {
	v = strings.ToUpper(strings.TrimSpace(v))
	if len(v) > maxDateTime || !strings.ContainsAny(v, "0123456789") {
		return false
	}
	for _, date := range dateLayouts {
		if parses(date, v) {
			return true
		}
		for _, clock := range timeLayouts {
			for _, zone := range zoneLayouts {
				if parses(date+" "+clock+zone, v) || parses(date+"T"+clock+zone, v) {
					return true
				}
			}
		}
	}
	for _, clock := range timeLayouts {
		if parses(clock, v) {
			return true
		}
	}
	return false
}

func parses(layout, v string) bool {
	_, err := time.Parse(layout, v)
	return err == nil
}
