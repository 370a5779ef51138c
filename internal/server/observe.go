package server

import (
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/labstack/echo/v4"
)

// observe counts and logs each request, and turns a panic into an error.
func (s *Server) observe(level slog.Level) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc { return s.observed(level, next) }
}

func (s *Server) observed(level slog.Level, next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		start := time.Now()
		defer func() { // also of an answer that is broken off
			took := time.Since(start)
			s.metrics.request(route(c), c.Response().Status, took)
			s.logRequest(c, level, took)
		}()
		if err := s.guarded(next, c); err != nil {
			s.refuse(err, c)
		}
		return nil
	}
}

func (s *Server) guarded(next echo.HandlerFunc, c echo.Context) (err error) {
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
