package queue_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"autoconfig/internal/queue"
)

func TestWork(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	tick, ended := make(chan time.Time), make(chan struct{})
	rounds, heard := 0, []error(nil)
	once := func(context.Context) error {
		rounds++
		switch rounds {
		case 1:
			return nil
		case 3:
			cancel() // what fails because the service ends isn't told
		}
		return errors.New("it fails")
	}
	go func() {
		defer close(ended)
		queue.Work(ctx, tick, time.Hour, once, func(err error) { heard = append(heard, err) })
	}()
	for range 3 {
		tick <- time.Time{}
	}
	<-ended
	if rounds != 3 || len(heard) != 1 {
		t.Errorf("%d rounds, %v", rounds, heard)
	}
}

func TestPause(t *testing.T) {
	t.Parallel()
	for failures, want := range map[int]time.Duration{0: 10, 1: 20, 3: 80, 4: 100, 1000: 100} {
		if got := queue.Pause(10*time.Second, 100*time.Second, failures); got != want*time.Second {
			t.Errorf("after %d failures %s", failures, got)
		}
	}
}

func TestReason(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "", "550 no\r\n such  user": "550 no such user", "a\x00b\xffc": "a?b?c",
		strings.Repeat("é", 300): strings.Repeat("é", 300), strings.Repeat("é", 301): strings.Repeat("é", 300) + "…",
	} {
		if got := queue.Reason(text); got != want || !utf8.ValidString(got) {
			t.Errorf("%q: %q", text, got)
		}
	}
}
