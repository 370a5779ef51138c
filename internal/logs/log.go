package logs

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"sync/atomic"
	"time"
)

// Bounds of what waits to be written. A quarter of it is for warnings and errors
// alone.
const (
	maxLines = 4096
	maxBytes = 4 << 20
)

// flushTime is how long the end waits for what is written slowly.
const flushTime = 2 * time.Second

// Log takes lines at once, and writes them in [Log.Run]. While what it writes to is
// blocked (a full pipe, a journal that is stuck), up to 4096 lines or 4 MiB wait;
// more are dropped and counted, and the count is said once lines flow again.
type Log struct {
	out     io.Writer
	waiting chan []byte
	bytes   atomic.Int64 // of what waits
	lost    atomic.Uint64
	told    uint64 // of the lost
	often   often
	own     slog.Handler // for what the log says of itself
}

// New prepares a Log that writes to out, and a handler in front of it. format makes
// a handler that writes each line by one call, such as [slog.NewTextHandler].
func New(out io.Writer, format func(io.Writer) slog.Handler) (*Log, slog.Handler) {
	l := &Log{out: out, waiting: make(chan []byte, maxLines)}
	l.own = format(door{l, maxLines, maxBytes})
	return l, handler{log: l, usual: format(door{l, maxLines * 3 / 4, maxBytes * 3 / 4}), urgent: l.own}
}

// Lost is how many lines were dropped because what the log is written to was blocked.
func (l *Log) Lost() uint64 { return l.lost.Load() }

// door lets lines in up to a bound.
type door struct {
	log   *Log
	lines int
	bytes int64
}

// Write never blocks and never fails: it takes the line, or drops it.
func (d door) Write(line []byte) (int, error) {
	if !d.take(line) {
		d.log.lost.Add(1)
	}
	return len(line), nil
}

func (d door) take(line []byte) bool {
	size := int64(len(line))
	if len(d.log.waiting) >= d.lines {
		return false
	}
	if d.log.bytes.Add(size) <= d.bytes {
		select {
		case d.log.waiting <- bytes.Clone(line):
			return true
		default: // others were quicker
		}
	}
	d.log.bytes.Add(-size)
	return false
}

// Run writes until ctx ends, and then for up to two seconds what waits.
func (l *Log) Run(ctx context.Context) error {
	finish, written := make(chan struct{}), make(chan struct{})
	// A write that blocks can't be called back: it is left to the end of the process.
	go func() {
		defer close(written)
		l.write(finish)
	}()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			l.tell(ctx)
		case <-ctx.Done():
			close(finish)
			patience := time.NewTimer(flushTime)
			defer patience.Stop()
			select {
			case <-written:
				l.tell(ctx)
				l.write(finish)
			case <-patience.C:
			}
			return nil
		}
	}
}

// write writes what comes, and once it is told to finish, what is there.
func (l *Log) write(finish <-chan struct{}) {
	for {
		select {
		case line := <-l.waiting:
			l.put(line)
		case <-finish:
			for {
				select {
				case line := <-l.waiting:
					l.put(line)
				default:
					return
				}
			}
		}
	}
}

func (l *Log) put(line []byte) {
	l.bytes.Add(-int64(len(line)))
	_, _ = l.out.Write(line) // there is nowhere to say that it failed
}

// tell says what was left out since the last time.
func (l *Log) tell(ctx context.Context) {
	say := func(text string, attributes ...slog.Attr) {
		record := slog.NewRecord(time.Now(), slog.LevelWarn, text, 0)
		record.AddAttrs(attributes...)
		_ = l.own.Handle(ctx, record) // a door never fails
	}
	for message, n := range l.often.leftOut() {
		say("the same line again and again: the rest of this second is left out",
			slog.String("line", message), slog.Int("count", n))
	}
	if lost := l.lost.Load(); lost > l.told && len(l.waiting) < maxLines/2 {
		say("lines of the log were lost: what reads it is stuck or slow", slog.Uint64("count", lost-l.told))
		l.told = lost
	}
}
