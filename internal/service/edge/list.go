package edge

import (
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// TooManyError says that a list, or an object, has more entries than are taken.
type TooManyError struct{ Most int }

// Error names the bound.
func (e *TooManyError) Error() string {
	return fmt.Sprintf("has more than %d entries, which is the most that is taken", e.Most)
}

// ReadList reads a JSON list one entry after the other, at most so many, and hands
// each to each, which ends it by an error: what comes behind is not read, and what
// is wrong costs no more than what came before.
func ReadList[T any](dec *jsontext.Decoder, most int, each func(T) error, options ...json.Options) error {
	if dec.PeekKind() != '[' {
		return json.UnmarshalDecode(dec, new([]T), options...) // it says what it is instead
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for n := 0; ; n++ {
		switch dec.PeekKind() {
		case ']':
			_, err := dec.ReadToken()
			return err
		default:
			if n >= most {
				return &TooManyError{most}
			}
			var entry T
			if err := json.UnmarshalDecode(dec, &entry, options...); err != nil {
				return err
			}
			if err := each(entry); err != nil {
				return err
			}
		}
	}
}

// ReadObject likewise reads a JSON object member by member.
func ReadObject[T any](dec *jsontext.Decoder, most int, each func(name string, value T) error) error {
	if dec.PeekKind() != '{' {
		return json.UnmarshalDecode(dec, new(map[string]T))
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for n := 0; ; n++ {
		if dec.PeekKind() == '}' {
			_, err := dec.ReadToken()
			return err
		}
		if n >= most {
			return &TooManyError{most}
		}
		var name string
		if err := json.UnmarshalDecode(dec, &name); err != nil {
			return err
		}
		var value T
		if err := json.UnmarshalDecode(dec, &value); err != nil {
			return err
		}
		if err := each(name, value); err != nil {
			return err
		}
	}
}

// Texts reads a list of at most so many texts.
func Texts(dec *jsontext.Decoder, most int) ([]string, error) {
	texts := []string{}
	err := ReadList(dec, most, func(text string) error {
		texts = append(texts, text)
		return nil
	})
	return texts, err
}
