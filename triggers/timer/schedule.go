package timer

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/durango-functions/durango/functions"
)

// Schedule tells when a timer fires.
type Schedule struct {
	text     string
	location *time.Location
	interval time.Duration // of a TimeSpan, 0 for a cron expression
	// absolute is for schedules that fire in every hour, wall for all others; see Next.
	absolute, wall *cron.SpecSchedule
}

// ParseSchedule reads a schedule: an NCRONTAB expression of six fields, {second} {minute} {hour} {day} {month} {day of the week}, or five without
// the seconds, or a TimeSpan such as "00:05:00" between the end of one run and the next. Cron expressions are in the time of location,
// UTC if nil. An error names the field and its value.
func ParseSchedule(text string, location *time.Location) (*Schedule, error) {
	if location == nil {
		location = time.UTC
	}
	s := &Schedule{text: strings.Join(strings.Fields(text), " "), location: location}
	words := strings.Fields(text)
	var err error
	switch {
	case len(words) == 0:
		err = errors.New("it is empty")
	case len(words) == 1 && strings.Contains(text, ":"):
		err = s.parseInterval(words[0])
	case len(words) == 5:
		err = s.parseCron(append([]string{"0"}, words...))
	case len(words) == 6:
		err = s.parseCron(words)
	default:
		err = fmt.Errorf("it has %d fields", len(words))
	}
	if err != nil {
		return nil, fmt.Errorf(`schedule %q: %w; expected "{second} {minute} {hour} {day} {month} {day-of-week}" or a time span "hh:mm:ss"`, text, err)
	}
	return s, nil
}

func (s *Schedule) parseInterval(text string) (err error) {
	if s.interval, err = functions.ParseTimeSpan(text); err != nil {
		return err
	}
	if s.interval < time.Millisecond {
		return fmt.Errorf("the time span %q is not positive", text)
	}
	return nil
}

// field describes one field of a cron expression.
type field struct {
	name   string
	option cron.ParseOption
	expect string
	names  []string // of its values from first on
	first  int
}

var fields = []field{
	{name: "second", option: cron.Second, expect: "0-59"},
	{name: "minute", option: cron.Minute, expect: "0-59"},
	{name: "hour", option: cron.Hour, expect: "0-23"},
	{name: "day", option: cron.Dom, expect: "1-31"},
	{name: "month", option: cron.Month, expect: "1-12 or JAN-DEC", first: 1, names: []string{
		"january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december",
	}},
	{name: "day-of-week", option: cron.Dow, expect: "0-6 or SUN-SAT", names: []string{
		"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday",
	}},
}

// allHours are the bits of 0 to 23.
const allHours = 1<<24 - 1

// starBit makes the cron package ask for the day of the month and the day of the week, not for either, as NCRONTAB does.
const starBit = 1 << 63

func (s *Schedule) parseCron(words []string) error {
	for i, f := range fields {
		words[i] = f.numbers(words[i])
		if strings.ContainsAny(words[i], "@=?") {
			return fmt.Errorf("its %s field %q is not valid, expected %s with * , - /", f.name, words[i], f.expect)
		}
		if _, err := cron.NewParser(f.option).Parse(words[i]); err != nil {
			return fmt.Errorf("its %s field %q is not valid (%w), expected %s with * , - /", f.name, words[i], err, f.expect)
		}
	}
	parser := cron.NewParser(cron.Second | cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)
	parsed, err := parser.Parse(strings.Join(words, " "))
	if err != nil {
		return err
	}
	spec, ok := parsed.(*cron.SpecSchedule)
	if !ok {
		return errors.New("it is no cron expression")
	}
	spec.Dow |= starBit
	if spec.Hour&allHours == allHours {
		spec.Location = s.location
		s.absolute = spec
	} else {
		spec.Location = time.UTC
		s.wall = spec
	}
	if s.Next(time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return errors.New("it does not occur within five years")
	}
	return nil
}

// numbers replaces names of months or days, of three letters or more, by their numbers.
func (f field) numbers(word string) string {
	if f.names == nil {
		return word
	}
	var out strings.Builder
	for len(word) > 0 {
		n := 0
		for n < len(word) && (word[n]|0x20 >= 'a' && word[n]|0x20 <= 'z') {
			n++
		}
		replaced := false
		for i, name := range f.names {
			if n >= 3 && strings.HasPrefix(name, strings.ToLower(word[:n])) {
				fmt.Fprint(&out, f.first+i)
				replaced = true
			}
		}
		if n == 0 {
			n = 1
			replaced = false
		}
		if !replaced {
			out.WriteString(word[:n])
		}
		word = word[n:]
	}
	return out.String()
}

// Next returns the first occurrence after a time, the zero time if there is none within five years.
//
// A schedule for certain hours goes by the clock on the wall: when clocks are put back it does not fire again in the repeated hour, and
// when they are put forward, what falls into the missing hour fires an hour later. A schedule for every hour just goes on.
func (s *Schedule) Next(after time.Time) time.Time {
	switch {
	case s.interval > 0:
		return after.Add(s.interval)
	case s.absolute != nil:
		return s.absolute.Next(after.In(s.location))
	}
	local := after.In(s.location)
	wall := time.Date(local.Year(), local.Month(), local.Day(), local.Hour(), local.Minute(), local.Second(), local.Nanosecond(), time.UTC)
	for {
		wall = s.wall.Next(wall)
		if wall.IsZero() {
			return time.Time{}
		}
		if next := atWall(wall, s.location); next.After(after) {
			return next
		}
	}
}

// atWall returns when clocks in location show the time wall: the first time, if they do so twice.
func atWall(wall time.Time, location *time.Location) time.Time {
	at := time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), wall.Second(), 0, location)
	_, offset := at.Zone()
	if _, before := at.Add(-3 * time.Hour).Zone(); before > offset {
		earlier := at.Add(-time.Duration(before-offset) * time.Second)
		if _, o := earlier.Zone(); o == before {
			return earlier
		}
	}
	return at
}

// Frequent reports whether occurrences may be less than a minute apart, which makes the schedule an unmonitored one.
func (s *Schedule) Frequent(now time.Time) bool {
	if s.interval > 0 {
		return s.interval < time.Minute
	}
	at := s.Next(now)
	for range 5 {
		next := s.Next(at)
		if next.IsZero() {
			return false
		}
		if next.Sub(at) < time.Minute {
			return true
		}
		at = next
	}
	return false
}

// String returns the schedule as written, with its time zone if that is not UTC.
func (s *Schedule) String() string {
	if s.interval > 0 || s.location == time.UTC {
		return s.text
	}
	return s.text + " " + s.location.String()
}
