package web

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/labstack/echo/v4"
)

// Observe counts and logs each request, and turns a panic into an error. What a table
// doesn't know is told as an App tells it.
func (a *App) Observe(level slog.Level, table ...Refusal) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			start := time.Now()
			defer func() { // also of an answer that is broken off
				took := time.Since(start)
				a.metrics.request(route(c), c.Response().Status, took)
				a.logRequest(c, level, took)
			}()
			if err := guarded(next, c); err != nil {
				a.refuse(table, err, c)
			}
			return nil
		}
	}
}

func guarded(next echo.HandlerFunc, c echo.Context) (err error) {
	defer func() {
		switch r := recover(); r {
		case nil:
		case http.ErrAbortHandler:
			panic(r) // the server breaks the connection off, so that nobody takes the answer for whole
		default:
			err = fmt.Errorf("%w: %v\n%s", errPanic, r, debug.Stack())
		}
	}()
	return next(c)
}

// RequestTimeout bounds what a request may ask our own database for, where it does
// so by itself: a database that hangs would keep every request and its connection.
// It is shorter than the time for writing an answer. downTimeout is for one that is
// known to be down.
const (
	RequestTimeout = 10 * time.Second
	downTimeout    = 2 * time.Second
)

const unboundedKey = "unbounded"

// Unbounded is a request's context without the bound, for an answer that goes on as
// long as it is read.
func Unbounded(c echo.Context) context.Context {
	if ctx, ok := c.Get(unboundedKey).(context.Context); ok {
		return ctx
	}
	return c.Request().Context()
}

// Bounded ends what a request waits for.
func (a *App) Bounded(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		timeout := RequestTimeout
		if a.DatabaseDown() {
			timeout = downTimeout
		}
		ctx, cancel := context.WithTimeout(c.Request().Context(), timeout)
		defer cancel()
		c.Set(unboundedKey, c.Request().Context())
		c.SetRequest(c.Request().WithContext(ctx))
		return next(c)
	}
}
