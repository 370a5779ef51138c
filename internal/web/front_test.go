package web

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
)

// newHandlers are handlers that answer with the name of their listener.
func newHandlers(t *testing.T, f *Front, name string, o Options) *Handlers {
	t.Helper()
	o.PublicURL = &url.URL{Scheme: "https", Host: "setup.example.com"}
	app, err := NewApp(f, o)
	if err != nil {
		t.Fatal(err)
	}
	says := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Face", name) })
	return &Handlers{App: app, Public: says}
}

func newTestFront() *Front { return NewFront(FrontOptions{Logger: slog.New(slog.DiscardHandler)}) }

// A reload gives nobody new attempts, and goes on counting.
func TestWhatAFrontKeeps(t *testing.T) {
	t.Parallel()
	f := newTestFront()
	rate := Rate{PerSecond: 1, Burst: 2}
	first, next := newHandlers(t, f, "first", Options{Rate: rate}), newHandlers(t, f, "next", Options{Rate: rate})
	if first.App.Attempts("link", rate) != next.App.Attempts("link", rate) || f.Attempts("link", rate) == f.Attempts("token", rate) {
		t.Error("attempts begin anew, or are mixed up")
	}
	if first.App.Counter("a_total", "A.", "b") != next.App.Counter("a_total", "A.", "b") {
		t.Error("a counter begins anew")
	}
	if first.App.limiter != next.App.limiter {
		t.Error("requests are counted anew")
	}
	if newHandlers(t, f, "other", Options{Rate: Rate{PerSecond: 1, Burst: 3}}).App.limiter == first.App.limiter {
		t.Error("another rate isn't in use")
	}
}

// A configuration that is read again before the first one has begun to serve is the
// one that serves. One that is left is told of when its last request has ended.
func TestTheLatestFaceAnswers(t *testing.T) {
	t.Parallel()
	f := newTestFront()
	f.Use(newHandlers(t, f, "first", Options{}), nil)
	left := make(chan struct{})
	f.Use(newHandlers(t, f, "next", Options{}), func() { close(left) })
	<-left
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- f.Serve(ctx, Listeners{Public: l}) }()
	r, err := http.Get("http://" + l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	_ = r.Body.Close()
	if got := r.Header.Get("Face"); got != "next" {
		t.Errorf("%q answers", got)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// An answer in whose middle something panics is broken off: one that ended well would
// pass for whole.
func TestAPanicInTheMiddleBreaksTheAnswerOff(t *testing.T) {
	t.Parallel()
	app := newHandlers(t, newTestFront(), "", Options{}).App
	e := app.NewEcho()
	e.Use(app.Observe(0))
	e.GET("/", func(c echo.Context) error {
		if err := c.String(http.StatusOK, "the first half"); err != nil {
			return err
		}
		panic("broken")
	})
	there := httptest.NewServer(e)
	defer there.Close()
	r, err := http.Get(there.URL)
	if err == nil {
		defer func() { _ = r.Body.Close() }()
		t.Errorf("%s: it passes for whole", r.Status)
	}
}

// lateListener accepts its one connection while it is being closed, as the kernel may.
type lateListener struct {
	net.Listener
	accepted, closed chan struct{}
	once             sync.Once
}

func (l *lateListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	close(l.accepted)
	<-l.closed
	time.Sleep(50 * time.Millisecond) // in which the service would end, if it didn't wait for this
	return conn, nil
}

func (l *lateListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// A connection that is accepted in the moment in which the service ends is answered.
func TestTheLastConnectionIsAnswered(t *testing.T) {
	t.Parallel()
	f := newTestFront()
	f.Use(newHandlers(t, f, "last", Options{}), nil)
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	late := &lateListener{Listener: l, accepted: make(chan struct{}), closed: make(chan struct{})}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- f.Serve(ctx, Listeners{Public: late}) }()
	conn := dialFrom(t, "127.0.0.1", l.Addr().String())
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: setup.example.com\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	<-late.accepted
	stop()
	if r, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil || r.Header.Get("Face") != "last" {
		t.Errorf("%v %v", r, err)
	} else {
		_ = r.Body.Close()
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
