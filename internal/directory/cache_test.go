package directory

import (
	"context"
	"log/slog"
	"testing"
	"time"
	"unsafe"
)

// A name is a part of the request that it came in: kept as it is, it would keep the
// whole request, for each of many thousand names that strangers choose.
func TestTheCacheKeepsNoPartOfARequest(t *testing.T) {
	t.Parallel()
	for _, want := range []error{nil, ErrNotFound} {
		c := newCache[int](&upstream{lifetimes: ownLifetimes, now: time.Now, logger: slog.New(slog.DiscardHandler)}, 10)
		request := "GET /mail/config-v1.1.xml?emailaddress=a@example.com HTTP/1.1"
		name := request[41:52]
		if name != "example.com" {
			t.Fatal(name)
		}
		if _, err := c.get(t.Context(), name, func(context.Context) (int, error) { return 1, want }); err != want { //nolint:errorlint // it is the one
			t.Fatal(err)
		}
		n := 0
		for key := range c.answers.Keys() {
			if n++; key != name || unsafe.StringData(key) == unsafe.StringData(name) {
				t.Errorf("%q is kept as a part of the request", key)
			}
		}
		if n != 1 {
			t.Errorf("%d keys", n)
		}
	}
}

// Those who wait for a look-up that panics are told that it failed, not that the
// zero value is the answer.
func TestALookUpThatPanicsHasNoAnswer(t *testing.T) {
	t.Parallel()
	c := newCache[*int](&upstream{lifetimes: ownLifetimes, now: time.Now, logger: slog.New(slog.DiscardHandler)}, 10)
	begun, end := make(chan struct{}), make(chan struct{})
	go func() {
		defer func() { _ = recover() }() // as the server does
		_, _ = c.get(context.Background(), "a", func(context.Context) (*int, error) {
			close(begun)
			<-end
			panic("a driver's fault")
		})
	}()
	<-begun
	running, joined, err := c.flights.begin("a", nil)
	if joined || err != nil {
		t.Fatal(joined, err)
	}
	close(end)
	if fresh, err := running.wait(t.Context(), 0); err == nil {
		t.Errorf("the answer is %v", fresh.value)
	}
}
