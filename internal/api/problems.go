package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"autoconfig/internal/web"
	"autoconfig/settings"
)

// misplaced is an error of one member of a body or of one parameter.
type misplaced struct {
	at  string
	err error
}

func (m misplaced) Error() string { return m.err.Error() }
func (m misplaced) Unwrap() error { return m.err }

// Field is its name.
func (m misplaced) Field() string { return m.at }

// field says which member of a body or which parameter is wrong.
func field(at string, err error) error { return misplaced{at, err} }

// readJSON reads a body strictly: unknown members are mistakes.
func readJSON(c echo.Context, into any) error {
	text, err := io.ReadAll(c.Request().Body)
	switch {
	case web.IsTooLarge(err):
		return web.ErrTooLarge
	case err != nil:
		return fmt.Errorf("%w: %w", errJSON, err)
	}
	return decodeJSON(text, into)
}

// decodeJSON decodes strictly, and says which member is wrong.
func decodeJSON(text []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return placed(text, into, err)
	}
	if decoder.Decode(&struct{}{}) != io.EOF {
		return fmt.Errorf("%w: there is more behind it", errJSON)
	}
	return nil
}

// placed finds the member that can't be decoded: the first that can't be by itself.
func placed(text []byte, into any, err error) error {
	var members map[string]json.RawMessage
	if json.Unmarshal(text, &members) != nil {
		return fmt.Errorf("%w: %w", errJSON, err)
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		one, failed := json.Marshal(map[string]json.RawMessage{name: members[name]})
		if failed != nil {
			continue
		}
		decoder := json.NewDecoder(bytes.NewReader(one))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(reflect.New(reflect.TypeOf(into).Elem()).Interface()); err != nil {
			return field(pathOf(name, err), said(err))
		}
	}
	return fmt.Errorf("%w: %w", errJSON, err)
}

// pathOf is a member's path, as far as the decoder knows it.
func pathOf(name string, err error) string {
	if wrong := (*json.UnmarshalTypeError)(nil); errors.As(err, &wrong) && strings.HasPrefix(wrong.Field, name+".") {
		return wrong.Field
	}
	return name
}

// said keeps what is told of an error apart from that it came in JSON.
func said(err error) error {
	if errors.Is(err, settings.ErrAddress) {
		return err
	}
	return fmt.Errorf("%w: %w", errJSON, err)
}
