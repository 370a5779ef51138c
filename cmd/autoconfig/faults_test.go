package main

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"autoconfig/internal/config"
	"autoconfig/internal/database"
	"autoconfig/internal/testkit"
)

// fault is what happens to a database or a source of a running service.
type fault struct {
	name       string
	begin, end func()
	// problem is what /readyz says of it; "" where the service goes on.
	problem string
}

// promptly is how long a program may wait for an answer that was given before. A busy
// machine is forgiven one in twenty.
const promptly = 1500 * time.Millisecond

// refusedSoon is how long most of those wait who must be refused.
const refusedSoon = 4 * time.Second

// service is a running one, with what it has answered before.
type service struct {
	*process
	t        *testing.T
	folder   string
	password string // which nothing may show
	client   *http.Client
	kept     map[string]string // the right answers, by question
	persons  atomic.Int64      // those that were asked for
}

// persons are accounts of example.com with POP3, where the default is IMAP: each is
// asked for once, so that no answer of it is kept.
const persons = 4000

// newService writes a configuration, applies the site and serves it.
func newService(t *testing.T, settings, site, password string) *service {
	t.Helper()
	s := &service{t: t, folder: t.TempDir(), password: password, kept: map[string]string{}, client: &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 200}}}
	t.Cleanup(s.client.CloseIdleConnections)
	for name, text := range map[string]string{
		"site.yaml":       site,
		"autoconfig.yaml": "public_url: https://setup.example.com\ncheck: {every: \"0\"}\nrate_limit: {per_second: 0}\n" + settings,
	} {
		if err := os.WriteFile(filepath.Join(s.folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s.command("apply")
	s.process = serve(t, s.folder)
	t.Cleanup(func() {
		said, _ := s.stop()
		for _, secret := range []string{s.password, "person1", "office", "workshop"} {
			if strings.Contains(said, secret) {
				t.Errorf("the log shows %q:\n%.3000s", secret, said)
			}
		}
	})
	return s
}

func (s *service) command(line string) {
	s.t.Helper()
	if seen := shell(s.t, s.folder, "autoconfig "+line+" || echo FAILED"); strings.Contains(seen, "FAILED") {
		s.t.Fatalf("%s\n%s", line, seen)
	}
}

// withPersons adds the persons to the demo site.
func withPersons() string {
	var b strings.Builder
	b.Write(config.Demo)
	for i := range persons {
		fmt.Fprintf(&b, "  - {address: person%d@example.com, protocol: pop3}\n", i)
	}
	return b.String()
}

// ask asks one question, which is a path or the address of a POX request.
func (s *service) ask(question string) (status int, body string, header http.Header, err error) {
	r, err := http.NewRequest(http.MethodGet, "http://"+s.public+question, nil)
	if address, found := strings.CutPrefix(question, "pox "); found {
		r, err = http.NewRequest(http.MethodPost, "http://"+s.public+"/autodiscover/autodiscover.xml", strings.NewReader(`<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"><Request><EMailAddress>`+
			address+`</EMailAddress><AcceptableResponseSchema>http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a</AcceptableResponseSchema></Request></Autodiscover>`))
	} else if address, found := strings.CutPrefix(question, "setup "); found {
		r, err = http.NewRequest(http.MethodPost, "http://"+s.public+"/", strings.NewReader("address="+url.QueryEscape(address)))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if err != nil {
		return 0, "", nil, err
	}
	answer, err := s.client.Do(r)
	if err != nil {
		return 0, "", nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	raw, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(raw), answer.Header, err
}

// warm asks for some addresses in every format, and keeps the answers.
func (s *service) warm(want map[string]string) {
	s.t.Helper()
	for address, protocol := range want {
		escaped := url.QueryEscape(address)
		for _, question := range []string{"/mail/config-v1.1.xml?emailaddress=" + escaped, "/email.mobileconfig?emailaddress=" + escaped, "pox " + address, "setup " + address} {
			status, body, _, err := s.ask(question)
			if err != nil || status != http.StatusOK || !regexp.MustCompile(`(?i)`+protocol).MatchString(body) {
				s.t.Fatalf("%s: %d %v\n%s", question, status, err, body)
			}
			s.kept[question] = body
		}
	}
}

// person asks for somebody who was never asked for. right tells whether the answer
// is the right one; else it must be that the service can't answer now.
func (s *service) person(form string) (right bool, problem string) {
	n := s.persons.Add(1)
	if n >= persons {
		return false, "there are no more persons"
	}
	question := fmt.Sprintf(form, fmt.Sprintf("person%d@example.com", n))
	began := time.Now()
	status, body, header, err := s.ask(question)
	switch took := time.Since(began); {
	case err != nil:
		return false, fmt.Sprintf("%s: %v after %s", question, err, took)
	case status == http.StatusOK && strings.Contains(strings.ToLower(body), "pop3") && !strings.Contains(strings.ToLower(body), `type="imap"`):
		return true, ""
	case status == http.StatusServiceUnavailable && header.Get("Retry-After") != "":
		return false, ""
	default:
		return false, fmt.Sprintf("%s: %d after %s\n%s", question, status, took, body)
	}
}

// load asks all the time until it is ended, and says what was wrong.
func (s *service) load() (end func()) {
	ctx, stop := context.WithCancel(s.t.Context())
	var group sync.WaitGroup
	var mu sync.Mutex
	var problems []string
	var slowest time.Duration
	asked, late := 0, 0
	wrong := func(problem string) { mu.Lock(); problems = append(problems, problem); mu.Unlock() }
	each := func(often time.Duration, do func()) {
		group.Go(func() {
			tick := time.NewTicker(often)
			defer tick.Stop()
			for {
				select {
				case <-ctx.Done():
					return
				case <-tick.C:
					do()
				}
			}
		})
	}
	for range 3 {
		each(10*time.Millisecond, func() {
			for question, want := range s.kept { // in any order
				began := time.Now()
				status, body, _, err := s.ask(question)
				took := time.Since(began)
				mu.Lock()
				asked++
				slowest = max(slowest, took)
				if took > promptly {
					late++
				}
				mu.Unlock()
				if err != nil || status != http.StatusOK || body != want {
					wrong(fmt.Sprintf("%s: %d %v after %s\n%.300s", question, status, err, took, body))
				}
				return
			}
		})
	}
	for _, form := range []string{"/mail/config-v1.1.xml?emailaddress=%s", "pox %s"} {
		each(50*time.Millisecond, func() {
			if s.persons.Load() > persons/2 { // the others are for those who wait
				return
			}
			if _, problem := s.person(form); problem != "" {
				wrong(problem)
			}
		})
	}
	return func() {
		s.t.Helper()
		stop()
		group.Wait()
		s.t.Logf("%d answers that were known, %d of them late, the slowest after %s", asked, late, slowest)
		if asked == 0 || 20*late > asked {
			s.t.Errorf("of %d answers that were known, %d took longer than %s", asked, late, promptly)
		}
		for _, problem := range problems[:min(len(problems), 5)] {
			s.t.Error(problem)
		}
		if len(problems) > 5 {
			s.t.Errorf("and %d more", len(problems)-5)
		}
	}
}

// private asks the private listener.
func (s *service) private(path string) (status int, body string) {
	s.t.Helper()
	r, err := s.client.Get("http://" + s.process.private + path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = r.Body.Close() }()
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return r.StatusCode, string(raw)
}

// metric is the value of a metric.
func (s *service) metric(name string) float64 {
	s.t.Helper()
	_, body := s.private("/metrics")
	found := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(name) + ` (\S+)$`).FindStringSubmatch(body)
	if found == nil {
		s.t.Fatalf("no metric %s:\n%.2000s", name, body)
	}
	value, err := strconv.ParseFloat(found[1], 64)
	if err != nil {
		s.t.Fatal(err)
	}
	return value
}

// ready waits until /readyz says what a pattern has. It is 200 all the time.
func (s *service) ready(pattern string) {
	s.t.Helper()
	var body string
	testkit.Until(s.t, func() string { return pattern + ", but " + body }, func() bool {
		var status int
		status, body = s.private("/readyz")
		if status != http.StatusOK {
			s.t.Fatalf("/readyz: %d %s", status, body)
		}
		if strings.Contains(body, s.password) {
			s.t.Fatalf("/readyz shows the password: %s", body)
		}
		return regexp.MustCompile(pattern).MatchString(body)
	})
}

// meet has the service meet a fault of a source, under load, and overcome it.
func (s *service) meet(source string, f fault) {
	s.t.Helper()
	began := time.Now()
	up := `autoconfig_source_up{source="` + source + `"}`
	end := s.load()
	f.begin()
	named := "the database"
	if source != "database" {
		named = "the source " + source
	}
	if f.problem != "" {
		s.ready(`"status":"degraded".*` + named + ` can't be asked since .*` + f.problem)
		testkit.Until(s.t, func() string { return up + " 0" }, func() bool { return s.metric(up) == 0 })
	}
	s.t.Logf("%s: known after %s", f.name, time.Since(began))
	if source == "database" && f.problem != "" {
		s.withoutDatabase()
	}
	// A crowd that was never asked for, in all formats.
	var crowd sync.WaitGroup
	var answered, refused atomic.Int64
	for i := range 90 {
		form := []string{"/mail/config-v1.1.xml?emailaddress=%s", "pox %s", "setup %s"}[i%3]
		crowd.Go(func() {
			right, problem := s.person(form)
			switch {
			case problem != "":
				s.t.Errorf("%s: %s", f.name, problem)
			case right:
				answered.Add(1)
			default:
				refused.Add(1)
			}
		})
	}
	goroutines, files := s.metric("go_goroutines"), s.metric("process_open_fds")
	crowd.Wait()
	if goroutines > 800 || files > 400 {
		s.t.Errorf("%s: %v goroutines, %v open files", f.name, goroutines, files)
	}
	if f.problem != "" && refused.Load() == 0 || f.problem == "" && answered.Load() == 0 {
		s.t.Errorf("%s: %d of a crowd were answered, %d refused", f.name, answered.Load(), refused.Load())
	}
	f.end()
	ended := time.Now()
	s.ready(`"status":"ready"`)
	testkit.Until(s.t, func() string { return up + " 1" }, func() bool { return s.metric(up) == 1 })
	testkit.Until(s.t, func() string { return "nobody new is answered" }, func() bool {
		right, problem := s.person("/mail/config-v1.1.xml?emailaddress=%s")
		return right && problem == ""
	})
	s.t.Logf("%s: over after %s", f.name, time.Since(ended))
	end()
}

// withoutDatabase asks for what can't be answered from before: it is refused soon,
// by what says that it is for now.
func (s *service) withoutDatabase() {
	s.t.Helper()
	var group sync.WaitGroup
	var mu sync.Mutex
	var all []time.Duration
	for _, at := range []string{"http://" + s.public + "/s/00000000000000000000000000", "http://" + s.process.private + "/api/v1/audit", "http://" + s.process.private + "/api/v1/accounts?domain=example.com", "http://" + s.process.private + "/helpdesk/"} {
		for range 10 { // more than the pool has connections
			group.Go(func() {
				r, err := http.NewRequest(http.MethodGet, at, nil)
				if err != nil {
					s.t.Error(err)
					return
				}
				r.Header.Set("Authorization", "Bearer autoconfig_guessed")
				r.Header.Set("Cookie", "helpdesk=guessed")
				began := time.Now()
				answer, err := s.client.Do(r)
				if err != nil {
					s.t.Errorf("%s: %v", at, err)
					return
				}
				_ = answer.Body.Close()
				took := time.Since(began)
				if answer.StatusCode != http.StatusServiceUnavailable {
					s.t.Errorf("%s: %s after %s", at, answer.Status, took)
				}
				mu.Lock()
				all = append(all, took)
				mu.Unlock()
			})
		}
	}
	group.Wait()
	slices.Sort(all)
	if len(all) > 0 && all[len(all)/2] > refusedSoon {
		s.t.Errorf("half of what can't be answered is refused after %s only", all[len(all)/2])
	}
}

// settled holds that nothing has piled up since the beginning.
func (s *service) settled(goroutines, files float64) {
	s.t.Helper()
	s.client.CloseIdleConnections()
	testkit.Until(s.t, func() string {
		return fmt.Sprintf("%v goroutines after %v, %v open files after %v", s.metric("go_goroutines"), goroutines, s.metric("process_open_fds"), files)
	}, func() bool {
		s.client.CloseIdleConnections()
		return s.metric("go_goroutines") < goroutines+40 && s.metric("process_open_fds") < files+40
	})
}

// fill takes all connections of a server, those of others too.
func fill(t *testing.T, address string) (release func()) {
	t.Helper()
	parsed, err := database.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	if parsed.Kind == database.PostgreSQL {
		query := parsed.URL.Query()
		query.Set("application_name", "taker")
		parsed.URL.RawQuery = query.Encode()
	}
	db, err := database.Open(parsed, database.Options{Connections: 1000})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	first, err := db.Pool().Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	mine, taken := []string{"0"}, []*sql.Conn{first}
	others := func() (all []string) {
		query := `SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND application_name <> 'taker'`
		if parsed.Kind == database.MySQL {
			query = `SELECT id FROM information_schema.processlist WHERE user = 'autoconfig' AND id <> CONNECTION_ID() AND id NOT IN (` + strings.Join(mine, ", ") + `)`
		}
		rows, err := first.QueryContext(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var id string
			if err := rows.Scan(&id); err != nil {
				t.Fatal(err)
			}
			all = append(all, id)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		return all
	}
	quiet := 0
	testkit.Until(t, func() string { return "others have connections" }, func() bool {
		full := false
		for !full {
			c, err := db.Pool().Conn(t.Context())
			if full = err != nil; full {
				break
			}
			taken = append(taken, c)
			if parsed.Kind == database.MySQL {
				var id string
				if err := c.QueryRowContext(t.Context(), `SELECT CONNECTION_ID()`).Scan(&id); err != nil {
					t.Fatal(err)
				}
				mine = append(mine, id)
			}
		}
		left := others()
		for _, id := range left {
			end := "SELECT pg_terminate_backend(" + id + ")"
			if parsed.Kind == database.MySQL {
				end = "KILL " + id
			}
			_, _ = first.ExecContext(t.Context(), end) // it may be gone
		}
		if quiet++; len(left) > 0 {
			quiet = 0
		}
		return quiet == 6 // one that is signing in isn't listed yet
	})
	return func() {
		_ = db.Close() // so that they are ended, not kept
		for _, c := range taken {
			_ = c.Close()
		}
	}
}

// through is a URL that goes by way of a proxy.
func through(t *testing.T, address string, p *testkit.Proxy) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	u.Host = p.Addr
	return u.String()
}

// faultsOf are those of a database server, met directly and by way of a proxy.
func faultsOf(t *testing.T, s *testkit.DatabaseServer, address string, p *testkit.Proxy) []fault {
	release := func() {}
	return []fault{
		{"stopped", func() { s.Stop(t) }, func() { s.Start(t) }, `.+`},
		{"frozen", func() { s.Freeze(t) }, func() { s.Thaw(t) }, `deadline exceeded|timeout`},
		{"killed", func() { s.Kill(t) }, func() { s.Start(t) }, `.+`},
		{"full", func() { release = fill(t, address) }, func() { release() }, `(?i)too many`},
		{"slow", func() { p.Delay(100 * time.Millisecond) }, p.Mend, ""},
	}
}

// servers are the two kinds of database servers, with few connections.
var servers = map[string]func(t *testing.T) *testkit.DatabaseServer{
	"postgresql": func(t *testing.T) *testkit.DatabaseServer {
		return testkit.StartPostgreSQL(t, "max_connections=24").DatabaseServer
	},
	"mariadb": func(t *testing.T) *testkit.DatabaseServer {
		return testkit.StartMariaDB(t, "max_connections=24").DatabaseServer
	},
}

var asked = map[string]string{"office@example.com": "imap", "workshop@example.com": "pop", "kiosk@example.com": "pop", "nobody@example.com": "imap"}

// Whatever happens to our own database, what was asked for before is answered as
// before, nothing wrong is said, and all is well when it is over.
func TestFaultsOfOurOwnDatabase(t *testing.T) {
	t.Parallel()
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := start(t)
			proxy := testkit.StartProxy(t, server.Addr)
			address := server.Create(t)
			u, _ := url.Parse(address)
			password, _ := u.User.Password()
			s := newService(t, fmt.Sprintf("database: %q\n", through(t, address, proxy)), withPersons(), password)
			s.warm(asked)
			s.ready(`"status":"ready"`)
			goroutines, files := s.metric("go_goroutines"), s.metric("process_open_fds")
			for _, f := range faultsOf(t, server, address, proxy) {
				s.meet("database", f)
			}
			if n := proxy.Open(); n > 40 {
				t.Errorf("%d connections", n)
			}
			s.command("account set office@example.com --protocol pop3")
			eventually(t, "http://"+s.public+"/mail/config-v1.1.xml?emailaddress=office%40example.com", `type="pop3"`)
			s.settled(goroutines, files)
		})
	}
}
