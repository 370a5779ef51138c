package main

import (
	"bufio"
	"database/sql"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"autoconfig/internal/testkit"
)

// A reloaded one is a running serve whose configuration can be changed.
type reloaded struct {
	*process
	t      *testing.T
	folder string
}

func newReloaded(t *testing.T, configuration string) *reloaded {
	t.Helper()
	folder := t.TempDir()
	put(t, folder, 0o600, map[string]string{
		"autoconfig.yaml": configuration,
		"site.yaml":       "domains:\n  - {name: example.org, servers: {imap: {host: mail.example.org}, smtp: {host: mail.example.org}}}\n",
	})
	if seen := shell(t, folder, "autoconfig apply"); !strings.Contains(seen, "example.org") {
		t.Fatal(seen)
	}
	return &reloaded{serve(t, folder), t, folder}
}

// say writes another configuration and has it read.
func (r *reloaded) say(configuration string) {
	r.t.Helper()
	put(r.t, r.folder, 0o600, map[string]string{"next.yaml": configuration})
	// As editors do: a file that is half written is never read.
	if err := os.Rename(filepath.Join(r.folder, "next.yaml"), filepath.Join(r.folder, "autoconfig.yaml")); err != nil {
		r.t.Fatal(err)
	}
	if err := syscall.Kill(r.pid, syscall.SIGHUP); err != nil {
		r.t.Fatal(err)
	}
}

func (r *reloaded) ready(pattern string) {
	r.t.Helper()
	eventually(r.t, "http://"+r.private+"/readyz", pattern)
}

// SIGHUP has the configuration read again. A bad one changes nothing and is told
// with its place; what needs a restart is told, and the rest is taken.
func TestSIGHUPReloads(t *testing.T) {
	t.Parallel()
	r := newReloaded(t, "public_url: https://one.example.com\n")
	outlook := "http://" + r.public + "/autodiscover/autodiscover.json?Email=a%40example.org&Protocol=AutodiscoverV1"
	eventually(t, outlook, `https://one\.example\.com/`)
	r.say("public_url: https://two.example.com\nadmin_listen: 127.0.0.1:1\ndatabase: sqlite:other.db\n")
	eventually(t, outlook, `https://two\.example\.com/`)
	r.ready(`"status":"ready".*"code":"restart-needed","severity":"warning","what":"changed in autoconfig.yaml, but in use only after a restart: database"`)
	r.say("public_url: https://three.example.com\nlisten: nonsense\n")
	r.ready(`"status":"degraded".*"code":"reload-refused".*the configuration was not reloaded: autoconfig.yaml:2:9: `)
	eventually(t, outlook, `https://two\.example\.com/`)
	r.say("public_url: https://four.example.com\n")
	eventually(t, outlook, `https://four\.example\.com/`)
	r.ready(`^{"status":"ready","public_url":"[^"]*"}\s*$`)
	said, err := r.stop()
	if want := "autoconfig.yaml:2:9: "; err != nil || !strings.Contains(said, want) || !regexp.MustCompile(`(?m)^    2 \| listen: nonsense\n +\| +\^$`).MatchString(said) {
		t.Errorf("%v, and the log doesn't show the place:\n%s", err, said)
	}
}

// No request fails while the configuration is read again and again, under load, and
// nothing of the former ones is left.
func TestNoRequestFailsDuringReloads(t *testing.T) {
	t.Parallel()
	source := func(n int) string {
		return fmt.Sprintf(`public_url: https://one.example.com
rate_limit: {per_second: 0}
cache: {entries: %d}
sources:
  - {name: panel, sql: {database: "sqlite:panel.db", account: "SELECT address FROM mailbox WHERE address = :address", list: "SELECT address FROM mailbox WHERE address > :after ORDER BY address LIMIT :limit"}}
`, 1000+n%2) // another directory each time
	}
	folder := t.TempDir()
	put(t, folder, 0o600, map[string]string{
		"autoconfig.yaml": source(0),
		"site.yaml":       "domains:\n  - {name: example.org, servers: {imap: {host: mail.example.org}, smtp: {host: mail.example.org}}}\n",
	})
	makePanel(t, filepath.Join(folder, "panel.db"))
	if seen := shell(t, folder, "autoconfig apply"); !strings.Contains(seen, "example.org") {
		t.Fatal(seen)
	}
	r := &reloaded{serve(t, folder), t, folder}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}}
	defer client.CloseIdleConnections()
	var stop atomic.Bool
	var asked atomic.Int64
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for n := 0; !stop.Load(); n++ {
				answer, err := client.Get(fmt.Sprintf("http://%s/mail/config-v1.1.xml?emailaddress=p%d-%d%%40example.org", r.public, i, n))
				if err != nil {
					t.Error(err)
					return
				}
				_, err = io.Copy(io.Discard, answer.Body)
				_ = answer.Body.Close()
				if err != nil || answer.StatusCode != http.StatusOK {
					t.Errorf("%s %v", answer.Status, err)
					return
				}
				asked.Add(1)
			}
		})
	}
	const times = 60
	goroutines := regexp.MustCompile(`go_goroutines (\d+)`)
	for n := 1; n <= times; n++ {
		before := asked.Load()
		r.say(source(n))
		testkit.Until(t, func() string { return "requests are answered" }, func() bool { return asked.Load() > before+8 || stop.Load() || t.Failed() })
		if t.Failed() {
			break
		}
	}
	stop.Store(true)
	group.Wait()
	client.CloseIdleConnections()
	testkit.Until(t, func() string { return "goroutines of former generations are left" }, func() bool {
		found := goroutines.FindStringSubmatch(shell(t, folder, "curl -sS http://"+r.private+"/metrics"))
		return found != nil && len(found[1]) <= 2 // fewer than a hundred
	})
	open := func() int {
		files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", r.pid))
		if err != nil {
			t.Fatal(err)
		}
		return len(files)
	}
	testkit.Until(t, func() string { return fmt.Sprintf("%d files are open", open()) }, func() bool { return open() < 80 })
	said, err := r.stop()
	if n := strings.Count(said, "the configuration was reloaded"); err != nil || n < times/10 {
		t.Errorf("%v, %d reloads of %d", err, n, times)
	}
	t.Logf("%d requests, %d reloads", asked.Load(), strings.Count(said, "the configuration was reloaded"))
}

// A request that began two configurations ago is answered from the sources that it
// began with, and they are closed when it has ended.
func TestSourcesStayForTheOldestRequest(t *testing.T) {
	t.Parallel()
	const without = "public_url: https://without.example.com\n"
	with := func(name string) string {
		return "public_url: https://" + name + `.example.com
sources:
  - {name: panel, sql: {database: "sqlite:panel.db", account: "SELECT address, 'the-boss' AS login FROM mailbox WHERE address = :address"}}
`
	}
	r := newReloaded(t, without)
	makePanel(t, filepath.Join(r.folder, "panel.db"))
	panelIsOpen := func() bool {
		files, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", r.pid))
		if err != nil {
			t.Fatal(err)
		}
		return slices.ContainsFunc(files, func(file string) bool {
			target, _ := os.Readlink(file) // it may be gone
			return strings.HasSuffix(target, "/panel.db")
		})
	}
	reload := func(configuration string) {
		r.say(configuration)
		name, _, _ := strings.Cut(strings.TrimPrefix(configuration, "public_url: https://"), ".")
		eventually(t, "http://"+r.public+"/autodiscover/autodiscover.json?Email=a%40example.org&Protocol=AutodiscoverV1", name+`\.example\.com`)
	}
	for {
		reload(with("first"))
		began := time.Now()
		request := beginRequest(t, r.public)
		reload(with("second"))
		reload(without)
		for end := time.Now().Add(time.Second); panelIsOpen() && time.Now().Before(end); { // it should stay open
			runtime.Gosched()
		}
		answer := request()
		testkit.Until(t, func() string { return "the source is closed" }, func() bool { return !panelIsOpen() })
		if strings.Contains(answer, "<LoginName>the-boss</LoginName>") {
			return
		}
		if time.Since(began) < 10*time.Second { // a request's end isn't waited for much longer than that
			t.Fatalf("the answer is\n%s", answer)
		}
	}
}

// beginRequest sends the head of a request of Outlook, and gives what sends the rest
// and reads the answer.
func beginRequest(t *testing.T, host string) (end func() string) {
	t.Helper()
	const body = `<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"><Request><EMailAddress>boss@example.org</EMailAddress><AcceptableResponseSchema>http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a</AcceptableResponseSchema></Request></Autodiscover>`
	c, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(c, "POST /autodiscover/autodiscover.xml HTTP/1.1\r\nHost: autodiscover.example.org\r\nExpect: 100-continue\r\nContent-Type: text/xml\r\nConnection: close\r\nContent-Length: %d\r\n\r\n", len(body))
	// The handler has begun to read when it says that it wants the rest.
	reader := bufio.NewReader(c)
	if line, err := reader.ReadString('\n'); err != nil || !strings.Contains(line, "100 Continue") {
		t.Fatalf("%q %v", line, err)
	}
	return func() string {
		defer func() { _ = c.Close() }()
		_, _ = io.WriteString(c, body) // what comes of it is in the answer
		answer, _ := io.ReadAll(reader)
		return string(answer)
	}
}

// makePanel is a database with a mailbox.
func makePanel(t *testing.T, file string) {
	t.Helper()
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.Exec("CREATE TABLE mailbox (address TEXT PRIMARY KEY); INSERT INTO mailbox VALUES ('boss@example.org')"); err != nil {
		t.Fatal(err)
	}
}
