package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"autoconfig/internal/database"
	"autoconfig/internal/directory"
	"autoconfig/internal/server/servertest"
	"autoconfig/internal/store"
	"autoconfig/internal/testkit"
	"autoconfig/internal/web"
	"autoconfig/policy"
	"autoconfig/settings"
)

// TestMain lets the test binary serve as the process whose memory is measured.
func TestMain(m *testing.M) {
	if text := os.Getenv("SCALE_LOAD"); text != "" {
		if err := bear(text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(testkit.Run(m, databases.Close))
}

// load is what is asked of a service over a file, by one process.
type load struct {
	File string
	// Domains and Accounts are how many of the file's are asked for.
	Domains, Accounts int
	Requests          int
	// Kind is even or zipf (s = 1.1) for addresses of accounts, unknown for addresses
	// that nobody has, and domain for the default of a domain.
	Kind string
}

// rounds of which the fastest counts: whatever else the machine does slows one down.
const rounds = 5

// borne is what came of it.
type borne struct {
	PerSecond float64   // in the fastest round
	Rounds    []float64 // requests per second in each
	// HeapMB is in use after a collection, RSSMB the memory of the process (10^6 bytes).
	HeapMB, RSSMB float64
}

// of is the ratio to what took turns with it: each round is held against the other's
// same round, since whatever else the machine does slows both down. The median
// counts; least and most tell how sure it is.
func (r borne) of(other borne) (median, least, most float64) {
	ratios := make([]float64, len(r.Rounds))
	for i := range ratios {
		ratios[i] = r.Rounds[i] / other.Rounds[i]
	}
	slices.Sort(ratios)
	return ratios[len(ratios)/2], ratios[0], ratios[len(ratios)-1]
}

// measure bears a load in a process of its own.
func measure(b *testing.B, l load) borne {
	b.Helper()
	text, err := json.Marshal(l)
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.CommandContext(b.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "SCALE_LOAD="+string(text))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	var result borne
	if err == nil {
		err = json.Unmarshal(out, &result)
	}
	if err != nil {
		b.Fatalf("%+v: %v", l, err)
	}
	return result
}

// bear is the process: it asks its own handler, without sockets, as fast as it can.
func bear(text string) error {
	var l load
	if err := json.Unmarshal([]byte(text), &l); err != nil {
		return err
	}
	db, err := store.Open(context.Background(), database.MustParse("sqlite:"+l.File), store.Options{})
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	quiet := slog.New(slog.DiscardHandler)
	s, err := servertest.New(servertest.Options{
		Directory: directory.New(directory.Options{Store: db, Logger: quiet}), Logger: quiet,
		PublicURL: &url.URL{Scheme: "https", Host: scaleHost},
		Rate:      web.Rate{PerSecond: 1e9, Burst: 1e9}, // asked, but never refusing
	})
	if err != nil {
		return err
	}
	handler := s.Public(false)
	// Until the cache is what it will be: everything once, then like later on.
	failed := l.ask(handler, l.walk, max(l.Accounts, l.Domains)) + l.ask(handler, l.draw, l.Requests/2)
	var result borne
	for range rounds {
		began := time.Now()
		failed += l.ask(handler, l.draw, l.Requests/rounds)
		result.PerSecond = max(result.PerSecond, float64(l.Requests/rounds)/time.Since(began).Seconds())
	}
	if failed > 0 {
		return fmt.Errorf("%+v: %d requests had no answer", l, failed)
	}
	var memory runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&memory)
	result.HeapMB = float64(memory.HeapInuse) / 1e6
	if result.RSSMB, err = rss(os.Getpid()); err != nil {
		return err
	}
	runtime.KeepAlive(s)
	return json.NewEncoder(os.Stdout).Encode(result)
}

// rss is the memory of a process, in MB.
func rss(pid int) (float64, error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/statm")
	if err != nil {
		return 0, err
	}
	pages, err := strconv.ParseFloat(strings.Fields(string(text))[1], 64)
	return pages * float64(os.Getpagesize()) / 1e6, err
}

// ask sends requests from as many clients at once as there are processors, and
// counts those without an answer.
func (l load) ask(handler http.Handler, order func(client, clients int) func() (query, host string), requests int) int64 {
	var failed atomic.Int64
	var group sync.WaitGroup
	clients := runtime.GOMAXPROCS(0)
	for client := range clients {
		group.Go(func() {
			next := order(client, clients)
			template := httptest.NewRequest(http.MethodGet, "http://"+scaleHost+"/mail/config-v1.1.xml", nil)
			for range requests / clients {
				r, u := *template, *template.URL
				r.URL = &u
				u.RawQuery, r.Host = next()
				answer := &sink{header: http.Header{}}
				if handler.ServeHTTP(answer, &r); answer.status != http.StatusOK {
					failed.Add(1)
				}
			}
		})
	}
	group.Wait()
	return failed.Load()
}

const scaleHost = "setup.example.com"

func query(address string) string { return "emailaddress=" + strings.Replace(address, "@", "%40", 1) }

// walk goes through all accounts (or domains), each client through its share.
func (l load) walk(client, clients int) func() (query, host string) {
	i := client - clients
	return func() (string, string) {
		i += clients
		if l.Kind == "domain" {
			return "", "autoconfig." + scaleDomain(i%l.Domains)
		}
		return query(scaleAddress(i%l.Accounts, l.Domains)), scaleHost
	}
}

// draw gives the queries and hosts of one client, other ones each time.
func (l load) draw(int, int) func() (query, host string) {
	r := rand.New(rand.NewPCG(rand.Uint64(), 1)) // a load, no secret
	zipf := rand.NewZipf(r, 1.1, 1, uint64(max(l.Accounts, 1)-1))
	switch l.Kind {
	case "zipf":
		// A prime step spreads the favourites over all domains.
		return func() (string, string) {
			return query(scaleAddress(int(zipf.Uint64()*7_919%uint64(l.Accounts)), l.Domains)), scaleHost // below Accounts
		}
	case "unknown":
		return func() (string, string) {
			return query("x" + strconv.FormatUint(r.Uint64(), 36) + "@" + scaleDomain(r.IntN(l.Domains))), scaleHost
		}
	case "domain":
		return func() (string, string) { return "", "autoconfig." + scaleDomain(r.IntN(l.Domains)) }
	}
	return func() (string, string) { return query(scaleAddress(r.IntN(l.Accounts), l.Domains)), scaleHost }
}

func scaleDomain(i int) string { return "d" + strconv.Itoa(i) + ".example" }

func scaleAddress(i, domains int) string { return "u" + strconv.Itoa(i) + "@" + scaleDomain(i%domains) }

// fill puts a site into an empty database as an import does.
func fill(ctx context.Context, db *store.Store, site policy.Site) error {
	return db.Bulk(ctx, func(b *store.Bulk) error {
		if err := b.PutSiteConfig(ctx, site); err != nil {
			return err
		}
		for part := range slices.Chunk(site.Accounts, 500) {
			if err := b.PutAccounts(ctx, part); err != nil {
				return err
			}
		}
		return nil
	})
}

// scaleFile writes a database with so many domains on one plan, and accounts.
func scaleFile(b *testing.B, file string, domains, accounts int) {
	b.Helper()
	site := scaleSite(domains, accounts)
	db, err := store.Open(b.Context(), database.MustParse("sqlite:"+file), store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	began := time.Now()
	if err := fill(b.Context(), db, site); err != nil {
		b.Fatal(err)
	}
	b.Logf("wrote %d domains and %d accounts in %s", domains, accounts, time.Since(began).Round(time.Millisecond))
	if err := db.Close(); err != nil {
		b.Fatal(err)
	}
}

// scaleSite is a site with many domains and accounts.
func scaleSite(domains, accounts int) policy.Site {
	one := func(host string) policy.ServerList { return policy.ServerList{{Host: host}} }
	site := policy.Site{
		Providers: []settings.Provider{{ID: "example", Name: "Example Mail", ShortName: "Example"}},
		Plans: []policy.Plan{{Name: "standard", Offer: policy.Offer{
			Provider: "example",
			Servers:  policy.Servers{IMAP: one("imap.example.com"), POP3: one("pop.example.com"), SMTP: one("smtp.example.com")},
			Services: settings.Services{CalDAV: "https://dav.example.com/", CardDAV: "https://dav.example.com/", Webmail: "https://mail.example.com/"},
			Policy: policy.Policy{Rules: []policy.Rule{
				{Name: "kiosk machines", Match: policy.Match{Group: "kiosk"}, Protocol: settings.POP3},
				{Name: "small mailbox on one device", Match: policy.Match{Devices: policy.OneDevice, QuotaBelow: 500e6}, Protocol: settings.POP3},
			}},
		}}},
		Domains:  make([]policy.Domain, domains),
		Accounts: make([]policy.Account, accounts),
	}
	for i := range site.Domains {
		site.Domains[i] = policy.Domain{Name: scaleDomain(i), Plan: "standard"}
	}
	for i := range site.Accounts {
		a := policy.Account{Address: settings.MustAddress(scaleAddress(i, domains)), Name: "Person " + strconv.Itoa(i), Devices: policy.SeveralDevices, Quota: 5e9}
		switch i % 10 {
		case 0:
			a.Groups = []string{"kiosk"}
		case 1:
			a.Devices, a.Quota = policy.OneDevice, 200e6
		case 2:
			a.Protocol = settings.POP3
		}
		site.Accounts[i] = a
	}
	return site.Normalize()
}
