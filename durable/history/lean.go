package history

import (
	"strconv"
	"time"
)

// leanTime has what the clock of an episode has: milliseconds.
const leanTime = "2006-01-02T15:04:05.999Z"

// AppendLean appends the event in the form in which histories of orchestrators in Go are stored: that of AppendJSON without what only the
// SDKs of other languages need, and without what is empty. Decode reads it.
func (e *Event) AppendLean(dst []byte) []byte {
	dst = append(dst, `{"EventType":`...)
	dst = strconv.AppendInt(dst, int64(e.Type), 10)
	if e.ID >= 0 {
		dst = append(dst, `,"EventId":`...)
		dst = strconv.AppendInt(dst, int64(e.ID), 10)
	}
	dst = append(dst, `,"Timestamp":`...)
	dst = appendLeanTime(dst, e.Timestamp)
	switch e.Type {
	case TaskScheduled, EventRaised, EventSent, SubOrchestrationCreated:
		dst = append(dst, `,"Name":`...)
		dst = appendString(dst, e.Name)
		dst = appendOptional(dst, `,"Version":`, e.Version)
		dst = appendOptional(dst, `,"InstanceId":`, e.InstanceID)
		dst = appendOptionalText(dst, `,"Input":`, e.Input)
	case TaskCompleted, SubOrchestrationCompleted:
		dst = e.appendTaskID(dst)
		dst = appendOptionalText(dst, `,"Result":`, e.Result)
	case TimerCreated:
		dst = append(dst, `,"FireAt":`...)
		dst = appendLeanTime(dst, e.FireAt)
	case TimerFired:
		dst = append(dst, `,"TimerId":`...)
		dst = strconv.AppendInt(dst, int64(e.TaskID), 10)
		dst = append(dst, `,"FireAt":`...)
		dst = appendLeanTime(dst, e.FireAt)
	case ExecutionStarted:
		dst = e.appendLeanStart(dst)
	case ExecutionCompleted:
		dst = append(dst, `,"OrchestrationStatus":`...)
		dst = strconv.AppendInt(dst, int64(e.Status), 10)
		dst = appendOptionalText(dst, `,"Result":`, e.Result)
	default:
		dst = e.appendFields(dst)
	}
	return append(dst, '}')
}

func (e *Event) appendLeanStart(dst []byte) []byte {
	dst = append(dst, `,"OrchestrationInstance":`...)
	dst = appendInstance(dst, e.OwnInstanceID, e.ExecutionID)
	if e.Parent != nil {
		dst = append(dst, `,"ParentInstance":`...)
		dst = e.appendParent(dst)
	}
	dst = append(dst, `,"Name":`...)
	dst = appendString(dst, e.Name)
	dst = appendOptional(dst, `,"Version":`, e.Version)
	dst = appendOptionalText(dst, `,"Input":`, e.Input)
	return appendOptional(dst, `,"DurangoRuntime":`, e.Runtime)
}

// appendLeanTime appends a time in RFC 3339 with milliseconds. It is written by hand since a history holds one in each event.
func appendLeanTime(dst []byte, t time.Time) []byte {
	t = t.UTC()
	year, month, day := t.Date()
	if year < 0 || year > 9999 {
		dst = append(dst, '"')
		return append(t.AppendFormat(dst, leanTime), '"')
	}
	hour, minute, second := t.Clock()
	dst = append(dst, '"', digit(year/1000), digit(year/100), digit(year/10), digit(year), '-')
	dst = append(dst, digit(int(month)/10), digit(int(month)), '-', digit(day/10), digit(day), 'T')
	dst = append(dst, digit(hour/10), digit(hour), ':', digit(minute/10), digit(minute), ':', digit(second/10), digit(second))
	if ms := t.Nanosecond() / 1e6; ms > 0 {
		dst = append(dst, '.', digit(ms/100), digit(ms/10), digit(ms))
	}
	return append(dst, 'Z', '"')
}

// digit is the last decimal digit of n.
func digit(n int) byte { return byte('0' + n%10) }

func appendOptional(dst []byte, key, value string) []byte {
	if value == "" {
		return dst
	}
	return appendString(append(dst, key...), value)
}

func appendOptionalText(dst []byte, key string, value *string) []byte {
	if value == nil {
		return dst
	}
	return appendString(append(dst, key...), *value)
}
