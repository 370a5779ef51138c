package logs_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"autoconfig/internal/logs"
)

// pipe is what a log is written to; it blocks while it is shut.
type pipe struct {
	mu   sync.Mutex
	open *sync.Cond
	shut bool
	text bytes.Buffer
}

func newPipe(shut bool) *pipe {
	p := &pipe{shut: shut}
	p.open = sync.NewCond(&p.mu)
	return p
}

func (p *pipe) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.shut {
		p.open.Wait()
	}
	return p.text.Write(b)
}

func (p *pipe) flow() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shut = false
	p.open.Broadcast()
}

func (p *pipe) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

func textTo(w io.Writer) slog.Handler { return slog.NewTextHandler(w, nil) }

// running runs a log; stop ends it and waits.
func running(t *testing.T, out io.Writer) (l *logs.Log, logger *slog.Logger, stop func()) {
	t.Helper()
	l, handler := logs.New(out, textTo)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return l, slog.New(handler), stop
}

func sum(text, pattern string) (total int) {
	for _, found := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		n, _ := strconv.Atoi(found[1])
		total += n
	}
	return total
}

// What isn't read blocks nobody; nothing is lost without being counted, and the
// count is said when it is read again.
func TestALogThatIsStuck(t *testing.T) {
	t.Parallel()
	out := newPipe(true)
	t.Cleanup(out.flow)
	l, logger, stop := running(t, out)
	const lines = 20_000
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for i := range lines / 4 {
				logger.Info("request", "number", i)
			}
		})
	}
	group.Wait()
	logger.Error("something else")
	lost := int(l.Lost())
	if lost < lines-4096 {
		t.Errorf("%d lost of %d", lost, lines)
	}
	out.flow()
	stop()
	text := out.String()
	if written := strings.Count(text, "msg=request"); written+lost != lines || sum(text, `lost: .* count=(\d+)`) != lost {
		t.Errorf("%d written, %d lost, and it says %d", written, lost, sum(text, `lost: .* count=(\d+)`))
	}
	if !strings.Contains(text, "something else") {
		t.Error("an error has no place beside so much else")
	}
}

// A log that stays stuck doesn't keep the process from ending.
func TestALogThatStaysStuck(t *testing.T) {
	t.Parallel()
	out := newPipe(true)
	t.Cleanup(out.flow)
	_, logger, stop := running(t, out)
	logger.Info("request")
	ended := make(chan struct{})
	go func() { stop(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(time.Minute):
		t.Error("it doesn't end")
	}
}

// A few long lines are no more memory than many short ones.
func TestLongLinesThatWait(t *testing.T) {
	t.Parallel()
	out := newPipe(true)
	l, handler := logs.New(out, textTo)
	logger := slog.New(handler)
	for range 100 {
		logger.Info(strings.Repeat("x", 1<<20))
	}
	if l.Lost() < 96 {
		t.Errorf("%d lost", l.Lost())
	}
}

// The same warning again and again is said a few times and counted; others beside it
// are said.
func TestTheSameWarningAgain(t *testing.T) {
	t.Parallel()
	out := newPipe(false)
	_, logger, stop := running(t, out)
	const lines = 5000
	for i := range lines {
		logger.With("a", 1).WithGroup("g").Error("request failed", "number", i)
	}
	logger.Warn("another")
	for i := range 300 {
		logger.Warn(fmt.Sprint("a message that is no constant ", i))
	}
	stop()
	text := out.String()
	said, left := strings.Count(text, `msg="request failed"`), sum(text, `line="request failed" count=(\d+)`)
	if said+left != lines || said < 20 || said > 1000 || !strings.Contains(text, "msg=another") || !strings.Contains(text, "a=1 g.number=0") {
		t.Errorf("%d said, %d left out\n%.2000s", said, left, text)
	}
}
