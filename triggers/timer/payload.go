package timer

import (
	"encoding/json"
	"time"

	"github.com/durango-functions/durango/functions"
	"github.com/durango-functions/durango/worker"
)

// info is the value of the trigger, as TimerInfo of azure-webjobs-sdk-extensions is written.
type info struct {
	Schedule struct {
		AdjustForDST bool
	}
	ScheduleStatus *scheduleStatus // nil when the schedule is not monitored
	IsPastDue      bool
}

type scheduleStatus struct {
	Last        string
	Next        string
	LastUpdated string
}

// timeLayout has seven decimals and a numeric offset even for UTC, as .NET writes times.
const timeLayout = "2006-01-02T15:04:05.9999999-07:00"

func formatTime(t time.Time, location *time.Location) string {
	if t.IsZero() {
		return "0001-01-01T00:00:00+00:00"
	}
	return t.In(location).Format(timeLayout)
}

// value makes the trigger's value for an occurrence of the record as it was before.
func value(s *Schedule, before snapshot, monitored, pastDue bool) worker.Value {
	v := info{IsPastDue: pastDue}
	v.Schedule.AdjustForDST = s.interval == 0
	if monitored {
		v.ScheduleStatus = &scheduleStatus{
			Last: formatTime(before.last, s.location), Next: formatTime(before.next, s.location), LastUpdated: formatTime(before.updated, s.location),
		}
	}
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err) // strings and booleans
	}
	return worker.JSONValue(raw)
}

// TriggerValue is the value of a run outside of the schedule, by the admin API: never past due, with the next occurrence from now, in UTC.
func TriggerValue(fn *functions.Function) worker.Value {
	now := time.Now()
	s := &Schedule{location: time.UTC}
	if trigger := fn.Trigger(); trigger != nil {
		if parsed, err := ParseSchedule(trigger.StringProperty("schedule"), nil); err == nil {
			return value(parsed, snapshot{next: parsed.Next(now)}, true, false)
		}
	}
	return value(s, snapshot{}, false, false)
}
