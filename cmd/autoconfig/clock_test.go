package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"autoconfig/internal/operator"
	"autoconfig/internal/staff"
	"autoconfig/internal/testkit"
)

type entriesOf []staff.Entry

func (e entriesOf) Entries(context.Context, staff.EntryFilter) ([]staff.Entry, error) { return e, nil }

// A clock that is set by a day in either direction is told, and believed after a day
// or when it is right again.
func TestAClockThatIsSet(t *testing.T) {
	t.Parallel()
	built := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, by := range map[string]time.Duration{"ahead": 24 * time.Hour, "back": -24 * time.Hour, "a year ahead": 365 * 24 * time.Hour} {
		wall, steady := built.AddDate(0, 6, 0), time.Duration(0)
		c := &clock{read: func() (time.Time, time.Duration) { return wall, steady }}
		pass := func(d time.Duration) { wall, steady = wall.Add(d), steady+d }
		said := func() string {
			codes := ""
			for _, p := range judgeClock(t.Context(), c, built, entriesOf{{At: built.AddDate(0, 6, 0).Add(-time.Hour)}}) {
				codes += string(p.Code)
			}
			return codes
		}
		if got := said(); got != "" {
			t.Errorf("%s: at first it says %s", name, got)
		}
		pass(time.Hour)
		wall = wall.Add(by)
		if got := said(); !strings.Contains(got, string(operator.ClockJumped)) {
			t.Errorf("%s: it says %q", name, got)
		}
		pass(time.Hour)
		wall = wall.Add(-by)
		if got := said(); got != "" || c.jump() != 0 {
			t.Errorf("%s: set right again, it says %s", name, got)
		}
		wall = wall.Add(by)
		if c.jump() == 0 {
			t.Errorf("%s: the second time isn't seen", name)
		}
		pass(believedAfter - time.Minute)
		if c.jump() == 0 {
			t.Errorf("%s: believed too early", name)
		}
		pass(time.Minute)
		if c.jump() != 0 {
			t.Errorf("%s: never believed", name)
		}
	}
}

// While the clock isn't believed, nothing is removed for its age.
func TestAClockThatIsSetRemovesNothing(t *testing.T) {
	t.Parallel()
	app, err := openDemo(&call{Context: t.Context()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(app.close)
	if err := app.store.AddEntry(t.Context(), staff.Entry{At: time.Now().AddDate(-2, 0, 0), Actor: "eva", Action: "link made"}); err != nil {
		t.Fatal(err)
	}
	wall := time.Now()
	c := &clock{read: func() (time.Time, time.Duration) { return wall, 0 }}
	c.jump()
	for _, step := range []struct {
		by   time.Duration
		kept int
	}{{365 * 24 * time.Hour, 1}, {0, 0}} {
		wall = time.Now().Add(step.by)
		tidy(t.Context(), app, c, slog.New(slog.DiscardHandler))
		if got, err := app.store.Entries(t.Context(), staff.EntryFilter{Limit: 10}); err != nil || len(got) != step.kept {
			t.Errorf("set by %s: %d entries, want %d: %v", step.by, len(got), step.kept, err)
		}
	}
}

// A clock before what has happened is wrong.
func TestAClockThatIsObviouslyWrong(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	c := &clock{read: func() (time.Time, time.Duration) { return now, 0 }}
	for name, x := range map[string]struct {
		built time.Time
		log   entriesOf
		want  bool
	}{
		"right":                   {now.Add(-time.Hour), entriesOf{{At: now.Add(time.Minute)}}, false},
		"nothing is known":        {time.Time{}, nil, false},
		"before the program":      {now.Add(time.Hour), nil, true},
		"before the latest entry": {now.Add(-time.Hour), entriesOf{{At: now.Add(time.Hour)}}, true},
	} {
		found := judgeClock(t.Context(), c, x.built, x.log)
		if got := len(found) == 1 && found[0].Code == operator.ClockWrong; got != x.want {
			t.Errorf("%s: %v", name, found)
		}
	}
}

// A service that has no descriptors left goes on, says so when it can, and answers
// again when there are some.
func TestWithoutDescriptorsItGoesOn(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	put(t, folder, 0o600, map[string]string{"autoconfig.yaml": "public_url: https://setup.example.com\n"})
	p := serve(t, folder)
	limit := func(n string) {
		t.Helper()
		if out, err := exec.Command("prlimit", "--pid", fmt.Sprint(p.pid), "--nofile="+n).CombinedOutput(); err != nil {
			t.Fatalf("%v %s", err, out)
		}
	}
	testkit.Until(t, func() string { return "/readyz tells it" }, func() bool {
		limit("1:")                            // no more than it has
		conn, err := net.Dial("tcp", p.public) // the kernel takes it
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		if _, err := fmt.Fprintf(conn, "GET / HTTP/1.0\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if err := conn.SetReadDeadline(time.Now().Add(300 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		if n, _ := conn.Read(make([]byte, 1)); n > 0 {
			t.Fatal("it accepts without descriptors")
		}
		limit("512:")
		if err := syscall.Kill(p.pid, syscall.SIGHUP); err != nil { // it looks now
			t.Fatal(err)
		}
		return strings.Contains(shell(t, folder, "curl -sS --max-time 5 http://"+p.private+"/readyz"), `"code":"connections-unaccepted"`)
	})
	eventually(t, "http://"+p.public+"/", `(?i)html`)
}
