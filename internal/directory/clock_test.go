package directory_test

import (
	"errors"
	"testing"
	"time"
)

// Whatever the wall clock does, a change in a source is served after its time at
// the latest: an answer that seems to come from the future isn't fresh.
func TestAClockThatJumpsKeepsNoOldAnswer(t *testing.T) {
	t.Parallel()
	for name, jump := range map[string]time.Duration{"a day back": -24 * time.Hour, "a day ahead": 24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPanel()
			h := withPanel(t, p)
			if got := h.found(t, "boss@example.com").Account.Name; got != "The Boss" {
				t.Fatal(got)
			}
			boss := p.accounts["boss@example.com"]
			boss.Name = "The New Boss"
			p.accounts["boss@example.com"] = boss
			jumped := h.now.Load().Add(jump)
			h.now.Store(&jumped)
			if got := h.found(t, "boss@example.com").Account.Name; got != "The New Boss" {
				t.Errorf("after the jump the old answer counts as fresh: %s", got)
			}
		})
	}
}

// A source that is down when the clock jumps back isn't a reason to have no answer.
func TestAClockThatJumpsBackWhileASourceIsDown(t *testing.T) {
	t.Parallel()
	p := newPanel()
	h := withPanel(t, p)
	h.found(t, "boss@example.com")
	p.set(func() { p.down = errors.New("connection refused") })
	jumped := h.now.Load().Add(-24 * time.Hour)
	h.now.Store(&jumped)
	if got := h.found(t, "boss@example.com").Account.Name; got != "The Boss" {
		t.Errorf("the last good answer doesn't serve on: %q", got)
	}
}
