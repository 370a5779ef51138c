package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"autoconfig/internal/testkit"
)

// wellBehaved is a client that asks 200 times a second, from an address of its own. It
// is a process of its own as well: the strangers' would let it wait for its own garbage
// collection, which needs every niced thread.
type wellBehaved struct {
	h        *hostile
	answered atomic.Int64
	stop     func() error
	group    sync.WaitGroup
	mu       sync.Mutex
	took     []time.Duration
	failed   []string
}

const (
	goodAddress   = "127.9.9.9"
	goodPerSecond = 200
	goodWorkers   = 8
)

func (h *hostile) behave() *wellBehaved {
	g := &wellBehaved{h: h}
	command := exec.CommandContext(context.WithoutCancel(h.t.Context()), "wellbehaved", h.public)
	command.Stderr = os.Stderr
	in, err := command.StdinPipe()
	if err != nil {
		h.t.Fatal(err)
	}
	out, err := command.StdoutPipe()
	if err == nil {
		err = command.Start()
	}
	if err != nil {
		h.t.Fatal(err)
	}
	g.stop = func() error {
		_ = in.Close()
		g.group.Wait()
		return command.Wait()
	}
	h.t.Cleanup(func() { _ = in.Close() })
	g.group.Go(func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			g.note(lines.Text())
		}
	})
	return g
}

// note reads what was written of one answer: how long it took, and what was wrong.
func (g *wellBehaved) note(line string) {
	took, failure, _ := strings.Cut(line, " ")
	ns, err := strconv.ParseInt(took, 10, 64)
	if err != nil {
		failure = line
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.took = append(g.took, time.Duration(ns))
	if failure != "" {
		g.failed = append(g.failed, failure)
	}
	g.answered.Add(1)
}

// more waits until it has had so many answers more: strangers hold what they have for
// so long.
func (g *wellBehaved) more(n int64) {
	least := g.answered.Load() + n
	testkit.Until(g.h.t, func() string { return fmt.Sprintf("%d of %d answers", g.answered.Load(), least) }, func() bool {
		return g.answered.Load() >= least
	})
}

func (g *wellBehaved) end() {
	if err := g.stop(); err != nil {
		g.h.t.Errorf("the client that behaves: %v", err)
	}
	if len(g.failed) > 0 {
		g.h.t.Errorf("%d of %d requests of a client that behaves failed: %s", len(g.failed), g.answered.Load(), slices.Compact(slices.Sorted(slices.Values(g.failed))))
	}
}

func (g *wellBehaved) failures() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.failed)
}

// slow is how long so many of 100 answers took at most, from a first one on.
func (g *wellBehaved) slow(percent, first int) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	sorted := slices.Sorted(slices.Values(g.took[first:]))
	return sorted[len(sorted)*percent/100]
}

// behaveWell is the process: it asks the address of its first argument until its input
// ends, and writes a line for each answer.
func behaveWell() {
	ctx, end := context.WithCancel(context.Background())
	out := make(chan string, 1000)
	var group sync.WaitGroup
	for worker := range goodWorkers {
		group.Go(func() { askWell(ctx, os.Args[1], worker%2 == 0, out) })
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		end()
		group.Wait()
		close(out)
	}()
	for line := range out {
		fmt.Println(line)
	}
}

// askWell asks on a connection that is kept, and now and then on a new one.
func askWell(ctx context.Context, address string, http2 bool, out chan<- string) {
	kept, fresh := goodClient(http2), goodClient(false)
	defer kept.CloseIdleConnections()
	tick := time.NewTicker(goodWorkers * time.Second / goodPerSecond)
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		client := kept
		if i%20 == 0 {
			client = fresh
		}
		began := time.Now()
		failure := ""
		if err := askOnce(client, address); err != nil {
			failure = " " + strings.ReplaceAll(err.Error(), "\n", " ")
		}
		out <- strconv.FormatInt(int64(time.Since(began)), 10) + failure
		fresh.CloseIdleConnections()
	}
}

func askOnce(client *http.Client, address string) error {
	r, err := client.Get("https://" + address + "/mail/config-v1.1.xml?emailaddress=somebody%40example.com")
	if err != nil {
		return err
	}
	defer func() { _ = r.Body.Close() }()
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return err
	}
	if r.StatusCode != http.StatusOK {
		return errors.New(r.Status)
	}
	return nil
}

// goodClient is one of the address of whoever behaves.
func goodClient(http2 bool) *http.Client {
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(goodAddress)}, Timeout: time.Minute}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(!http2)
	protocols.SetHTTP2(http2)
	return &http.Client{Timeout: time.Minute, Transport: &http.Transport{
		DialContext: dialer.DialContext, Protocols: protocols,
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, // the certificate isn't what is tried
	}}
}
