package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"autoconfig/internal/config"
	"autoconfig/internal/testkit"
)

// replicas are several services on one database, and what is known of one account
// that changes all the time.
type replicas struct {
	t      *testing.T
	server *testkit.DatabaseServer
	folder string
	token  string
	client *http.Client // a connection for each request

	mu      sync.Mutex
	running []*process
	reset   atomic.Int64
	changes []moved
	answers []seen
	late    []time.Duration // until a replica had a change
	next    int
}

// soon is within what a change is served everywhere. A busy machine is forgiven some.
const soon = time.Second

// moved is a change of the account's protocol, from when it was asked for to when
// that was answered.
type moved struct {
	begun, done time.Time
	protocol    string
}

// seen is an answer about it.
type seen struct {
	begun, done time.Time
	protocol    string
}

const moving = "moving@example.com"

var incoming = regexp.MustCompile(`<incomingServer type="(imap|pop3)">`)

func newReplicas(t *testing.T, server *testkit.DatabaseServer, n int) *replicas {
	t.Helper()
	r := &replicas{t: t, server: server, folder: t.TempDir(), client: &http.Client{Timeout: time.Minute, Transport: &http.Transport{DisableKeepAlives: true}}, running: make([]*process, n)}
	for name, text := range map[string]string{
		"site.yaml":       string(config.Demo),
		"autoconfig.yaml": "public_url: https://setup.example.com\ncheck: {every: \"0\"}\nrate_limit: {per_second: 0}\ndatabase: " + strconv.Quote(server.Create(t)) + "\n",
	} {
		if err := os.WriteFile(filepath.Join(r.folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// All at the same time, on an empty database and without a secret.
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() { r.running[i] = serve(t, r.folder) })
	}
	group.Wait()
	if slices.Contains(r.running, nil) {
		t.FailNow()
	}
	return r
}

func (r *replicas) command(line string) string {
	r.t.Helper()
	seen := shell(r.t, r.folder, "autoconfig "+line+" || echo FAILED")
	if strings.Contains(seen, "FAILED") {
		r.t.Fatalf("%s\n%s", line, seen)
	}
	return strings.TrimSpace(seen)
}

func (r *replicas) all() []*process {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.running)
}

// ask asks one replica for the account.
func (r *replicas) ask(client *http.Client, p *process) (string, error) {
	answer, err := client.Get("http://" + p.public + "/mail/config-v1.1.xml?emailaddress=" + moving)
	if err != nil {
		return "", err
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return "", err
	}
	found := incoming.FindSubmatch(body)
	if answer.StatusCode != http.StatusOK || len(found) == 0 || !strings.HasSuffix(strings.TrimSpace(string(body)), "</clientConfig>") {
		return "", fmt.Errorf("%s: %s", answer.Status, body)
	}
	return string(found[1]), nil
}

// balanced asks as a load balancer does: where a replica takes no connection, the
// next one is asked. What it took it must answer.
func (r *replicas) balanced(client *http.Client) (string, error) {
	r.mu.Lock()
	r.next++
	first := r.next
	r.mu.Unlock()
	running := r.all()
	var err error
	for i := range running {
		var protocol string
		protocol, err = r.ask(client, running[(first+i)%len(running)])
		var dial *net.OpError
		switch {
		case err == nil:
			return protocol, nil
		case errors.As(err, &dial) && dial.Op == "dial": // it takes no connection any more
		case errors.Is(err, syscall.ECONNRESET), errors.Is(err, io.EOF):
			// The system had taken the connection, and the replica had not when it closed
			// its socket: no byte of an answer has come. An answer that was cut is
			// io.ErrUnexpectedEOF.
			r.reset.Add(1)
		default:
			return "", err
		}
	}
	return "", err
}

// load asks all the time, on new connections and on kept ones, until it is ended.
func (r *replicas) load() (end func()) {
	stop := make(chan struct{})
	var group sync.WaitGroup
	kept := &http.Client{Timeout: time.Minute, Transport: &http.Transport{}}
	r.t.Cleanup(kept.CloseIdleConnections)
	for _, client := range []*http.Client{r.client, r.client, r.client, kept} {
		group.Go(func() {
			tick := time.NewTicker(5 * time.Millisecond)
			defer tick.Stop()
			for {
				select {
				case <-stop:
					return
				case <-tick.C:
				}
				s := seen{begun: time.Now()}
				var err error
				if s.protocol, err = r.balanced(client); err != nil {
					r.t.Errorf("a request failed: %v", err)
					return
				}
				s.done = time.Now()
				r.mu.Lock()
				r.answers = append(r.answers, s)
				r.mu.Unlock()
			}
		})
	}
	return sync.OnceFunc(func() { close(stop); group.Wait() })
}

// change sets the account's protocol, by the API of a replica or by a command.
func (r *replicas) change(protocol string, by int) {
	r.t.Helper()
	c := moved{begun: time.Now(), protocol: protocol}
	if by < 0 {
		r.command("account set " + moving + " --protocol " + protocol)
	} else {
		running := r.all()
		request, err := http.NewRequest(http.MethodPut, "http://"+running[by%len(running)].private+"/api/v1/accounts/"+moving, strings.NewReader(`{"address": "`+moving+`", "protocol": "`+protocol+`"}`))
		if err != nil {
			r.t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+r.token)
		request.Header.Set("Content-Type", "application/json")
		answer, err := r.client.Do(request)
		if err != nil {
			r.t.Fatal(err)
		}
		body, _ := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusOK && answer.StatusCode != http.StatusCreated {
			r.t.Fatalf("%s: %s", answer.Status, body)
		}
	}
	c.done = time.Now()
	r.mu.Lock()
	r.changes = append(r.changes, c)
	r.mu.Unlock()
}

// served waits until every replica has the last change.
func (r *replicas) served() {
	r.t.Helper()
	r.mu.Lock()
	last := r.changes[len(r.changes)-1]
	r.mu.Unlock()
	for i, p := range r.all() {
		testkit.Until(r.t, func() string { return fmt.Sprintf("replica %d has the change", i) }, func() bool {
			protocol, err := r.ask(r.client, p)
			if err != nil {
				r.t.Fatal(err)
			}
			return protocol == last.protocol
		})
		r.late = append(r.late, time.Since(last.done))
	}
}

// restart ends a replica in order and starts another in its place.
func (r *replicas) restart(i int) {
	r.t.Helper()
	old := r.all()[i]
	if said, err := old.stop(); err != nil || strings.Contains(said, "level=ERROR") {
		r.t.Errorf("it ended with %v\n%s", err, said)
	}
	fresh := serve(r.t, r.folder)
	r.mu.Lock()
	r.running[i] = fresh
	r.mu.Unlock()
}

// judge holds every answer against the changes: what was true a second before it was
// asked for, or became true since; and how soon every replica had each.
func (r *replicas) judge() {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	wrong, old := 0, 0
	for _, s := range r.answers {
		switch {
		case r.could(s, soon):
		case r.could(s, time.Minute):
			old++
		default:
			if wrong++; wrong <= 3 {
				r.t.Errorf("an answer at %s has %s", s.begun.Format("05.000"), s.protocol)
			}
		}
	}
	r.t.Logf("%d answers over %d changes, %d wrong, %d older than %s; %d connections were reset before a replica had them", len(r.answers), len(r.changes), wrong, old, soon, r.reset.Load())
	if 5*old > len(r.answers) {
		r.t.Errorf("of %d answers, %d are older than %s", len(r.answers), old, soon)
	}
	if restarts := int64(replicaChanges(r.t)/6 + 1); r.reset.Load() > 4*restarts { // as many as there are clients
		r.t.Errorf("%d connections were reset by %d restarts", r.reset.Load(), restarts)
	}
	if wrong > 0 || len(r.answers) == 0 {
		r.t.Errorf("%d wrong answers of %d", wrong, len(r.answers))
	}
	slices.Sort(r.late)
	if quarter := r.late[len(r.late)*3/4]; quarter > soon {
		r.t.Errorf("a quarter of the changes was served after %s only, the last after %s", quarter, r.late[len(r.late)-1])
	}
}

// could tells whether an answer has what was true at some time since so long before it
// was asked for.
func (r *replicas) could(s seen, old time.Duration) bool {
	allowed := map[string]bool{}
	for _, c := range r.changes { // in order
		if c.begun.After(s.done) {
			break
		}
		if c.done.Before(s.begun.Add(-old)) {
			clear(allowed)
		}
		allowed[c.protocol] = true
	}
	return allowed[s.protocol]
}

// Several services on one database are one service: what is changed by any of them
// or by a command is served by all within a second, and each can be restarted
// without anybody's noticing.
func TestReplicas(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(t *testing.T) *testkit.DatabaseServer{
		"postgresql": func(t *testing.T) *testkit.DatabaseServer { return testkit.StartPostgreSQL(t).DatabaseServer },
		"mariadb":    func(t *testing.T) *testkit.DatabaseServer { return testkit.StartMariaDB(t).DatabaseServer },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReplicas(t, start(t), 3)
			r.command("apply")
			r.command("account add " + moving + " --protocol pop3")
			now := time.Now()
			r.changes = []moved{{now, now, "pop3"}}
			r.token = r.command("token create panel --scopes accounts:read,accounts:write --domains '*' 2>/dev/null")
			for _, p := range r.all() {
				eventually(t, "http://"+p.public+"/mail/config-v1.1.xml?emailaddress="+moving, `type="pop3"`)
			}
			end := r.load()
			defer end()
			protocols := []string{"imap", "pop3"}
			for i := range replicaChanges(t) {
				by := i % 4
				if by == 3 {
					by = -1 // a command
				}
				r.change(protocols[i%2], by)
				r.served()
				if i%6 == 2 {
					r.restart(i % 3)
				}
			}
			if name == "postgresql" {
				testkit.Until(t, func() string { return "all replicas listen" }, func() bool {
					return strings.TrimSpace(r.server.Run(t, r.server.URL(""), `SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%';`)) == "3"
				})
				ended := strings.Count(r.server.Run(t, r.server.URL(""), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%';`), "t")
				if ended != 3 {
					t.Errorf("%d replicas listened", ended)
				}
				r.change("imap", -1)
				r.served()
				r.change("pop3", 0)
				r.served()
			}
			r.server.Kill(t)
			r.server.Start(t)
			r.change("imap", -1)
			r.served()
			end()
			r.judge()
			r.finishes()
		})
	}
}

// finishes has a replica that is told to end while a request waits for the database:
// what was begun is finished.
func (r *replicas) finishes() {
	r.t.Helper()
	p := r.all()[1]
	r.server.Freeze(r.t)
	c, err := net.Dial("tcp", p.public)
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(2 * time.Minute))
	body := `<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"><Request><EMailAddress>never.asked@example.com</EMailAddress>` +
		`<AcceptableResponseSchema>http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a</AcceptableResponseSchema></Request></Autodiscover>`
	fmt.Fprintf(c, "POST /autodiscover/autodiscover.xml HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", len(body))
	said := bufio.NewReader(c)
	if line, err := said.ReadString('\n'); err != nil || !strings.Contains(line, "100") {
		r.t.Fatalf("%q %v", line, err)
	}
	_, _ = said.ReadString('\n') // the handler reads, and asks the database next
	if _, err := io.WriteString(c, body); err != nil {
		r.t.Fatal(err)
	}
	stopped := make(chan error, 1)
	go func() { _, err := p.stop(); stopped <- err }()
	testkit.Until(r.t, func() string { return "it still takes connections" }, func() bool {
		_, err := r.client.Get("http://" + p.private + "/healthz")
		return errors.Is(err, syscall.ECONNREFUSED)
	})
	r.server.Thaw(r.t)
	answer, err := http.ReadResponse(said, nil)
	if err != nil {
		r.t.Fatalf("a request that was begun before the end: %v", err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK || !strings.Contains(string(text), "never.asked@example.com") {
		r.t.Errorf("a request that was begun before the end: %s %v %s", answer.Status, err, text)
	}
	if err := <-stopped; err != nil {
		r.t.Errorf("it ended with %v", err)
	}
}

// replicaChanges is how many changes are made under load.
func replicaChanges(t *testing.T) int { t.Helper(); return testkit.Size(t, "REPLICA_CHANGES", 12) }
