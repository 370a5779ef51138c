package server_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// started is what the real binary needs over the same file.
type started struct {
	first     time.Duration // from its start to its first answer
	perSecond float64       // over loopback, with clients on the same machine
	rssMB     float64       // after all requests
}

const binaryRequests = 200_000

// start runs the real binary, asks it for everything that it answers, and ends it.
func start(b *testing.B, file string, domains, accounts int) started {
	b.Helper()
	folder := b.TempDir()
	binary := filepath.Join(folder, "autoconfig")
	if out, err := exec.CommandContext(b.Context(), "go", "build", "-o", binary, "autoconfig/cmd/autoconfig").CombinedOutput(); err != nil { //nolint:gosec // our own
		b.Fatalf("%v\n%s", err, out)
	}
	public, private := freeAddress(b), freeAddress(b)
	config := fmt.Sprintf("listen: %s\nadmin_listen: %s\ndatabase: \"sqlite:%s\"\nrate_limit: {per_second: 0}\nlog: {level: warn}\ncheck: {every: \"0\"}\n", public, private, file)
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
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	defer func() {
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
	}()
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 16}}
	defer client.CloseIdleConnections()
	base := "http://" + public
	for !answers(client, http.MethodGet, base+"/mail/config-v1.1.xml?emailaddress="+scaleAddress(0, domains), "", "") {
		if time.Since(began) > 2*time.Minute {
			b.Fatal("no answer in two minutes")
		}
		time.Sleep(2 * time.Millisecond)
	}
	result := started{first: time.Since(began)}
	result.perSecond = askBinary(b, client, base, domains, accounts)
	var err error
	if result.rssMB, err = rss(cmd.Process.Pid); err != nil {
		b.Fatal(err)
	}
	return result
}

func freeAddress(b *testing.B) string {
	b.Helper()
	l, err := new(net.ListenConfig).Listen(b.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func answers(client *http.Client, method, target, host, body string) bool {
	r, err := http.NewRequest(method, target, strings.NewReader(body)) //nolint:noctx // the client has a timeout
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
