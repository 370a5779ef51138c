package ldapdir

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"autoconfig/internal/testkit"
)

func TestConnectionsThatWereDroppedWhileIdle(t *testing.T) {
	t.Parallel()
	s := testkit.StartSlapd(t, testkit.SlapdOptions{LDIF: openldapEntries})
	f := startFake(t, relayTo(strings.TrimPrefix(s.URL, "ldap://")))
	o := reader(t, s, "openldap")
	o.Servers = []string{f.url}
	d := open(t, o)
	wantAccount(t, d, "anna@example.com", anna)
	f.dropAll()
	wantAccount(t, d, "anna@example.com", anna)
	if got := f.accepted.Load(); got != 2 {
		t.Errorf("%d connections were made", got)
	}
}

func TestManyCallsStayWithinThePool(t *testing.T) {
	t.Parallel()
	s := testkit.StartSlapd(t, testkit.SlapdOptions{LDIF: openldapEntries})
	f := startFake(t, relayTo(strings.TrimPrefix(s.URL, "ldap://")))
	o := reader(t, s, "openldap")
	o.Servers, o.Timeout = []string{f.url}, time.Minute
	d := open(t, o)
	var group sync.WaitGroup
	for i := range 100 {
		group.Go(func() {
			for _, ask := range everyCall(d) {
				if err := ask(t.Context()); err != nil {
					t.Errorf("call %d: %v", i, err)
				}
			}
		})
	}
	group.Wait()
	if most, now := f.most.Load(), d.Stats().Connections; most > defaultConnections || now > defaultConnections || most == 0 {
		t.Errorf("at most %d connections were open, %d are", most, now)
	}
}

func TestCallsThatAreGivenUp(t *testing.T) {
	t.Parallel()
	f := startFake(t, silent)
	o := anonymous(t, f.url)
	o.Timeout = time.Hour
	d := open(t, o)
	d.pool = newPool(1)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- d.Ping(ctx) }()
	eventually(t, "it isn't asked", func() bool { return f.accepted.Load() == 1 })
	waiting, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer stop()
	if err := d.Ping(waiting); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "all 1 connections are in use") {
		t.Errorf("waiting for the only connection: %v", err)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("given up: %v", err)
	}
	if got := d.servers[0].failed.Load(); got != nil {
		t.Error("a caller that goes away isn't the server's failure")
	}
	go func() { done <- d.Ping(t.Context()) }()
	eventually(t, "it isn't asked again", func() bool { return f.accepted.Load() == 2 && d.Stats().Connections == 1 })
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if err := <-done; err == nil {
		t.Error("closed, and there is an answer")
	}
	if err := d.Ping(t.Context()); !errors.Is(err, errClosed) {
		t.Errorf("closed: %v", err)
	}
}

func TestIdleConnectionsAreClosed(t *testing.T) {
	t.Parallel()
	f := startFake(t, always(func(id byte) []byte { return resultMessage(id, searchDone, 0) }))
	clock := &clock{}
	o := anonymous(t, f.url)
	o.Now = clock.now
	d := open(t, o)
	if err := d.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	clock.advance(idleFor - time.Minute)
	d.expire()
	if got := d.Stats().Connections; got != 1 {
		t.Errorf("%d connections before their time", got)
	}
	clock.advance(time.Minute)
	d.expire()
	if got := d.Stats().Connections; got != 0 {
		t.Errorf("%d connections after their time", got)
	}
	if err := d.Ping(t.Context()); err != nil || f.accepted.Load() != 2 {
		t.Errorf("afterwards: %v, %d connections", err, f.accepted.Load())
	}
}
