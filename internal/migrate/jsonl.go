package migrate

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"autoconfig/internal/suggest"
)

// jsonLines reads a file with a JSON object on each line.
type jsonLines[T any] struct {
	in      *bufio.Reader
	columns []column[T]
	line    int
}

func (j *jsonLines[T]) next() (patch[T], error) {
	for {
		text, err := j.in.ReadSlice('\n')
		j.line++
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			p := patch[T]{line: j.line}
			p.refuse(j.line, "", "the line is longer than %d KiB", maxLine>>10)
			return p, j.skip()
		case err != nil && !errors.Is(err, io.EOF):
			return patch[T]{}, err
		case len(text) == 0:
			return patch[T]{}, io.EOF
		}
		if text = bytes.TrimSpace(text); len(text) > 0 {
			return j.patch(text), nil
		}
	}
}

// skip reads to the end of a line.
func (j *jsonLines[T]) skip() error {
	for {
		_, err := j.in.ReadSlice('\n')
		if errors.Is(err, io.EOF) {
			return nil
		} else if !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}

func (j *jsonLines[T]) patch(text []byte) patch[T] {
	p := patch[T]{line: j.line}
	switch {
	case !utf8.Valid(text):
		p.refuse(j.line, "", "it is not UTF-8")
	case text[0] != '{':
		p.refuse(j.line, "", "each line is a JSON object: {%q: ...}", j.columns[0].key)
	default:
		err := j.object(&p, text)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = errors.New("the object doesn't end in this line")
		}
		if err != nil {
			p.refuse(j.line, "", "it is not JSON: %v", err)
		}
	}
	return p
}

// object decodes key by key: encoding/json itself ignores the letter case of keys, and accepts
// duplicates.
func (j *jsonLines[T]) object(p *patch[T], text []byte) error {
	d := json.NewDecoder(bytes.NewReader(text))
	if _, err := d.Token(); err != nil {
		return err
	}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return err
		}
		key, _ := token.(string)
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return err
		}
		j.member(p, key, raw)
	}
	if _, err := d.Token(); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is text after the object")
	}
	return nil
}

func (j *jsonLines[T]) member(p *patch[T], key string, raw json.RawMessage) {
	at := -1
	for i, c := range j.columns {
		if c.key == key {
			at = i
		}
	}
	switch {
	case at < 0:
		p.refuse(j.line, "", "there is no key %q here; %s", brief(key), suggest.Text(key, j.keys()))
		return
	case p.given&(1<<at) != 0:
		p.refuse(j.line, key, "it appears twice in the line")
		return
	case len(raw) > maxField:
		p.refuse(j.line, key, "it is longer than %d KiB", maxField>>10)
		return
	}
	p.given |= 1 << at
	if string(raw) == "null" {
		return // null is like an empty cell
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(j.columns[at].value(&p.value)); err != nil {
		p.refuse(j.line, key, "%s", explain(err, raw, j.columns[at].want))
	}
}

func (j *jsonLines[T]) keys() []string {
	keys := make([]string, len(j.columns))
	for i, c := range j.columns {
		keys[i] = c.key
	}
	return keys
}

// explain rewords an error of encoding/json without Go's types.
func explain(err error, raw json.RawMessage, want string) string {
	wrong := new(json.UnmarshalTypeError)
	switch {
	case errors.As(err, &wrong) && wrong.Field != "":
		return fmt.Sprintf("%s: %s is not valid here", wrong.Field, wrong.Value)
	case errors.As(err, &wrong):
		return fmt.Sprintf("%s is not valid: use %s", brief(string(raw)), want)
	case strings.HasPrefix(err.Error(), "json: unknown field "):
		return "there is no key " + strings.TrimPrefix(err.Error(), "json: unknown field ") + " in it"
	}
	return strings.TrimPrefix(err.Error(), "json: ")
}
