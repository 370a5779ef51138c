package server

import (
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/labstack/echo/v4"
)

// observe counts and logs each request, and turns a panic into an error. The log
// has the route, not the path or the query: no address gets into it.
func (s *Server) observe(level slog.Level) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc { return s.observed(level, next) }
}

func (s *Server) observed(level slog.Level, next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		start := time.Now()
		if err := s.guarded(next, c); err != nil {
			s.refuse(err, c)
		}
		took := time.Since(start)
		status := c.Response().Status
		s.metrics.request(route(c), status, took)
		s.Logger.LogAttrs(c.Request().Context(), level, "request",
			slog.String("method", c.Request().Method), slog.String("route", route(c)),
			slog.Int("status", status), slog.Duration("took", took), slog.Int64("bytes", c.Response().Size))
		return nil
	}
}

func (s *Server) guarded(next echo.HandlerFunc, c echo.Context) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	return next(c)
}
