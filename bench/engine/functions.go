package engine

import (
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Functions are the activities' bodies, the same for each engine, and a record of their calls. One is made for each measurement.
type Functions struct {
	calls atomic.Int64
	mu    sync.Mutex
	steps []time.Time
}

// Calls is how many activities have run. It tells how far an engine had come that ran out of time.
func (f *Functions) Calls() int { return int(f.calls.Load()) }

// SayHello greets.
func (f *Functions) SayHello(name string) string {
	f.calls.Add(1)
	return "Hello " + name + "!"
}

// Double returns twice n.
func (f *Functions) Double(n int) int {
	f.calls.Add(1)
	return 2 * n
}

// Step returns n+1 and notes when it ran as the nth, counted from 0.
func (f *Functions) Step(n int) int {
	f.calls.Add(1)
	f.mu.Lock()
	defer f.mu.Unlock()
	if n == len(f.steps) { // an activity runs at least once: the first time counts
		f.steps = append(f.steps, time.Now())
	}
	return n + 1
}

// Steps are the times of Step's runs.
func (f *Functions) Steps() []time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.steps)
}

// Reverse returns the text backwards.
func (f *Functions) Reverse(text string) string {
	f.calls.Add(1)
	return Reversed(text)
}

// Reversed is the text backwards, byte by byte.
func Reversed(text string) string {
	b := []byte(text)
	slices.Reverse(b)
	return string(b)
}

var payloads sync.Map // size → string: orchestrators replay, and must not spend their time on making it

// Payload is a text of so many bytes that compresses badly and is its own JSON.
func Payload(size int) string {
	if p, ok := payloads.Load(size); ok {
		return p.(string)
	}
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	random := rand.New(rand.NewPCG(1, uint64(size)))
	b := make([]byte, size)
	for i := range b {
		b[i] = letters[random.IntN(len(letters))]
	}
	p, _ := payloads.LoadOrStore(size, string(b))
	return p.(string)
}

// CheckReversed returns the size of the payload when text is the payload backwards, and -1 otherwise.
func CheckReversed(size int, text string) int {
	if Reversed(text) != Payload(size) {
		return -1
	}
	return size
}
