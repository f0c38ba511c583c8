package engine

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/durable/history"
)

// Hub is what the engine needs of a task hub. Package taskhub implements it on Redis. All methods are safe for concurrent use.
type Hub interface {
	// HostID names this host among those of the hub.
	HostID() string
	// Partitions is the hub's fixed number of partitions.
	Partitions() int
	// PartitionOf tells which partition an instance belongs to.
	PartitionOf(instanceID string) int

	// Heartbeat renews this host's lease and returns what it finds by the hub's clock.
	Heartbeat(ctx context.Context) (Membership, error)
	// StepDown makes this host one of Membership.Leaving, from this call and the next heartbeat on.
	StepDown(ctx context.Context) error
	// Leave gives up this host's lease, so that others need not wait for it to end.
	Leave(ctx context.Context) error
	// Owners returns the owner of each partition.
	Owners(ctx context.Context) ([]Owner, error)
	// Acquire takes partition p from the owner that Owners told, and returns the new fencing epoch; ok is false when somebody else
	// was faster.
	Acquire(ctx context.Context, p int, from Owner) (epoch int64, ok bool, err error)
	// Release gives partition p back, if this host still owns it with that epoch.
	Release(ctx context.Context, p int, epoch int64) error

	// Open reads the work that a new owner of the partition finds.
	Open(ctx context.Context, p int, epoch int64) (*PartitionState, error)
	// Inbox returns a blocking reader of the partition's inbox, from its first message.
	Inbox(p int) InboxReader
	// Load reads one instance; nil when there is none.
	Load(ctx context.Context, p int, instanceID string) (*Record, error)
	// LoadEntity reads one entity; nil when there is none.
	LoadEntity(ctx context.Context, p int, id string) (*EntityRecord, error)
	// Commit performs the changes, each atomically and fenced by the epoch, in order and after those of earlier calls for the partition. It
	// does not block. done gets one result per change, or an error, which means that the outcome is unknown; it may be called at once or
	// on another goroutine, and must not block.
	Commit(p int, epoch int64, changes []*Change, done func([]CommitResult, error))
	// Deliver puts messages of partition p's outbox into the inbox of partition to, exactly once and in order, and removes them from
	// the outbox.
	Deliver(ctx context.Context, p, to int, messages []OutboxMessage) error

	// TakeActivity waits for an activity that another host left to be taken, and claims it.
	TakeActivity(ctx context.Context) (*Outstanding, error)
	// Reclaim claims an outstanding activity unless the claim of another host is valid; Taken is false then, and Until says when to ask
	// again. The claim of the host called dead ("" for none) counts as ended.
	Reclaim(ctx context.Context, p int, key, dead string) (Claim, error)
	// RenewClaims extends this host's claims on activities of one partition, and claims those that nobody has claimed.
	RenewClaims(ctx context.Context, p int, keys []string) error
	// ReleaseClaims gives up this host's claims on activities that it will not finish.
	ReleaseClaims(ctx context.Context, p int, keys []string) error
	// CompleteActivity sends the outcome of an activity to its instance's inbox, if the activity is still outstanding.
	CompleteActivity(ctx context.Context, p int, key string, m Message) error
}

// InboxReader reads a partition's inbox.
type InboxReader interface {
	// Read waits for messages. It returns ErrClosed after Close, other errors when the hub cannot be reached.
	Read(ctx context.Context) ([]Message, error)
	Close() error
}

// The conditions of a hub that the engine branches on.
var (
	// ErrFenced: this host owns the partition no longer; nothing was changed.
	ErrFenced = errors.New("partition is owned by another host")
	// ErrStale: the instance is not what the engine believed (purged, replaced by a new start); nothing was changed.
	ErrStale = errors.New("instance was changed by somebody else")
	// ErrStartedBefore: this very start took place before; nothing was changed.
	ErrStartedBefore = errors.New("the start took place before")
	// ErrClosed: the reader has been closed.
	ErrClosed = errors.New("inbox reader is closed")
)

// Membership is what a heartbeat finds.
type Membership struct {
	// Hosts are the live hosts, sorted; this one is among them until it steps down.
	Hosts []string
	// Leaving are live hosts that take no share of the partitions, but finish the activities that they have begun.
	Leaving []string
	// Now is the hub's clock.
	Now time.Time
	// Lease is how long this host's lease lasts from Now.
	Lease time.Duration
	// Lapsed says that the host had no lease any more, or none yet: others may have taken its partitions.
	Lapsed bool
}

// Owner is the owner of a partition; Host is "" when it has none.
type Owner struct {
	Host  string
	Epoch int64
}

// PartitionState is the work that a new owner finds.
type PartitionState struct {
	Timers []TimerEntry
	// Activities are the outstanding ones.
	Activities []Outstanding
	Outbox     []OutboxMessage
	// Ready are instances whose next episode is due although no message says so.
	Ready []string
}

// TimerEntry is a durable timer.
type TimerEntry struct {
	InstanceID  string
	ExecutionID string
	TimerID     int
	FireAt      time.Time
}

// Outstanding is an activity whose outcome is not yet in the history.
type Outstanding struct {
	Partition int
	// Key identifies the activity in its partition.
	Key         string
	InstanceID  string
	ExecutionID string
	TaskID      int
	Name        string
	Input       json.RawMessage
	// ClaimedBy is the host that holds the claim, "" for none; ClaimedUntil by the hub's clock. What the owner of the partition runs
	// itself needs no claim.
	ClaimedBy    string
	ClaimedUntil time.Time
	// Claimed says that the hub may hold a claim on it.
	Claimed bool
}

// Claim is the answer to Reclaim.
type Claim struct {
	Taken    bool
	Activity Outstanding // when Taken
	Gone     bool        // the activity is not outstanding any more
	Until    time.Time
}

// MessageKind is what a message asks of an instance.
type MessageKind string

// The kinds of messages.
const (
	MessageStart     MessageKind = "start"     // the instance exists, Pending: run it
	MessageStartSub  MessageKind = "startsub"  // create the instance as a sub-orchestration and run it
	MessageEvent     MessageKind = "event"     // an external event
	MessageTaskDone  MessageKind = "taskdone"  // an activity's outcome
	MessageSubDone   MessageKind = "subdone"   // a sub-orchestration's outcome
	MessageTerminate MessageKind = "terminate" // end now
	MessageSuspend   MessageKind = "suspend"
	MessageResume    MessageKind = "resume"
	MessageRewind    MessageKind = "rewind" // run a failed instance again
	MessagePurged    MessageKind = "purged" // the instance was deleted while it ran, at this execution and revision: forget it
	MessageNudge     MessageKind = "nudge"  // a rewound parent asks for this sub-orchestration's outcome: rewind it if it failed, tell it again if it is known

	MessageOperation  MessageKind = "op"         // an operation of an entity
	MessageLock       MessageKind = "lock"       // a request for the entity's lock, and those of further entities
	MessageRelease    MessageKind = "release"    // gives a lock back
	MessageEntityDone MessageKind = "entitydone" // the answer of an entity: an operation's outcome, or a lock
)

var messageKinds = []MessageKind{
	MessageStart, MessageStartSub, MessageEvent, MessageTaskDone, MessageSubDone, MessageTerminate, MessageSuspend, MessageResume,
	MessageRewind, MessageNudge, MessagePurged, MessageEntityDone,
}

// Message is one message to an instance. Which fields have a meaning depends on Kind.
type Message struct {
	// ID is the message's place in the inbox.
	ID string `json:"-"`
	// Raw is the message as stored, for messages that were read.
	Raw []byte `json:"-"`

	Kind        MessageKind     `json:"k"`
	InstanceID  string          `json:"i"`
	ExecutionID string          `json:"x,omitempty"` // "": whichever runs
	Name        string          `json:"n,omitempty"` // function, or event
	Version     string          `json:"v,omitempty"`
	Data        json.RawMessage `json:"d,omitempty"` // input, event data or result
	Reason      string          `json:"r,omitempty"`
	Details     string          `json:"e,omitempty"`
	Failed      bool            `json:"f,omitempty"`
	// Failure describes a failure further.
	Failure *history.FailureDetails `json:"fd,omitempty"`
	Cascade bool                    `json:"c,omitempty"`
	TaskID  int                     `json:"t,omitempty"`
	Parent  *Parent                 `json:"p,omitempty"`
	// Revision is that of the instance that was purged.
	Revision int64 `json:"rev,omitempty,string"`
	At       int64 `json:"a,omitempty"` // when it was sent, in ms since 1970 by the hub's clock

	// Request is the ID of a request to an entity: the answer has the same. An operation without one is a signal.
	Request string `json:"q,omitempty"`
	// LockSet are the entities that a lock request, or a release that follows its way, goes to in order; Position is where it is.
	LockSet  []string `json:"l,omitempty"`
	Position int      `json:"pos,omitempty"`
	// Due is when a signal is to be delivered, in ms since 1970; 0: at once.
	Due int64 `json:"due,omitempty"`
	// Locks are those that a purged or replaced instance had or had asked for, as in Fields.Locks.
	Locks json.RawMessage `json:"lk,omitempty"`

	// Claimed says of the outcome of an activity that the hub may hold a claim on the activity.
	Claimed bool `json:"-"`
	// reply tells a client of this process that the message's effect is durable; nil: nobody waits for that.
	reply func(error)
}

// Parent names the orchestration that waits for an instance.
type Parent struct {
	Name        string `json:"n"`
	InstanceID  string `json:"i"`
	ExecutionID string `json:"x"`
	TaskID      int    `json:"t"`
}

// OutboxMessage is a message on its way to another partition.
type OutboxMessage struct {
	// ID is the message's place in the outbox, Seq its number among those from its partition to To.
	ID      string
	To      int
	Seq     int64
	Payload []byte // a Message as JSON
}

// Record is an instance as stored.
type Record struct {
	InstanceID   string
	ExecutionID  string
	Name         string
	Version      string
	Status       durable.RuntimeStatus
	Created      time.Time
	Updated      time.Time
	Input        json.RawMessage
	CustomStatus json.RawMessage
	Output       json.RawMessage
	Parent       *Parent
	// Revision grows with each change.
	Revision int64
	// NextPending is the number that the next pending event gets.
	NextPending int64
	// History is the committed history events in their stored form.
	History [][]byte
	// Pending are accepted events that no episode has shown yet.
	Pending []PendingEvent
}

// PendingEvent is an accepted event that no episode has shown yet.
type PendingEvent struct {
	Seq   int64
	Event []byte // stored form
}

// Change is what one commit does to one instance. All of it happens, or nothing.
type Change struct {
	InstanceID string
	// ExecutionID and Revision are what the instance must be at; Revision 0 means that there must be none.
	ExecutionID string
	Revision    int64
	// Start says that the change begins the execution ExecutionID, whatever the instance is at: it is refused with a
	// *durable.InstanceExistsError if one that has not finished is there, unless AnyState, and with ErrStartedBefore if it is that very execution.
	// Revision is 0 then, and CommitResult tells the new one.
	Start, AnyState bool

	// Replace drops all that is stored of the instance before the fields are set (a new sub-orchestration under an old ID).
	Replace bool
	// Fields are the instance's fields to set; nil leaves one as it is.
	Fields Fields
	// OldStatus and Created are the stored ones of an instance whose status Fields change.
	OldStatus durable.RuntimeStatus
	Created   time.Time
	// ResetHistory drops the history before Append.
	ResetHistory bool
	Append       [][]byte

	// Consumed are the inbox messages that this change takes account of.
	Consumed      []string
	PendingAdd    []PendingEvent
	PendingRemove []int64

	TimersAdd    []TimerEntry
	TimersRemove []TimerEntry

	ActivitiesAdd    []ActivityAdd
	ActivitiesRemove []string
	// ClaimsRemove are those of ActivitiesRemove that may have a claim.
	ClaimsRemove []string

	// Send are messages to instances of any partition.
	Send []Message

	// Ready says that the next episode is due although no message says so.
	Ready ReadyChange
	// Notify tells those who wait for the instance's status, which is Status.
	Notify bool
	Status durable.RuntimeStatus
	// Entity, when set, says that the change is one of an entity; of the fields above only InstanceID, Revision and Ready count then, and those for messages,
	// pending messages and timers.
	Entity *EntityChange
	// SetAside are messages that cannot be processed; they are kept with the reason.
	SetAside []AsideMessage
	// AckOnly is a change that touches no instance: only Consumed, ActivitiesRemove, TimersRemove and Send count.
	AckOnly bool
}

// AsideMessage is a message that cannot be processed.
type AsideMessage struct {
	Message []byte
	Reason  string
}

// ReadyChange changes whether an instance's next episode is due although no message says so.
type ReadyChange int

// The changes of readiness.
const (
	ReadyAsIs ReadyChange = iota
	ReadySet
	ReadyClear
)

// Fields are the stored fields of an instance; nil pointers and nil slices leave a field as it is.
type Fields struct {
	Name         *string
	Version      *string
	ExecutionID  *string
	Status       *durable.RuntimeStatus
	Created      *time.Time
	Updated      time.Time
	Input        *json.RawMessage // pointing to nil: none
	CustomStatus *json.RawMessage
	Output       *json.RawMessage
	Parent       *Parent
	// Locks are the locks of entities that the execution has or has asked for: lock set by request ID; pointing to nil: none.
	Locks *json.RawMessage
}

// ActivityAdd is an activity to record as outstanding.
type ActivityAdd struct {
	Outstanding
	// Spill leaves it for any host; otherwise it is claimed by this host.
	Spill bool
}

// CommitResult is what became of one Change.
type CommitResult struct {
	// Err is nil, ErrFenced, ErrStale, or what Change.Start says.
	Err error
	// Revision is the instance's after a start.
	Revision int64
	// Outbox are the messages that now wait in the outbox.
	Outbox []OutboxMessage
}
