package server

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"testing"

	"autoconfig/internal/web"

	"github.com/labstack/echo/v4"
)

func newBare(t *testing.T) (s, next *Server) {
	t.Helper()
	options := Options{PublicURL: &url.URL{Scheme: "https", Host: "setup.example.com"}, Logger: slog.New(slog.DiscardHandler)}
	s, err := New(options)
	if err != nil {
		t.Fatal(err)
	}
	if next, err = s.Successor(options); err != nil {
		t.Fatal(err)
	}
	return s, next
}

// A reload gives nobody new guesses, and hides nothing that was counted.
func TestASuccessorKnowsWhatTheOneBeforeDid(t *testing.T) {
	t.Parallel()
	s, next := newBare(t)
	old, now := reflect.ValueOf(s).Elem(), reflect.ValueOf(next).Elem()
	kept := 0
	for i := range old.NumField() {
		switch old.Field(i).Type() {
		case reflect.TypeFor[*web.Attempts](), reflect.TypeFor[*strangers](), reflect.TypeFor[*requestLog](),
			reflect.TypeFor[*metrics](), reflect.TypeFor[*front](), reflect.TypeFor[crowds]():
			kept++
			if !old.Field(i).Equal(now.Field(i)) {
				t.Errorf("%s begins anew", old.Type().Field(i).Name)
			}
		}
	}
	if kept != 9 {
		t.Errorf("%d fields", kept)
	}
}

// A configuration that is read again before the first one has begun to serve is the
// one that serves.
func TestASuccessorThatIsQuicker(t *testing.T) {
	t.Parallel()
	s, next := newBare(t)
	s.Replace(next, func() {})
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := s.Serve(ctx, Listeners{}); err != nil {
		t.Fatal(err)
	}
	if s.front.latest() != next {
		t.Error("the first one serves")
	}
}

// An answer in whose middle something panics is broken off: one that ended well would
// pass for whole.
func TestAPanicInTheMiddleBreaksTheAnswerOff(t *testing.T) {
	t.Parallel()
	s, _ := newBare(t)
	e := s.newEcho()
	e.Use(s.observe(0))
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
