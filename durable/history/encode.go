package history

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"
)

// timeLayout has the seven fractional digits of .NET's round-trip format.
const timeLayout = "2006-01-02T15:04:05.0000000Z"

const (
	unplayed = `,"IsPlayed":false,`
	played   = `,"IsPlayed":true,`
)

// AppendJSON appends the event in its wire form, which is its stored form. Every form begins
//
//	{"EventType":N,"EventId":N,"IsPlayed":true,"Timestamp":"2026-11-24T01:02:03.1234567Z"
//
// in this order, so that the played form of an event differs from the unplayed one in one literal only (see MarkPlayed). Times are in
// UTC with a resolution of 100 ns; finer digits are cut off.
func (e *Event) AppendJSON(dst []byte, isPlayed bool) []byte {
	dst = append(dst, `{"EventType":`...)
	dst = strconv.AppendInt(dst, int64(e.Type), 10)
	dst = append(dst, `,"EventId":`...)
	dst = strconv.AppendInt(dst, int64(e.ID), 10)
	if isPlayed {
		dst = append(dst, played...)
	} else {
		dst = append(dst, unplayed...)
	}
	dst = append(dst, `"Timestamp":`...)
	dst = appendTime(dst, e.Timestamp)
	dst = e.appendFields(dst)
	if e.Action != NoAction && e.Type.hasAction() {
		dst = append(dst, `,"DurangoAction":`...)
		dst = strconv.AppendInt(dst, int64(e.Action), 10)
	}
	return append(dst, '}')
}

// appendFields appends what the event's type adds to the common fields (Azure/durabletask DurableTask.Core/History/*.cs).
func (e *Event) appendFields(dst []byte) []byte {
	switch e.Type {
	case ExecutionStarted:
		dst = e.appendStarted(dst)
	case ExecutionCompleted, ContinueAsNew:
		dst = e.appendOutcome(dst)
	case ExecutionFailed:
		dst = e.appendFailure(dst)
	case ExecutionTerminated:
		dst = append(dst, `,"Input":`...)
		dst = appendText(dst, e.Input)
	case TaskScheduled:
		dst = e.appendCall(dst)
		dst = append(dst, `,"Input":`...)
		dst = appendText(dst, e.Input)
	case TaskCompleted, SubOrchestrationCompleted:
		dst = e.appendTaskID(dst)
		dst = append(dst, `,"Result":`...)
		dst = appendText(dst, e.Result)
	case TaskFailed, SubOrchestrationFailed:
		dst = e.appendTaskID(dst)
		dst = e.appendFailure(dst)
	case SubOrchestrationCreated:
		dst = e.appendCall(dst)
		dst = append(dst, `,"InstanceId":`...)
		dst = appendString(dst, e.InstanceID)
		dst = append(dst, `,"Input":`...)
		dst = appendText(dst, e.Input)
	case TimerCreated:
		dst = append(dst, `,"FireAt":`...)
		dst = appendTime(dst, e.FireAt)
	case TimerFired:
		dst = append(dst, `,"TimerId":`...)
		dst = strconv.AppendInt(dst, int64(e.TaskID), 10)
		dst = append(dst, `,"FireAt":`...)
		dst = appendTime(dst, e.FireAt)
	case EventSent:
		dst = append(dst, `,"InstanceId":`...)
		dst = appendString(dst, e.InstanceID)
		dst = e.appendNamedInput(dst)
	case EventRaised:
		dst = e.appendNamedInput(dst)
	case GenericEvent:
		dst = append(dst, `,"Data":`...)
		dst = appendString(dst, e.Data)
		if e.Reason != "" {
			dst = e.appendReason(dst)
		}
	case HistoryState:
		dst = append(dst, `,"State":null`...)
	case ExecutionSuspended, ExecutionResumed:
		dst = e.appendReason(dst)
	case ExecutionRewound:
		dst = e.appendReason(dst)
		dst = append(dst, `,"ParentExecutionId":`...)
		dst = appendString(dst, e.ExecutionID)
		dst = append(dst, `,"InstanceId":`...)
		dst = appendString(dst, e.InstanceID)
	case OrchestratorStarted, OrchestratorCompleted:
	}
	return dst
}

func (e *Event) appendStarted(dst []byte) []byte {
	dst = append(dst, `,"OrchestrationInstance":`...)
	dst = appendInstance(dst, e.OwnInstanceID, e.ExecutionID)
	dst = append(dst, `,"ParentInstance":`...)
	if e.Parent == nil {
		dst = append(dst, "null"...)
	} else {
		dst = e.appendParent(dst)
	}
	dst = e.appendCall(dst)
	dst = append(dst, `,"Input":`...)
	dst = appendText(dst, e.Input)
	return append(dst, `,"Tags":null,"Correlation":null,"ScheduledStartTime":null`...)
}

func (e *Event) appendParent(dst []byte) []byte {
	dst = append(dst, `{"Name":`...)
	dst = appendString(dst, e.Parent.Name)
	dst = append(dst, `,"OrchestrationInstance":`...)
	dst = appendInstance(dst, e.Parent.InstanceID, e.Parent.ExecutionID)
	dst = append(dst, `,"TaskScheduleId":`...)
	dst = strconv.AppendInt(dst, int64(e.Parent.TaskScheduledID), 10)
	return append(dst, `,"Version":""}`...)
}

func (e *Event) appendOutcome(dst []byte) []byte {
	dst = append(dst, `,"OrchestrationStatus":`...)
	dst = strconv.AppendInt(dst, int64(e.Status), 10)
	dst = append(dst, `,"Result":`...)
	dst = appendText(dst, e.Result)
	return append(dst, `,"FailureDetails":null`...)
}

func appendInstance(dst []byte, instanceID, executionID string) []byte {
	dst = append(dst, `{"InstanceId":`...)
	dst = appendString(dst, instanceID)
	dst = append(dst, `,"ExecutionId":`...)
	dst = appendString(dst, executionID)
	return append(dst, '}')
}

func (e *Event) appendCall(dst []byte) []byte {
	dst = append(dst, `,"Name":`...)
	dst = appendString(dst, e.Name)
	dst = append(dst, `,"Version":`...)
	return appendString(dst, e.Version)
}

func (e *Event) appendNamedInput(dst []byte) []byte {
	dst = append(dst, `,"Name":`...)
	dst = appendString(dst, e.Name)
	dst = append(dst, `,"Input":`...)
	return appendText(dst, e.Input)
}

func (e *Event) appendTaskID(dst []byte) []byte {
	dst = append(dst, `,"TaskScheduledId":`...)
	return strconv.AppendInt(dst, int64(e.TaskID), 10)
}

func (e *Event) appendReason(dst []byte) []byte {
	dst = append(dst, `,"Reason":`...)
	return appendString(dst, e.Reason)
}

// appendFailure writes Reason and Details as strings in every case: the SDKs crash on a failure without one of them.
func (e *Event) appendFailure(dst []byte) []byte {
	dst = e.appendReason(dst)
	dst = append(dst, `,"Details":`...)
	dst = appendString(dst, e.Details)
	dst = append(dst, `,"FailureDetails":`...)
	if e.Failure == nil {
		return append(dst, "null"...)
	}
	raw, err := json.Marshal(e.Failure)
	if err != nil { // strings and flags always have a JSON form
		return append(dst, "null"...)
	}
	return append(dst, raw...)
}

func appendTime(dst []byte, t time.Time) []byte {
	t = t.UTC()
	dst = append(dst, '"')
	if year := t.Year(); year < 1000 || year > 9999 {
		dst = t.AppendFormat(dst, timeLayout)
		return append(dst, '"')
	}
	// This is timeLayout without the work of reading it, which is a good part of what an event takes.
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	dst = strconv.AppendInt(dst, int64(year), 10)
	dst = appendTwo(dst, '-', int(month))
	dst = appendTwo(dst, '-', day)
	dst = appendTwo(dst, 'T', hour)
	dst = appendTwo(dst, ':', minute)
	dst = appendTwo(dst, ':', second)
	ticks := t.Nanosecond() / 100
	dst = append(dst, '.')
	for unit := 1_000_000; unit > 0; unit /= 10 {
		dst = append(dst, byte('0'+ticks/unit%10))
	}
	return append(dst, 'Z', '"')
}

func appendTwo(dst []byte, before byte, n int) []byte {
	return append(dst, before, byte('0'+n/10), byte('0'+n%10))
}

// MarkPlayed returns the played form of an event in its wire form, without decoding it: raw itself when it is played already, else a copy.
func MarkPlayed(raw []byte) []byte {
	// The first occurrence is the one of the head: no text stands before it.
	i := bytes.Index(raw, []byte(unplayed))
	j := bytes.Index(raw, []byte(`"Timestamp"`))
	if i < 0 || j < i {
		return raw
	}
	out := make([]byte, 0, len(raw)-1)
	out = append(out, raw[:i]...)
	out = append(out, played...)
	return append(out, raw[i+len(unplayed):]...)
}

// JoinArray makes a JSON array of events in their wire form.
func JoinArray(events [][]byte) []byte {
	n := 2
	for _, e := range events {
		n += len(e) + 1
	}
	out := append(make([]byte, 0, n), '[')
	for i, e := range events {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, e...)
	}
	return append(out, ']')
}
