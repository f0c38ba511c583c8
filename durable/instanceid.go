package durable

import (
	"encoding/hex"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/google/uuid"
)

// MaxInstanceIDLength is the length of the longest instance ID that a caller may give, in UTF-16 code units (azure-functions-durable-extension
// DurableClient.cs:33).
const MaxInstanceIDLength = 256

// InvalidInstanceIDError refuses an instance ID.
type InvalidInstanceIDError struct {
	InstanceID string
	// Rule is the rule that the ID breaks, as the end of a sentence that begins with "it ".
	Rule string
}

func (e *InvalidInstanceIDError) Error() string {
	return fmt.Sprintf("'%s' cannot be an instance ID: it %s", printable(e.InstanceID), e.Rule)
}

// printable shortens an ID and escapes what does not print, for error texts.
func printable(id string) string {
	const limit = 80
	shown := strings.ToValidUTF8(id, "\uFFFD")
	if utf8.RuneCountInString(shown) > limit {
		shown = string([]rune(shown)[:limit]) + "..."
	}
	quoted := fmt.Sprintf("%q", shown)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\\`, `\`)
}

// ValidateInstanceID checks an ID that a caller wants for a new instance; the error is an *InvalidInstanceIDError
// (azure-functions-durable-extension DurableClient.cs:185-228). Sub-orchestrations may have longer ones.
func ValidateInstanceID(id string) error {
	refuse := func(format string, args ...any) error {
		return &InvalidInstanceIDError{InstanceID: id, Rule: fmt.Sprintf(format, args...)}
	}
	switch {
	case id == "":
		return refuse("is empty")
	case !utf8.ValidString(id):
		return refuse("is not valid UTF-8")
	case id[0] == '@':
		return refuse("begins with '@', which is for entities")
	}
	length := 0
	for _, r := range id {
		length += utf16.RuneLen(r)
		switch {
		case strings.ContainsRune(`/\#?`, r):
			return refuse(`contains '%c'; the characters / \ # ? are not allowed`, r)
		case unicode.IsControl(r):
			return refuse("contains the control character %U", r)
		}
	}
	if length > MaxInstanceIDLength {
		return refuse("has %d characters, at most %d are allowed", length, MaxInstanceIDLength)
	}
	return nil
}

// newID makes an ID for an instance or an execution: 32 hexadecimal digits.
func newID() string {
	id := uuid.New()
	return hex.EncodeToString(id[:])
}
