package logs

import (
	"context"
	"log/slog"
	"sync"
)

// handler lets warnings and errors through where other lines don't fit any more, and
// bounds how often each is said.
type handler struct {
	log           *Log
	usual, urgent slog.Handler
}

func (h handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.usual.Enabled(ctx, level)
}

func (h handler) Handle(ctx context.Context, r slog.Record) error {
	if r.Level < slog.LevelWarn {
		return h.usual.Handle(ctx, r)
	}
	if !h.log.often.lets(r.Message) {
		return nil
	}
	return h.urgent.Handle(ctx, r)
}

func (h handler) WithAttrs(attributes []slog.Attr) slog.Handler {
	return handler{h.log, h.usual.WithAttrs(attributes), h.urgent.WithAttrs(attributes)}
}

func (h handler) WithGroup(name string) slog.Handler {
	return handler{h.log, h.usual.WithGroup(name), h.urgent.WithGroup(name)}
}

// often counts warnings and errors by their message, between one tick and the next.
type often struct {
	mu     sync.Mutex
	counts map[string]int
}

// Messages are constants of the program: there are few. A message that isn't shares
// one count with others of its kind.
const (
	maxAgain    = 20
	maxMessages = 200
)

func (o *often) lets(message string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, known := o.counts[message]; !known && len(o.counts) >= maxMessages {
		message = "other"
	}
	if o.counts == nil {
		o.counts = map[string]int{}
	}
	o.counts[message]++
	return o.counts[message] <= maxAgain
}

// leftOut begins anew, and gives how often each was not let through.
func (o *often) leftOut() map[string]int {
	o.mu.Lock()
	defer o.mu.Unlock()
	left := map[string]int{}
	for message, n := range o.counts {
		if n > maxAgain {
			left[message] = n - maxAgain
		}
	}
	clear(o.counts)
	return left
}
