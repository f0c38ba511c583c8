// Package entity is the protocol of durable entities: their IDs, the value and the result of an entityTrigger, and the requests and answers
// that stand in the histories of orchestrations (azure-functions-durable-extension Listener/TaskEntityShim.cs, EntityScheduler/RequestMessage.cs).
// It is pure: no I/O, no clock, no goroutines.
package entity

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ID names an entity: an entity function, and a key among the entities of that function.
type ID struct {
	Name string `json:"name"`
	Key  string `json:"key"`
}

// String is the instance ID of the entity: "@name@key", the name in lower case.
func (id ID) String() string { return "@" + strings.ToLower(id.Name) + "@" + id.Key }

// LockOrder returns the instance IDs of entities in the order in which all orchestrations lock them, so that no two can each have what the other waits for.
// (The SDKs sort them, too, but each by its language's rules.)
func LockOrder(set []ID) []string {
	ids := make([]string, len(set))
	for i, id := range set {
		ids[i] = id.String()
	}
	slices.Sort(ids)
	return ids
}

// Is reports whether an instance ID is that of an entity.
func Is(instanceID string) bool { return strings.HasPrefix(instanceID, "@") }

// Parse reads "@name@key".
func Parse(instanceID string) (ID, error) {
	name, key, ok := strings.Cut(strings.TrimPrefix(instanceID, "@"), "@")
	if !ok || !Is(instanceID) {
		return ID{}, &InvalidIDError{Text: instanceID, Rule: "is not of the form @name@key"}
	}
	id := ID{Name: strings.ToLower(name), Key: key}
	return id, id.Validate()
}

// MaxLength is the largest number of characters of an entity's ID.
const MaxLength = 512

// Validate reports what makes the ID none that an entity can have, as an *InvalidIDError.
func (id ID) Validate() error {
	refuse := func(rule string) error { return &InvalidIDError{Text: id.String(), Rule: rule} }
	switch text := id.String(); {
	case id.Name == "":
		return refuse("has no name")
	case strings.Contains(id.Name, "@"):
		return refuse("has a name with '@' in it")
	case !utf8.ValidString(text):
		return refuse("is no valid UTF-8")
	case utf8.RuneCountInString(text) > MaxLength:
		return refuse(fmt.Sprintf("is longer than %d characters", MaxLength))
	case strings.ContainsFunc(text, unicode.IsControl):
		return refuse("contains a control character")
	}
	return nil
}

// InvalidIDError refuses an entity ID.
type InvalidIDError struct{ Text, Rule string }

func (e *InvalidIDError) Error() string {
	text := e.Text
	if len(text) > 100 {
		text = strings.ToValidUTF8(text[:100], "") + "..."
	}
	return fmt.Sprintf("'%s' cannot be an entity ID: it %s", text, e.Rule)
}
