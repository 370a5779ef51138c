package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"autoconfig/internal/config"
	"autoconfig/internal/testkit"
)

// hostile is a service on the open Internet: TLS and HTTP/2 on listen, plain http
// beside it.
type hostile struct {
	*service
	plain string
	full  bool
	good  *wellBehaved
}

// most is what the service may take, and slowest what 99 of 100 answers to a
// well-behaved client may.
const (
	mostMemoryMB = 256
	slowest      = 50 * time.Millisecond
)

// Whatever strangers send, a client that behaves is answered, the service stays small,
// and afterwards nothing is left of it. HOSTILE=full is for make torture, by itself.
func TestHostileInput(t *testing.T) {
	t.Parallel()
	h := newHostile(t)
	if h.full { // a stranger's thread that has to wait keeps nobody else from running
		runtime.GOMAXPROCS(2 * strangers)
	}
	before := h.held()
	h.good = h.behave()
	h.good.more(50)
	chosen := regexp.MustCompile(os.Getenv("ATTACKS")) // all, unless one is looked at
	for _, attack := range h.attacks() {
		if !chosen.MatchString(attack.name) {
			continue
		}
		began := time.Now()
		first := int(h.good.answered.Load())
		attack.do()
		h.good.more(10)
		t.Logf("%-36s %6.1f s, %s, %d failed, 99 of 100 in %v", attack.name, time.Since(began).Seconds(), h.memory(), h.good.failures(), h.good.slow(99, first))
	}
	h.good.end()
	testkit.Until(t, func() string { return fmt.Sprintf("before %+v, now %+v", before, h.held()) }, func() bool {
		now := h.held()
		return now.files <= before.files+40 && now.goroutines <= before.goroutines+30 // connections to the database may stay
	})
	if peak := h.peakMB(); peak > mostMemoryMB {
		t.Errorf("it took %.0f MB", peak)
	}
	if took := h.good.slow(99, 0); h.full && took > slowest {
		t.Errorf("99 of 100 answers to a client that behaves took up to %v", took)
	}
	t.Logf("%d good answers, half in %v, 99 of 100 in %v", h.good.answered.Load(), h.good.slow(50, 0), h.good.slow(99, 0))
}

func newHostile(t *testing.T) *hostile {
	h := &hostile{full: os.Getenv("HOSTILE") == "full", plain: testkit.FreeAddress(t)}
	certificate, key := testkit.NewCA(t).Issue(t, testkit.Leaf{Names: []string{"autoconfig.example.com"}}).WriteFiles(t, t.TempDir())
	settings := fmt.Sprintf("http_listen: %s\ntls: {certificate: %s, key: %s}\n", h.plain, filepath.ToSlash(certificate), filepath.ToSlash(key))
	if !h.full { // so that the sample meets the bound of a client
		settings += "limits: {connections: 1000, per_client: 64, requests: 64}\n"
	}
	h.service = newService(t, settings, string(config.Demo), "no password")
	return h
}

// n is how many there are of something, in the sample or at full size.
func (h *hostile) n(sample, full int) int {
	if h.full {
		return full
	}
	return sample
}

// held is what the service holds.
type held struct{ files, goroutines float64 }

func (h *hostile) held() held {
	return held{h.metric("process_open_fds"), h.metric("go_goroutines")}
}

func (h *hostile) memory() string {
	return fmt.Sprintf("%3.0f MB, %3.0f MB at most, %5.0f files", h.status("VmRSS"), h.peakMB(), h.metric("process_open_fds"))
}

func (h *hostile) peakMB() float64 { return h.status("VmHWM") }

// status is one of the process's sizes in MB (proc(5)).
func (h *hostile) status(name string) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", h.pid))
	found := regexp.MustCompile(name + `:\s+(\d+) kB`).FindSubmatch(text)
	if err != nil || found == nil {
		h.t.Fatalf("no %s: %v", name, err)
	}
	kB, _ := strconv.ParseFloat(string(found[1]), 64)
	return kB * 1024 / 1e6
}

// dial opens a connection of a stranger; nil is one that wasn't let in.
func (h *hostile) dial(from, to string) net.Conn {
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: time.Minute}
	conn, err := dialer.DialContext(context.Background(), "tcp", to)
	if err != nil {
		return nil
	}
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	return conn
}

// strangers is how many do something at once.
const strangers = 32

// each does something n times, many at once. On the Internet strangers have processors of
// their own: at full size they get only what the service and the client that behaves
// leave, so that their own work isn't taken for the service's.
func (h *hostile) each(n int, do func(i int)) {
	var group sync.WaitGroup
	var next atomic.Int64
	for range min(n, strangers) {
		group.Go(func() {
			if h.full {
				runtime.LockOSThread() // for good: the thread ends with the stranger
				_ = syscall.Setpriority(syscall.PRIO_PROCESS, 0, 19)
			}
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	group.Wait()
}

// hold opens n connections, does something on each, and keeps all of them while the
// one who behaves goes on asking.
func (h *hostile) hold(n int, from func(i int) string, to string, do func(net.Conn)) {
	conns := make([]net.Conn, n)
	h.each(n, func(i int) {
		if conns[i] = h.dial(from(i), to); conns[i] != nil {
			do(conns[i])
		}
	})
	h.good.more(int64(h.n(40, 2000)))
	for _, conn := range conns {
		if conn != nil {
			_ = conn.Close()
		}
	}
}
