package server

import (
	"fmt"
	"log/slog"
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
		if err := s.guarded(next, c); err != nil {
			s.refuse(err, c)
		}
		took := time.Since(start)
		status := c.Response().Status
		s.metrics.request(route(c), status, took)
		s.logRequest(c, level, took)
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
