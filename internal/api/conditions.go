package api

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"autoconfig/internal/directory"
)

// errChanged means that something isn't as the request's condition wants it (RFC 9110,
// section 13.1).
var errChanged = errors.New("it is not as the request's condition wants it")

// tagOf is the entity tag of what is answered: another one whenever anything of it is.
func tagOf(of any) (string, error) {
	text, err := json.Marshal(of)
	sum := sha256.Sum256(text)
	return `"` + hex.EncodeToString(sum[:12]) + `"`, err
}

// answer sends what is there with its entity tag, or 304 where the program has it.
func answer(c echo.Context, status int, of any) error {
	tag, err := tagOf(of)
	if err != nil {
		return err
	}
	c.Response().Header().Set("ETag", tag)
	if c.Request().Method == http.MethodGet && listed(c.Request().Header.Get("If-None-Match"), tag) {
		return c.NoContent(http.StatusNotModified)
	}
	return c.JSON(status, of)
}

// listed tells whether a header names an entity tag; * is any.
func listed(header, tag string) bool {
	for item := range strings.SplitSeq(header, ",") {
		if item = strings.TrimSpace(item); item == "*" || strings.TrimPrefix(item, "W/") == tag {
			return true
		}
	}
	return false
}

// meets tells whether what is there now meets a request's conditions. now is nil where
// there is nothing.
func meets[T any](c echo.Context, now *T) error {
	header := c.Request().Header
	want, unwanted := header.Get("If-Match"), header.Get("If-None-Match")
	if now == nil {
		if want != "" {
			return errChanged
		}
		return nil
	}
	if want == "" && unwanted == "" {
		return nil
	}
	tag, err := tagOf(now)
	if err != nil {
		return err
	}
	if want != "" && !listed(want, tag) || unwanted != "" && listed(unwanted, tag) {
		return errChanged
	}
	return nil
}

// asMet is [meets] for what is removed.
func asMet[T any](c echo.Context) func(now T) error {
	return func(now T) error { return meets(c, &now) }
}

// made is the status of a PUT, with where the thing is if it is new.
func made(c echo.Context, isNew bool) int {
	if !isNew {
		return http.StatusOK
	}
	c.Response().Header().Set("Location", c.Request().URL.EscapedPath())
	return http.StatusCreated
}

// patched is what a merge patch (RFC 7396) makes of what is there.
func patched[T any](now *T, patch []byte) (after T, err error) {
	if now == nil {
		return after, directory.ErrNotFound
	}
	var change any
	if err := json.Unmarshal(patch, &change); err != nil {
		return after, fmt.Errorf("%w: %w", errJSON, err)
	}
	if _, isObject := change.(map[string]any); !isObject {
		return after, fmt.Errorf("%w: a merge patch is an object", errJSON)
	}
	text, err := json.Marshal(now)
	if err != nil {
		return after, err
	}
	var before any
	if err := json.Unmarshal(text, &before); err != nil {
		return after, err
	}
	merged, err := json.Marshal(merge(before, change))
	if err != nil {
		return after, err
	}
	return after, decodeJSON(merged, &after)
}

// merge is MergePatch of RFC 7396, section 2.
func merge(target, patch any) any {
	change, isObject := patch.(map[string]any)
	if !isObject {
		return patch
	}
	into, isObject := target.(map[string]any)
	if !isObject {
		into = map[string]any{}
	}
	for name, value := range change {
		if value == nil {
			delete(into, name)
		} else {
			into[name] = merge(into[name], value)
		}
	}
	return into
}
