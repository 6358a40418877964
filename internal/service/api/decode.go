package api

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/edge"
)

// The largest bodies taken, in bytes. What the contract allows in one field
// fits each; what it allows in all fields together need not.
const (
	maxBody         = 4 << 20
	maxTemplateBody = 16 << 20
	maxBulkBody     = 64 << 20
)

// maxBulk bounds the entries of a list of components, as max_component_batch_size is
// bounded.
const maxBulk = 131_072

// drainTime bounds how long the rest of a body that was refused is read.
const drainTime = 10 * time.Second

// decode reads the body of a request into v: one JSON value, no unknown,
// misspelt or repeated members, no null where none is meant, nothing behind it.
func decode(w http.ResponseWriter, r *http.Request, limit int64, v any) error {
	if err := checkMedia(r.Header.Get("Content-Type")); err != nil {
		return err
	}
	return drained(w, r, decodeFrom(http.MaxBytesReader(w, r.Body, limit), v))
}

// drained reads on, within reason, where a body was refused: a client that sends
// all of it before it reads would find the connection closed instead of the
// answer. It returns err.
func drained(w http.ResponseWriter, r *http.Request, err error) error {
	if err != nil && edge.Overload(err) == nil {
		// A writer without deadlines, as in a test, is never slow.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(drainTime))
		_, _ = io.CopyN(io.Discard, r.Body, maxBulkBody) // whatever ends it, the answer is the same
	}
	return err
}

// checkMedia takes JSON, and a body whose type is not given.
func checkMedia(header string) error {
	if header == "" {
		return nil
	}
	media, _, err := mime.ParseMediaType(header)
	if err != nil || media != "application/json" && !strings.HasSuffix(media, "+json") {
		return problemf(http.StatusUnsupportedMediaType, "Unsupported Media Type",
			"the body is %q; send application/json", clip(header))
	}
	return nil
}

var strictly = json.JoinOptions(
	json.RejectUnknownMembers(true),
	json.WithUnmarshalers(json.UnmarshalFromFunc(rejectNull)),
)

func decodeFrom(body io.Reader, v any) error {
	if err := json.UnmarshalRead(body, v, strictly); err != nil {
		return explain(err)
	}
	return nil
}

// decodeEach reads a body that is a list of at most so many entries, each of at
// most maxBody, and hands one after the other to each, whose error ends it.
func decodeEach[T any](body io.Reader, most int, each func(T) error) error {
	portion := &portions{from: body, left: maxBody}
	dec := jsontext.NewDecoder(portion)
	err := edge.ReadList(dec, most, func(entry T) error {
		portion.left = maxBody
		return each(entry)
	}, strictly)
	if err != nil {
		return explain(err)
	}
	switch _, err := dec.ReadToken(); {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return explain(err)
	default:
		return badRequest("the body is no JSON: there is more behind the list")
	}
}

// portions reads a body of which no part between two entries may be too large.
type portions struct {
	from io.Reader
	left int
}

// Read fails with *http.MaxBytesError where one is.
func (p *portions) Read(b []byte) (int, error) {
	if p.left <= 0 {
		return 0, &http.MaxBytesError{Limit: maxBody}
	}
	n, err := p.from.Read(b)
	p.left -= n
	return n, err
}

var errNull = errors.New("null")

// rejectNull is asked about every value before it is decoded.
func rejectNull(dec *jsontext.Decoder, v any) error {
	if dec.PeekKind() != 'n' {
		return errors.ErrUnsupported
	}
	switch v.(type) {
	case interface{ takesNull() }, *jsontext.Value:
		return errors.ErrUnsupported
	default:
		return errNull
	}
}

// nullable is a member that may be null, which is not the same as absent.
type nullable[T any] struct {
	given bool
	value *T // nil for null
}

func (*nullable[T]) takesNull() {}

// UnmarshalJSONFrom decodes a value or null.
func (n *nullable[T]) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	n.given, n.value = true, nil
	if dec.PeekKind() == 'n' {
		_, err := dec.ReadToken()
		return err
	}
	n.value = new(T)
	return json.UnmarshalDecode(dec, n.value)
}

// orZero is the value, zero if it is null or absent.
func (n nullable[T]) orZero() T { return orZero(n.value) }

func orZero[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// explain says what is wrong with a body in terms of JSON, not of Go.
func explain(err error) error {
	var (
		tooLarge *http.MaxBytesError
		semantic *json.SemanticError
		syntax   *jsontext.SyntacticError
		p        *problem
		invalid  *bos.Invalid
		many     *edge.TooManyError
	)
	switch busy := edge.Overload(err); {
	case busy != nil:
		return unavailable("%s", busy.Detail)
	case errors.As(err, &p):
		return p
	case errors.As(err, &tooLarge):
		return problemf(http.StatusRequestEntityTooLarge, "Content Too Large",
			"the body has more than %d bytes; send less at a time", tooLarge.Limit)
	case errors.As(err, &syntax):
		return explainSyntax(syntax)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return badRequest("the body is empty or ends too early; send one JSON value")
	case errors.As(err, &semantic):
		return explainMeaning(semantic)
	case errors.As(err, &invalid):
		return invalid
	case errors.As(err, &many):
		return bos.Invalidf("", "the list %s; send several requests", many)
	default:
		return badRequest("the body cannot be read: %v", err)
	}
}

func explainSyntax(err *jsontext.SyntacticError) error {
	switch {
	case errors.Is(err.Err, jsontext.ErrDuplicateName):
		return bos.Invalidf(fieldOf(err.JSONPointer), "is given more than once")
	case errors.Is(err.Err, io.ErrUnexpectedEOF):
		return badRequest("the body is empty or ends too early; send one JSON value")
	default:
		return badRequest("the body is no JSON: %v at byte %d", err.Err, err.ByteOffset)
	}
}

func explainMeaning(err *json.SemanticError) error {
	field := fieldOf(err.JSONPointer)
	var invalid *bos.Invalid
	var many *edge.TooManyError
	switch {
	case errors.As(err.Err, &many):
		return bos.Invalidf(orBody(field), "%s; send fewer at a time", many)
	case errors.Is(err.Err, json.ErrUnknownName):
		return bos.Invalidf(fieldOf(err.JSONPointer.Parent()), "%q is no member of this object, or not one that a client sets", clip(err.JSONPointer.LastToken()))
	case errors.Is(err.Err, errNull):
		return bos.Invalidf(orBody(field), "is null; leave it out instead")
	case errors.As(err.Err, &invalid):
		return bos.Invalidf(field, "%s", invalid.Detail)
	case err.Err != nil:
		value := strings.TrimSpace(kindName(err.JSONKind) + " " + clip(string(err.JSONValue)))
		return bos.Invalidf(orBody(field), "%s cannot be read: %v", value, err.Err)
	default:
		return bos.Invalidf(orBody(field), "is %s, not %s", kindName(err.JSONKind), typeName(err.GoType))
	}
}

func orBody(field string) string {
	if field == "" {
		return "the body"
	}
	return field
}

// fieldOf writes a JSON pointer the way errors name fields:
// boot_sets.compute.arch, or [3].id where the body is a list.
func fieldOf(p jsontext.Pointer) string {
	var parts []string
	for token := range p.Tokens() {
		if _, err := strconv.Atoi(token); err == nil && len(parts) == 0 {
			token = "[" + token + "]"
		}
		parts = append(parts, clip(token))
	}
	return strings.Join(parts, ".")
}

func kindName(k jsontext.Kind) string {
	switch k {
	case 'n':
		return "null"
	case 't', 'f':
		return "a boolean"
	case '"':
		return "a string"
	case '0':
		return "a number"
	case '{':
		return "an object"
	case '[':
		return "a list"
	default:
		return "a value"
	}
}

func typeName(t reflect.Type) string {
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == nil {
		return "what is expected here"
	}
	switch t.Kind() { // the others do not occur in request bodies
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "a boolean"
	case reflect.Int, reflect.Int64:
		return "a whole number"
	case reflect.Slice:
		return "a list"
	case reflect.Struct, reflect.Map:
		return "an object"
	default:
		return fmt.Sprintf("a %s", t.Kind())
	}
}
