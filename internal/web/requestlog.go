package web

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
)

// maxRequestLines bounds the lines about single requests in a second. What is more
// is counted by route and status, and said in a line for each.
const maxRequestLines = 100

// requestLog groups requests that come too fast for a line each.
type requestLog struct {
	mu     sync.Mutex
	second int64
	lines  int
	groups map[requestKind]requestGroup
}

type requestKind struct {
	level  slog.Level
	route  string
	status int
}

type requestGroup struct {
	count   int
	slowest time.Duration
}

// alone tells whether a request gets a line of its own; else it is counted. Groups
// of a second that is over are given to be said.
func (l *requestLog) alone(k requestKind, took time.Duration, now time.Time) (yes bool, over map[requestKind]requestGroup) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if second := now.Unix(); second != l.second {
		over = l.take()
		l.second = second
		l.lines = 0
	}
	if l.lines++; l.lines <= maxRequestLines {
		return true, over
	}
	if l.groups == nil {
		l.groups = map[requestKind]requestGroup{}
	}
	g := l.groups[k]
	l.groups[k] = requestGroup{g.count + 1, max(g.slowest, took)}
	return false, over
}

func (l *requestLog) take() map[requestKind]requestGroup {
	groups := l.groups
	l.groups = nil
	return groups
}

// counted are the groups that nobody has said yet.
func (l *requestLog) counted() map[requestKind]requestGroup {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.take()
}

// logRequest has the route, not the path or the query: no address gets into the log.
func (f *Front) logRequest(c echo.Context, level slog.Level, took time.Duration) {
	ctx := c.Request().Context()
	if !f.Logger.Enabled(ctx, level) {
		return
	}
	kind := requestKind{level, route(c), c.Response().Status}
	alone, over := f.requests.alone(kind, took, f.Now())
	f.sayGroups(over)
	if !alone {
		return
	}
	f.Logger.LogAttrs(ctx, level, "request",
		slog.String("method", c.Request().Method), slog.String("route", kind.route),
		slog.Int("status", kind.status), slog.Duration("took", took), slog.Int64("bytes", c.Response().Size))
}

// groupRequests says once a second what was grouped.
func (f *Front) groupRequests(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			f.sayGroups(f.requests.counted())
		}
	}
}

func (f *Front) sayGroups(groups map[requestKind]requestGroup) {
	kinds := slices.SortedFunc(maps.Keys(groups), func(a, b requestKind) int {
		return cmp.Or(cmp.Compare(a.route, b.route), cmp.Compare(a.status, b.status), cmp.Compare(a.level, b.level))
	})
	for _, k := range kinds {
		g := groups[k]
		f.Logger.LogAttrs(context.Background(), k.level, "requests", slog.String("route", k.route), slog.Int("status", k.status),
			slog.Int("count", g.count), slog.Duration("slowest", g.slowest))
	}
}
