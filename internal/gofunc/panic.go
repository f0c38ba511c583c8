package gofunc

import "fmt"

// panicError is the failure of a function that panicked.
type panicError struct{ value any }

// Panicked makes an error of what was recovered from a panic. It wraps the error that the function panicked with, if it was one.
func Panicked(value any) error { return &panicError{value} }

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v", e.value) }

func (e *panicError) Unwrap() error {
	err, _ := e.value.(error)
	return err
}
