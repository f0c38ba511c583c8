// Package uuid stands in for the real one.
package uuid

type UUID [16]byte

var NameSpaceURL = UUID{}

func New() UUID                            { return UUID{} }
func NewString() string                    { return "" }
func NewRandom() (UUID, error)             { return UUID{}, nil }
func NewV7() (UUID, error)                 { return UUID{}, nil }
func Must(id UUID, err error) UUID         { return id }
func NewSHA1(space UUID, data []byte) UUID { return UUID{} }
func Parse(s string) (UUID, error)         { return UUID{}, nil }
func (id UUID) String() string             { return "" }
