package main

import (
	"cmp"
	"crypto/md5" // what Evolution sends
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// soak is a service under a load that it can bear for ever.
type soak struct {
	*service
	token string // of a panel that makes links
	eva   string // a password of somebody who signs in

	asked, dropped, links, signIns, changes, late atomic.Int64

	mu       sync.Mutex
	problems []string
	samples  []taken
}

// taken is what the service takes at a time.
type taken struct {
	at                          time.Duration
	memoryMB, files, goroutines float64
}

// soakTime is how long it lasts: SOAK, or some seconds. Only what lasts longer than a
// minute can tell that nothing grows.
func soakTime(t *testing.T) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(cmp.Or(os.Getenv("SOAK"), "4s"))
	if err != nil {
		t.Fatalf("SOAK: %v", err)
	}
	return d
}

// soakRate is how many requests a second are asked for: SOAK_RATE, or a modest number.
func soakRate(t *testing.T) int {
	t.Helper()
	n, err := strconv.Atoi(cmp.Or(os.Getenv("SOAK_RATE"), "200"))
	if err != nil || n < 100 {
		t.Fatal("SOAK_RATE is a number of requests a second, 100 at least")
	}
	return n
}

// Whatever is asked of it and changed meanwhile, a service takes no more memory,
// descriptors and goroutines than at first, and answers without an error. make torture
// takes 15 minutes of it.
func TestSoak(t *testing.T) {
	t.Parallel()
	s := &soak{service: newService(t, "", withPersons(), "no password")}
	rate, lasts := soakRate(t), soakTime(t)
	s.token = strings.TrimSpace(shell(t, s.folder, "autoconfig token create panel --scopes links:write --domains '*' 2>/dev/null"))
	s.eva = strings.TrimSpace(shell(t, s.folder, "autoconfig staff add eva --role staff --domains '*' 2>/dev/null"))
	stop := make(chan struct{})
	var group sync.WaitGroup
	each := func(often time.Duration, do func() error) {
		group.Go(func() {
			tick := time.NewTicker(often)
			defer tick.Stop()
			for {
				select {
				case <-stop:
					return
				case <-tick.C:
					if err := do(); err != nil {
						s.wrong(err)
					}
				}
			}
		})
	}
	tokens := make(chan struct{}, rate) // a second's worth: more than that is dropped, and told
	each(10*time.Millisecond, func() error {
		for range rate / 100 {
			select {
			case tokens <- struct{}{}:
			default:
				s.dropped.Add(1)
			}
		}
		return nil
	})
	for range 16 {
		group.Go(func() {
			for {
				select {
				case <-stop:
					return
				case <-tokens:
					if err := s.request(); err != nil {
						s.wrong(err)
					}
				}
			}
		})
	}
	each(max(lasts/200, time.Second), s.change)
	each(max(lasts/500, time.Second), s.link)
	each(max(lasts/300, time.Second), s.signIn)
	began := time.Now()
	often := time.NewTicker(max(lasts/180, 100*time.Millisecond))
	for time.Since(began) < lasts {
		<-often.C
		s.samples = append(s.samples, taken{
			time.Since(began), s.metric("process_resident_memory_bytes") / 1e6, s.metric("process_open_fds"), s.metric("go_goroutines"),
		})
	}
	often.Stop()
	close(stop)
	group.Wait()
	s.judge(lasts, time.Since(began))
}

func (s *soak) wrong(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.problems = append(s.problems, err.Error())
}

// request asks one question of any kind for somebody.
func (s *soak) request() error {
	address := fmt.Sprintf("person%d@example.com", rand.IntN(persons))
	if rand.IntN(10) == 0 {
		address = fmt.Sprintf("nobody%d@example.com", rand.IntN(1_000_000))
	}
	escaped := url.QueryEscape(address)
	questions := []string{
		"/mail/config-v1.1.xml?emailaddress=" + escaped, "/mail/config-v1.1.xml?emailaddress=" + escaped,
		fmt.Sprintf("/mail/config-v1.1.xml?emailaddress=EVOLUTIONUSER%%40example.com&emailmd5=%x", md5.Sum([]byte(address))), // see above
		"/v1.1/example.com", "pox " + address, "pox " + address, "/autodiscover/autodiscover.json/v1.0/" + escaped + "?Protocol=AutodiscoverV1",
		"/email.mobileconfig?emailaddress=" + escaped, "setup " + address, "/",
	}
	question := questions[rand.IntN(len(questions))]
	status, body, _, err := s.ask(question)
	if err != nil || status != http.StatusOK || body == "" {
		return fmt.Errorf("%s: %d %w %.200s", question, status, err, body)
	}
	s.asked.Add(1)
	return nil
}

// change gives somebody another protocol by a command.
func (s *soak) change() error {
	n := s.changes.Add(1)
	line := fmt.Sprintf("autoconfig account set person%d@example.com --protocol %s", rand.IntN(persons), []string{"imap", "pop3"}[n%2])
	seen := shell(s.t, s.folder, line+" || echo FAILED")
	switch {
	case strings.Contains(seen, "deadline exceeded"): // on a busy machine the command gives the database up
		s.late.Add(1)
	case strings.Contains(seen, "FAILED"):
		return fmt.Errorf("%s: %s", line, seen)
	}
	return nil
}

// link has a panel make a link, and somebody use it.
func (s *soak) link() error {
	r, err := http.NewRequest(http.MethodPost, "http://"+s.process.private+"/api/v1/links", strings.NewReader(`{"address": "office@example.com"}`))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+s.token)
	r.Header.Set("Content-Type", "application/json")
	status, body, err := s.send(s.client, r)
	var made struct{ URL string }
	if json.Unmarshal([]byte(body), &made) != nil || err != nil || status != http.StatusCreated {
		return fmt.Errorf("making a link: %d %w %s", status, err, body)
	}
	at, err := url.Parse(made.URL)
	if err != nil {
		return err
	}
	browser := &http.Client{Timeout: time.Minute, Transport: s.client.Transport}
	if browser.Jar, err = cookiejar.New(nil); err != nil {
		return err
	}
	for _, form := range []string{"", "do=settings"} {
		method := http.MethodGet
		if form != "" {
			method = http.MethodPost
		}
		r, err := http.NewRequest(method, "http://"+s.public+at.Path, strings.NewReader(form))
		if err != nil {
			return err
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if status, body, err := s.send(browser, r); err != nil || status != http.StatusOK {
			return fmt.Errorf("%s of a link: %d %w %.200s", method, status, err, body)
		}
	}
	s.links.Add(1)
	return nil
}

// signIn has eva sign in, look at a page and sign out again.
func (s *soak) signIn() error {
	browser := &http.Client{Timeout: time.Minute, Transport: s.client.Transport}
	var err error
	if browser.Jar, err = cookiejar.New(nil); err != nil {
		return err
	}
	for _, step := range []struct{ path, form string }{
		{"/helpdesk/sign-in", url.Values{"name": {"eva"}, "password": {s.eva}}.Encode()}, {"/helpdesk/sign-out", "x=y"},
	} {
		r, err := http.NewRequest(http.MethodPost, "http://"+s.process.private+step.path, strings.NewReader(step.form))
		if err != nil {
			return err
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if status, body, err := s.send(browser, r); err != nil || status != http.StatusOK {
			return fmt.Errorf("%s: %d %w %.200s", step.path, status, err, body)
		}
	}
	s.signIns.Add(1)
	return nil
}

func (s *soak) send(client *http.Client, r *http.Request) (status int, body string, err error) {
	answer, err := client.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = answer.Body.Close() }()
	raw, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(raw), err
}

// judge holds the last third against the middle one, and prints what the
// documentation shows.
func (s *soak) judge(lasts, took time.Duration) {
	s.t.Helper()
	for _, problem := range s.problems[:min(len(s.problems), 5)] {
		s.t.Error(problem)
	}
	if n := len(s.problems); n > 5 {
		s.t.Errorf("and %d more", n-5)
	}
	if n := s.late.Load(); 20*n > s.changes.Load()+20 {
		s.t.Errorf("of %d commands, %d were not done in time", s.changes.Load(), n)
	}
	if s.asked.Load() == 0 || s.links.Load() == 0 || s.signIns.Load() == 0 || s.changes.Load() == 0 {
		s.t.Error("something was never done")
	}
	third := len(s.samples) / 3
	parts := [][]taken{s.samples[:third], s.samples[third : 2*third], s.samples[2*third:]}
	table := "\n| | first third | middle third | last third | most |\n|---|---|---|---|---|\n"
	for _, line := range []struct {
		name  string
		of    func(taken) float64
		slack float64 // what comes and goes
	}{
		{"memory (MB)", func(s taken) float64 { return s.memoryMB }, 0},
		{"descriptors", func(s taken) float64 { return s.files }, 8},
		{"goroutines", func(s taken) float64 { return s.goroutines }, 16},
	} {
		first, middle, last := median(parts[0], line.of), median(parts[1], line.of), median(parts[2], line.of)
		table += fmt.Sprintf("| %s | %.0f | %.0f | %.0f | %.0f |\n", line.name, first, middle, last, most(s.samples, line.of))
		if lasts > time.Minute && last > middle*1.1+line.slack {
			s.t.Errorf("%s: %.0f in the middle third, %.0f in the last one", line.name, middle, last)
		}
	}
	s.t.Logf("%s\n%d answers in %s (%.0f a second, %d not asked for in time), %d changes by commands (%d not done in time), %d links made and used, %d sign-ins, %d errors",
		table, s.asked.Load(), took.Round(time.Second), float64(s.asked.Load())/took.Seconds(), s.dropped.Load(), s.changes.Load(), s.late.Load(), s.links.Load(), s.signIns.Load(), len(s.problems))
}

func median(of []taken, value func(taken) float64) float64 {
	all := make([]float64, len(of))
	for i, s := range of {
		all[i] = value(s)
	}
	slices.Sort(all)
	if len(all) == 0 {
		return 0
	}
	return all[len(all)/2]
}

func most(of []taken, value func(taken) float64) (m float64) {
	for _, s := range of {
		m = max(m, value(s))
	}
	return m
}
