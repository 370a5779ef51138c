package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"autoconfig/internal/database"
)

// promised is what a service that is killed has acknowledged, over all its lives.
type promised struct {
	mu       sync.Mutex
	token    string
	begun    int             // requests
	accounts map[string]bool // addresses that the API has added
	links    map[string]bool // identities of those that it has made
	used     map[string]bool // of those that were used
	last     string          // address of the page of one that was used,
	cookie   *http.Cookie    // and what lets its browser in
}

// A service that is killed while links are used and the API changes accounts has
// everything that it answered, each change with its entry in the audit log or neither.
func TestAKilledServiceHasWhatItAnswered(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"sqlite", "postgresql"} {
		if kind == "postgresql" && os.Getenv("KILLS") == "" {
			continue
		}
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			k := newKillable(t, kind)
			writeFile(t, k.folder, "site.yaml", killedSite(""))
			k.run("apply", 0)
			p := &promised{accounts: map[string]bool{}, links: map[string]bool{}, used: map[string]bool{}}
			p.token = lastLine(shell(t, k.folder, "autoconfig token create panel --scopes accounts:write,links:write --domains '*' 2>/dev/null"))
			var took time.Duration
			for i := range 1 + kills(t) {
				service := serve(t, k.folder)
				p.isLetIn(t, service)
				began, most := time.Now(), 0
				if i == 0 {
					most = 20
				}
				end := p.load(t, service, most)
				if i > 0 {
					timer := time.AfterFunc(k.within(took), func() { _ = syscall.Kill(service.pid, syscall.SIGKILL) })
					defer timer.Stop()
				}
				end()
				if i == 0 {
					took = time.Since(began)
					_ = syscall.Kill(service.pid, syscall.SIGKILL)
				}
				_, _ = service.stop() // it was killed
				service.stop = func() (string, error) { return "", nil }
				k.whole(func(db *database.DB) { p.kept(t, db) })
			}
			t.Logf("%d kills within %s: of %d requests, %d accounts, %d links and %d uses were acknowledged", kills(t), took, p.begun, len(p.accounts), len(p.links), len(p.used))
		})
	}
}

// load asks for changes until the service is killed, or so many times each. end waits
// for that.
func (p *promised) load(t *testing.T, service *process, most int) (end func()) {
	client := &http.Client{Timeout: time.Minute, Transport: &http.Transport{}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	var group sync.WaitGroup
	for _, once := range []func(*testing.T, *http.Client, *process) bool{p.putAccount, p.putAccount, p.useLink, p.useLink} {
		group.Go(func() {
			for i := 0; (most == 0 || i < most) && once(t, client, service); i++ {
			}
		})
	}
	return func() {
		group.Wait()
		client.CloseIdleConnections()
	}
}

// ask gives the answer to a request; ok is false where the service is gone.
func (p *promised) ask(t *testing.T, client *http.Client, method, url, body string) (answer *http.Response, text []byte, ok bool) {
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Error(err)
		return nil, nil, false
	}
	request.Header.Set("Authorization", "Bearer "+p.token)
	request.Header.Set("Content-Type", "application/json")
	if strings.HasPrefix(body, "do=") {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if answer, err = client.Do(request); err != nil {
		return nil, nil, false
	}
	defer func() { _ = answer.Body.Close() }()
	if text, err = io.ReadAll(answer.Body); err != nil {
		return nil, nil, false
	}
	if answer.StatusCode >= 400 {
		t.Errorf("%s %s: %s %s", method, url, answer.Status, text)
		return nil, nil, false
	}
	return answer, text, true
}

// number is one that no request had.
func (p *promised) number() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.begun++
	return p.begun
}

func (p *promised) putAccount(t *testing.T, client *http.Client, service *process) bool {
	address := fmt.Sprintf("person%d@example.com", p.number())
	_, _, ok := p.ask(t, client, http.MethodPut, "http://"+service.private+"/api/v1/accounts/"+address, `{"protocol": "pop3"}`)
	if ok {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.accounts[address] = true
	}
	return ok
}

// useLink makes a link and uses it.
func (p *promised) useLink(t *testing.T, client *http.Client, service *process) bool {
	order := fmt.Sprintf(`{"address": "linked%d@example.com"}`, p.number())
	_, text, ok := p.ask(t, client, http.MethodPost, "http://"+service.private+"/api/v1/links", order)
	if !ok {
		return false
	}
	var made struct{ ID, URL string }
	if err := json.Unmarshal(text, &made); err != nil || made.ID == "" {
		t.Errorf("%v: %s", err, text)
		return false
	}
	p.mu.Lock()
	p.links[made.ID] = true
	p.mu.Unlock()
	path := strings.TrimPrefix(made.URL, "https://setup.example.com")
	answer, _, ok := p.ask(t, client, http.MethodPost, "http://"+service.public+path, "do=profile")
	if !ok {
		return false
	}
	cookies := answer.Cookies()
	if answer.StatusCode != http.StatusSeeOther || len(cookies) != 1 {
		t.Errorf("a use: %s, %v", answer.Status, cookies)
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.used[made.ID], p.last, p.cookie = true, path, cookies[0]
	return true
}

// isLetIn holds that the browser which used a link before the kill has its profile.
func (p *promised) isLetIn(t *testing.T, service *process) {
	t.Helper()
	if p.cookie == nil {
		return
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+service.public+p.last+"/profile", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.AddCookie(p.cookie)
	answer, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Errorf("the browser of a link that was used: %s", answer.Status)
	}
}

// kept holds the database against what was acknowledged.
func (p *promised) kept(t *testing.T, db *database.DB) {
	t.Helper()
	accounts := column(t, db, `SELECT address FROM accounts WHERE address LIKE 'person%' ORDER BY address`)
	if entries := column(t, db, `SELECT subject FROM audit WHERE action = 'account added' ORDER BY subject`); !slices.Equal(accounts, entries) {
		t.Errorf("%d accounts, %d entries of them", len(accounts), len(entries))
	}
	for _, query := range []string{
		`SELECT a.address FROM accounts a LEFT JOIN addresses x ON x.account = a.id WHERE x.address IS NULL`,
		`SELECT a.address FROM accounts a LEFT JOIN digests x ON x.account = a.id WHERE x.digest IS NULL`,
	} {
		if seen := column(t, db, query); len(seen) > 0 {
			t.Errorf("half an account: %q", seen)
		}
	}
	made := column(t, db, `SELECT address FROM links ORDER BY address`)
	if entries := column(t, db, `SELECT subject FROM audit WHERE action = 'link made' ORDER BY subject`); !slices.Equal(made, entries) {
		t.Errorf("%d links, %d entries of them", len(made), len(entries))
	}
	lost(t, "accounts", p.accounts, accounts)
	lost(t, "links", p.links, column(t, db, `SELECT id FROM links`))
	lost(t, "uses of links", p.used, column(t, db, `SELECT id FROM links WHERE used = 1`))
	if seen := column(t, db, `SELECT id FROM links WHERE used > uses`); len(seen) > 0 {
		t.Errorf("used too often: %q", seen)
	}
}

// lost holds that what was acknowledged is there.
func lost(t *testing.T, what string, acknowledged map[string]bool, there []string) {
	t.Helper()
	left := maps.Clone(acknowledged)
	for _, name := range there {
		delete(left, name)
	}
	if len(left) > 0 {
		t.Errorf("of %d %s that were acknowledged, %d are lost: %q", len(acknowledged), what, len(left), slices.Sorted(maps.Keys(left)))
	}
}
