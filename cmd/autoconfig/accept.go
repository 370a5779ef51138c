package main

import (
	"errors"
	"net"
	"sync"
	"syscall"
	"time"

	"autoconfig/internal/operator"
)

// acceptance remembers that connections couldn't be accepted. The http server tries
// again, after up to a second.
type acceptance struct {
	mu  sync.Mutex
	at  time.Time
	err error
}

// saidFor is for how long that is a problem: nobody could ask for it meanwhile.
const saidFor = time.Minute

// accepting is a listener that tells of it.
type accepting struct {
	net.Listener
	told *acceptance
}

// Accept implements net.Listener.
func (a accepting) Accept() (net.Conn, error) {
	conn, err := a.Listener.Accept()
	if err != nil && !errors.Is(err, net.ErrClosed) {
		a.told.mu.Lock()
		defer a.told.mu.Unlock()
		a.told.at, a.told.err = time.Now(), err
	}
	return conn, err
}

// problems are none if all went well lately.
func (a *acceptance) problems(now time.Time) []operator.Problem {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err == nil || now.Sub(a.at) > saidFor {
		return nil
	}
	p := operator.Problem{
		Code: operator.ConnectionsUnaccepted, Severity: operator.Error, Where: "listeners",
		What: "connections couldn't be accepted at " + a.at.UTC().Format("15:04:05Z") + ": " + a.err.Error(),
	}
	if errors.Is(a.err, syscall.EMFILE) || errors.Is(a.err, syscall.ENFILE) {
		p.Remedy = "let the service open more files (systemd: LimitNOFILE=), or lower limits.connections"
	}
	return []operator.Problem{p}
}
