package timer

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	location, err := time.LoadLocation(name)
	require.NoError(t, err)
	return location
}

func TestScheduleNext(t *testing.T) {
	t.Parallel()
	berlin, newYork := zone(t, "Europe/Berlin"), zone(t, "America/New_York")
	for _, test := range []struct {
		name, schedule string
		location       *time.Location
		after          string
		want           []string
	}{
		{"every five minutes", "0 */5 * * * *", nil, "2026-03-01T10:02:30Z", []string{"2026-03-01T10:05:00Z", "2026-03-01T10:10:00Z"}},
		{"five fields", "*/5 * * * *", nil, "2026-03-01T10:02:30Z", []string{"2026-03-01T10:05:00Z", "2026-03-01T10:10:00Z"}},
		{"lists and ranges", "10,20-22 0 9-17/4 * * *", nil, "2026-03-01T09:00:20Z", []string{"2026-03-01T09:00:21Z", "2026-03-01T09:00:22Z", "2026-03-01T13:00:10Z"}},
		{"strictly after", "0 0 0 1 1 *", nil, "2026-01-01T00:00:00Z", []string{"2027-01-01T00:00:00Z"}},
		{"between occurrences", "30 9 * * * *", nil, "2026-03-01T10:09:29.999Z", []string{"2026-03-01T10:09:30Z"}},
		{"names of days", "0 30 9 * * Mon-FRI", nil, "2026-03-06T10:00:00Z", []string{"2026-03-09T09:30:00Z", "2026-03-10T09:30:00Z"}},
		{"full names", "0 0 0 1 January,mar Monday,TUESDAY", nil, "2026-03-06T10:00:00Z", []string{"2027-03-01T00:00:00Z", "2028-01-01T00:00:00Z"}[:1]},
		{"Sunday is 0", "0 0 12 * * 0", nil, "2026-03-06T10:00:00Z", []string{"2026-03-08T12:00:00Z"}},
		{"day and day of the week", "0 0 0 13 * 5", nil, "2026-01-01T00:00:00Z", []string{"2026-02-13T00:00:00Z", "2026-03-13T00:00:00Z", "2026-11-13T00:00:00Z"}},
		{"leap day", "0 0 0 29 2 *", nil, "2026-01-01T00:00:00Z", []string{"2028-02-29T00:00:00Z"}},
		{"blanks", "  0  0 12 *  * * ", nil, "2026-03-06T10:00:00Z", []string{"2026-03-06T12:00:00Z"}},
		{"time span", "00:00:30", nil, "2026-03-06T10:00:01Z", []string{"2026-03-06T10:00:31Z", "2026-03-06T10:01:01Z"}},
		{"time span with days", "1.02:00:00", nil, "2026-03-06T10:00:00Z", []string{"2026-03-07T12:00:00Z"}},
		{"fractions", "00:00:00.25", nil, "2026-03-06T10:00:00Z", []string{"2026-03-06T10:00:00.25Z"}},
		{"zone", "0 30 9 * * *", berlin, "2026-03-06T09:00:00Z", []string{"2026-03-07T08:30:00Z"}},
		// Berlin goes from 02:00 to 03:00 on 29 March 2026 and from 03:00 back to 02:00 on 25 October 2026.
		{"an hour that is left out", "0 30 2 * * *", berlin, "2026-03-28T12:00:00Z", []string{"2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z"}},
		{"an hour that comes twice", "0 30 2 * * *", berlin, "2026-10-24T12:00:00Z", []string{"2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"}},
		{"in the second of the two hours", "0 30 2 * * *", berlin, "2026-10-25T01:00:00Z", []string{"2026-10-26T01:30:00Z"}},
		{"every half hour, clocks back", "0 */30 * * * *", newYork, "2026-11-01T05:15:00Z", []string{"2026-11-01T05:30:00Z", "2026-11-01T06:00:00Z", "2026-11-01T06:30:00Z", "2026-11-01T07:00:00Z"}},
		{"every half hour, clocks forward", "0 */30 * * * *", newYork, "2026-03-08T06:15:00Z", []string{"2026-03-08T06:30:00Z", "2026-03-08T07:00:00Z"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s, err := ParseSchedule(test.schedule, test.location)
			require.NoError(t, err)
			at, err := time.Parse(time.RFC3339Nano, test.after)
			require.NoError(t, err)
			for _, want := range test.want {
				at = s.Next(at)
				require.Equal(t, want, at.UTC().Format(time.RFC3339Nano))
			}
		})
	}
}

func TestScheduleErrors(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                      "it is empty",
		"5":                     "it has 1 fields",
		"* * * *":               "it has 4 fields",
		"* * * * * * *":         "it has 7 fields",
		"60 * * * * *":          `its second field "60" is not valid`,
		"0 61 * * * *":          `its minute field "61" is not valid`,
		"61 * * * *":            `its minute field "61" is not valid`,
		"0 0 24 * * *":          `its hour field "24" is not valid`,
		"0 0 0 32 * *":          `its day field "32" is not valid`,
		"0 0 0 0 * *":           `its day field "0" is not valid`,
		"0 0 0 * 13 *":          `its month field "13" is not valid`,
		"0 0 0 * FOO *":         `its month field "FOO" is not valid`,
		"0 0 0 * * 7":           `its day-of-week field "7" is not valid`,
		"0 0 0 * * MO":          `its day-of-week field "MO" is not valid`,
		"0 0 0 * * *?":          `its day-of-week field "*?" is not valid`,
		"0 */0 * * * *":         `its minute field "*/0" is not valid`,
		"0 5-1 * * * *":         `its minute field "5-1" is not valid`,
		"0 a * * * *":           `its minute field "a" is not valid`,
		"TZ=UTC * * * * *":      `its second field "TZ=UTC" is not valid`,
		"CRON_TZ=X * * * * * *": "it has 7 fields",
		"@every 1s * * * *":     `its second field "@every" is not valid`,
		"0 0 0 30 2 *":          "it does not occur within five years",
		"00:00:00":              "is not positive",
		"-00:00:01":             "is not positive",
		"00:61:00":              "is no time span",
		"0:0:0:0:0":             "is no time span",
		"%MISSING% * * * * *":   `its second field "%MISSING%" is not valid`,
	} {
		_, err := ParseSchedule(text, nil)
		require.ErrorContains(t, err, want, text)
		require.ErrorContains(t, err, "expected")
	}
}

func TestScheduleFrequent(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for text, want := range map[string]bool{
		"00:00:59": true, "00:01:00": false, "*/30 * * * * *": true, "0 * * * * *": false, "0,30 0 0 * * *": true, "0 0 0 1 1 *": false,
	} {
		s, err := ParseSchedule(text, nil)
		require.NoError(t, err)
		require.Equal(t, want, s.Frequent(now), text)
	}
}

func FuzzParseSchedule(f *testing.F) {
	for _, seed := range []string{"0 */5 * * * *", "1,2-5/2 0 9-17 1 JAN mon", "00:00:01", "1.00:00:00"} {
		f.Add(seed)
	}
	after := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	berlin := zone(f, "Europe/Berlin")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseSchedule(text, berlin)
		if err != nil {
			return
		}
		at := after
		for range 10 {
			next := s.Next(at)
			if next.IsZero() {
				return
			}
			require.True(t, next.After(at))
			at = next
		}
		s.Frequent(after)
	})
}
