package server_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"autoconfig/internal/testkit"
)

// started is what the real binary needs over a file.
type started struct {
	first     time.Duration // from its start to its first answer
	perSecond float64       // over loopback, with clients on the same machine
	rssMB     float64       // after all requests
}

const binaryRequests = 200_000

// running is the real binary.
type running struct {
	public, private string
	pid             int
	first           time.Duration
}

// start runs the real binary over a file until the test ends.
func start(b *testing.B, file string, domains int) *running {
	b.Helper()
	folder := b.TempDir()
	binary := filepath.Join(folder, "autoconfig")
	if out, err := exec.CommandContext(b.Context(), "go", "build", "-o", binary, "autoconfig/cmd/autoconfig").CombinedOutput(); err != nil { // our own
		b.Fatalf("%v\n%s", err, out)
	}
	x := &running{public: testkit.FreeAddress(b), private: testkit.FreeAddress(b)}
	config := fmt.Sprintf("listen: %s\nadmin_listen: %s\ndatabase: \"sqlite:%s\"\nrate_limit: {per_second: 0}\nlog: {level: warn}\ncheck: {every: \"0\"}\n", x.public, x.private, file)
	if err := os.WriteFile(filepath.Join(folder, "autoconfig.yaml"), []byte(config), 0o600); err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(binary, "serve")
	cmd.Dir = folder
	said := &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = said, said
	began := time.Now()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	x.pid = cmd.Process.Pid
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	b.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case err := <-ended:
			if err != nil {
				b.Errorf("serve ended with %v\n%s", err, said)
			}
		case <-time.After(30 * time.Second):
			_ = cmd.Process.Kill()
			<-ended
			b.Errorf("serve didn't end\n%s", said)
		}
	})
	client := &http.Client{Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	for !answers(client, http.MethodGet, "http://"+x.public+"/mail/config-v1.1.xml?emailaddress="+scaleAddress(0, domains), "", "") {
		if time.Since(began) > 2*time.Minute {
			b.Fatal("no answer in two minutes")
		}
		time.Sleep(2 * time.Millisecond)
	}
	x.first = time.Since(began)
	x.settle(b)
	return x
}

// settle waits until the first documents (PACC) are made, which is once in a
// database's life, and would be measured with the rest.
func (x *running) settle(b *testing.B) {
	b.Helper()
	busy := func() float64 {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", x.pid))
		if err != nil {
			b.Fatal(err)
		}
		fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
		var ticks [2]float64 // user and system, in hundredths of a second
		for i := range ticks {
			if _, err := fmt.Sscan(fields[11+i], &ticks[i]); err != nil {
				b.Fatal(err)
			}
		}
		return ticks[0] + ticks[1]
	}
	for began := time.Now(); time.Since(began) < 5*time.Minute; {
		before := busy()
		time.Sleep(time.Second)
		if busy()-before < 10 {
			return
		}
	}
	b.Error("it is busy without a request")
}

// warmUp is how many requests are drawn until the cache knows what is asked for
// often.
const warmUp = 300_000

// bear sends loads over loopback, on connections that are kept, by a client that
// costs little: what is left of the machine is the service's. The loads take turns,
// so that whatever else the machine does slows all of them down.
func (x *running) bear(b *testing.B, loads ...load) []borne {
	b.Helper()
	results := make([]borne, len(loads))
	failed := int64(0)
	for _, l := range loads {
		failed += x.ask(b, l.walk, l.walked()) + x.ask(b, l.draw, min(warmUp, 3*l.Requests))
	}
	for range rounds {
		for i, l := range loads {
			began := time.Now()
			failed += x.ask(b, l.draw, l.Requests/rounds)
			round := float64(l.Requests/rounds) / time.Since(began).Seconds()
			results[i].Rounds = append(results[i].Rounds, round)
			results[i].PerSecond = max(results[i].PerSecond, round)
		}
	}
	if failed > 0 {
		b.Errorf("%+v: %d requests had no answer", loads, failed)
	}
	memory, err := rss(x.pid)
	if err != nil {
		b.Fatal(err)
	}
	for i := range results {
		results[i].RSSMB, results[i].HeapMB = memory, x.heap(b)
	}
	return results
}

// walked is how many requests it takes until the cache is what it will be: all
// domains are in it, and as many accounts as fit.
func (l load) walked() int { return max(min(l.Accounts, 200_000), l.Domains) }

func (x *running) heap(b *testing.B) float64 {
	b.Helper()
	r, err := http.Get("http://" + x.private + "/metrics")
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = r.Body.Close() }()
	lines := bufio.NewScanner(r.Body)
	for lines.Scan() {
		var value float64
		if n, _ := fmt.Sscanf(lines.Text(), "go_memstats_heap_inuse_bytes %g", &value); n == 1 {
			return value / 1e6
		}
	}
	b.Fatal("the metrics have no heap")
	return 0
}

const wireClients = 8

// ask sends requests on some connections at once, and counts those whose answer
// isn't 200.
func (x *running) ask(b *testing.B, order func(client, clients int) func() (query, host string), requests int) int64 {
	b.Helper()
	var failed atomic.Int64
	var group sync.WaitGroup
	for client := range wireClients {
		group.Go(func() {
			connection, err := new(net.Dialer).DialContext(b.Context(), "tcp", x.public)
			if err != nil {
				failed.Add(int64(requests))
				return
			}
			defer func() { _ = connection.Close() }()
			in := bufio.NewReader(connection)
			next := order(client, wireClients)
			for range requests / wireClients {
				query, host := next()
				if _, err := fmt.Fprintf(connection, "GET /mail/config-v1.1.xml?%s HTTP/1.1\r\nHost: %s\r\n\r\n", query, host); err != nil || !readAnswer(in) {
					failed.Add(1)
				}
			}
		})
	}
	group.Wait()
	return failed.Load()
}

// readAnswer passes over an answer with a Content-Length, and tells whether it is a 200.
func readAnswer(in *bufio.Reader) bool {
	good, length := false, 0
	for first := true; ; first = false {
		line, err := in.ReadSlice('\n')
		switch {
		case err != nil:
			return false
		case first:
			good = bytes.HasPrefix(line, []byte("HTTP/1.1 200 "))
		case bytes.HasPrefix(line, []byte("Content-Length: ")):
			if length, err = strconv.Atoi(string(bytes.TrimSpace(line[len("Content-Length: "):]))); err != nil {
				return false
			}
		case len(line) == 2:
			_, err := in.Discard(length)
			return good && length > 0 && err == nil
		}
	}
}

// mixed asks for everything that it answers.
func (x *running) mixed(b *testing.B, domains, accounts int) started {
	b.Helper()
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 16}}
	defer client.CloseIdleConnections()
	result := started{first: x.first, perSecond: askBinary(b, client, "http://"+x.public, domains, accounts)}
	var err error
	if result.rssMB, err = rss(x.pid); err != nil {
		b.Fatal(err)
	}
	return result
}

func answers(client *http.Client, method, target, host, body string) bool {
	r, err := http.NewRequest(method, target, strings.NewReader(body))
	if err != nil {
		return false
	}
	r.Host = host
	answer, err := client.Do(r)
	if err != nil {
		return false
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	return err == nil && answer.StatusCode == http.StatusOK && bytes.Contains(text, []byte("example.com"))
}

// askBinary asks for addresses by Zipf and evenly, for unknown ones and for
// defaults, and by Autodiscover, in turn.
func askBinary(b *testing.B, client *http.Client, base string, domains, accounts int) float64 {
	b.Helper()
	requests := min(binaryRequests, 10*accounts)
	const clients = 8
	var group sync.WaitGroup
	var failed atomic.Int64
	began := time.Now()
	for i := range clients {
		group.Go(func() {
			var draws []func() (query, host string)
			for _, kind := range []string{"zipf", "even", "unknown", "domain", "even"} {
				draws = append(draws, load{Domains: domains, Accounts: accounts, Kind: kind}.draw(i, clients))
			}
			for n := range requests / clients {
				query, host := draws[n%len(draws)]()
				method, target, body := http.MethodGet, base+"/mail/config-v1.1.xml?"+query, ""
				if n%len(draws) == len(draws)-1 {
					address := strings.Replace(strings.TrimPrefix(query, "emailaddress="), "%40", "@", 1)
					method, target, body = http.MethodPost, base+"/autodiscover/autodiscover.xml", poxRequest(mail(address), outlookSchema)
				}
				if !answers(client, method, target, host, body) {
					failed.Add(1)
				}
			}
		})
	}
	group.Wait()
	if n := failed.Load(); n > 0 {
		b.Errorf("%d of %d requests over loopback had no answer", n, requests)
	}
	return float64(requests) / time.Since(began).Seconds()
}
