package api

import (
	"encoding/json"
	"net/http"

	"github.com/labstack/echo/v4"
)

// change is what a request makes of a thing: all of it by PUT, a part of it by PATCH (RFC 7396).
type change[T any] struct {
	c     echo.Context
	apply func(before *T) (T, error)
	isNew bool
}

// changeIn reads the change that a request asks for.
func changeIn[T any](c echo.Context) (*change[T], error) {
	if c.Request().Method == http.MethodPatch {
		var patch json.RawMessage
		err := readJSON(c, &patch)
		return &change[T]{c: c, apply: func(before *T) (T, error) { return patched(before, patch) }}, err
	}
	var whole T
	err := readJSON(c, &whole)
	return &change[T]{c: c, apply: func(*T) (T, error) { return whole, nil }}, err
}

// then gives what makes the change of what is there (nil for nothing) where the request's conditions
// are met, and has the result checked.
func (g *change[T]) then(check func(after *T) error) func(before *T) (T, error) {
	return func(before *T) (after T, err error) {
		g.isNew = before == nil
		if err := meets(g.c, before); err != nil {
			return after, err
		}
		if after, err = g.apply(before); err != nil {
			return after, err
		}
		return after, check(&after)
	}
}

// answer sends what was stored.
func (g *change[T]) answer(stored T, err error) error {
	if err != nil {
		return err
	}
	return answer(g.c, made(g.c, g.isNew), stored)
}
