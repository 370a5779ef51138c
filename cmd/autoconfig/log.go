package main

import (
	"context"
	"io"
	"log/slog"

	"golang.org/x/sync/errgroup"

	"autoconfig/internal/config"
	"autoconfig/internal/logs"
)

// newLogger logs as the configuration says, from the level on that may be changed
// later.
func newLogger(c *call, o config.Log, level *slog.LevelVar) (*logs.Log, *slog.Logger) {
	level.Set(slog.Level(o.Level))
	options := &slog.HandlerOptions{Level: level}
	log, handler := logs.New(c.std.err, func(w io.Writer) slog.Handler {
		if o.Format == config.LogJSON {
			return slog.NewJSONHandler(w, options)
		}
		return slog.NewTextHandler(w, options)
	})
	return log, slog.New(handler)
}

// keepLog writes the log until it is told to end, which is after everything else.
func keepLog(ctx context.Context, log *logs.Log) (end func()) {
	writing, stop := context.WithCancel(context.WithoutCancel(ctx))
	var group errgroup.Group
	group.Go(func() error { return log.Run(writing) })
	return func() {
		stop()
		_ = group.Wait() // it never fails
	}
}
