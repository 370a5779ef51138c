package main

import (
	"cmp"
	"crypto/md5" // as Evolution sends it
	"encoding/hex"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"autoconfig/internal/testkit"
)

// A difference is one if it is seen (the rank test's p, divided by the number of
// tests) and large enough to be of use (the share of pairs that it tells rightly).
const (
	significance = 0.001
	useful       = 0.02
	// judgedFrom is from how many pairs times are judged at all.
	judgedFrom = 1000
)

// few pairs are asked for where PAIRS isn't set: enough to compare answers.
const few = 20

// pairsAsked is how many pairs are asked for: PAIRS, which `make torture` sets. With
// few, only the answers are compared.
func pairsAsked(t *testing.T) int {
	t.Helper()
	n := testkit.Size(t, "PAIRS", few)
	if n == few {
		t.Log("a few pairs over SQLite, whose times nobody judges; make torture asks 10000 over everything")
	}
	return n
}

// pairedPerson is one of a pair: even numbers are known, odd ones aren't.
func pairedPerson(i int) string { return fmt.Sprintf("p%06d@example.com", i) }

var pairedFormats = map[string]func(address string) string{
	"autoconfig": func(a string) string { return "/mail/config-v1.1.xml?emailaddress=" + url.QueryEscape(a) },
	"pox":        func(a string) string { return "pox " + a },
	"pox by get": func(a string) string { return "/autodiscover/autodiscover.xml?email=" + url.QueryEscape(a) },
	"json": func(a string) string {
		return "/autodiscover/autodiscover.json?Protocol=AutodiscoverV1&Email=" + url.QueryEscape(a)
	},
	"profile": func(a string) string { return "/email.mobileconfig?email=" + url.QueryEscape(a) },
	"setup":   func(a string) string { return "setup " + a },
	"digest": func(a string) string {
		sum := md5.Sum([]byte(a))
		return "/mail/config-v1.1.xml?emailaddress=EVOLUTIONUSER%40example.com&emailmd5=" + hex.EncodeToString(sum[:])
	},
}

// pairedSite is a small site with the known ones in it.
func pairedSite(n int) string {
	var b strings.Builder
	b.WriteString(withoutAccounts() + "accounts:\n  - {address: somebody@example.com}\n")
	for i := range n {
		fmt.Fprintf(&b, "  - {address: %s, name: A Person}\n", pairedPerson(2*i))
	}
	return b.String()
}

// pairedTables are a source with the known ones in it.
func pairedTables(n int) string {
	var b strings.Builder
	b.WriteString(`CREATE TABLE virtual_domains (id INT PRIMARY KEY, name VARCHAR(50) NOT NULL UNIQUE);
CREATE TABLE virtual_users (id INT PRIMARY KEY, domain_id INT NOT NULL, email VARCHAR(100) NOT NULL UNIQUE);
CREATE TABLE virtual_aliases (id INT PRIMARY KEY, domain_id INT NOT NULL, source VARCHAR(100) NOT NULL, destination VARCHAR(100) NOT NULL);
INSERT INTO virtual_domains VALUES (1, 'example.com');
`)
	for i := range n {
		fmt.Fprintf(&b, "INSERT INTO virtual_users VALUES (%d, 1, '%s');\n", i, pairedPerson(2*i))
	}
	return b.String()
}

func pairedEntries(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "dn: uid=p%[1]d,dc=example,dc=com\nobjectClass: inetOrgPerson\nuid: p%[1]d\ncn: p%[1]d\nsn: x\nmail: %[2]s\n\n", i, pairedPerson(2*i))
	}
	return b.String()
}

// measurement is one comparison of known and unknown ones.
type measurement struct {
	what           string
	known, unknown []float64 // in microseconds
}

// rank is the Mann-Whitney test: the share of pairs in which the known one took
// longer, and how likely so large a difference from a half is by chance.
func (m measurement) rank() (auc, p float64) {
	type sample struct {
		took  float64
		known bool
	}
	var all []sample
	for _, v := range m.known {
		all = append(all, sample{v, true})
	}
	for _, v := range m.unknown {
		all = append(all, sample{v, false})
	}
	slices.SortFunc(all, func(a, b sample) int { return cmp.Compare(a.took, b.took) })
	sum, ties := 0.0, 0.0
	for i := 0; i < len(all); {
		j := i
		for j < len(all) && all[j].took == all[i].took {
			j++
		}
		for _, s := range all[i:j] {
			if s.known {
				sum += float64(i+j+1) / 2 // the middle of the ranks that they share
			}
		}
		ties += math.Pow(float64(j-i), 3) - float64(j-i)
		i = j
	}
	a, b, n := float64(len(m.known)), float64(len(m.unknown)), float64(len(all))
	u := sum - a*(a+1)/2
	deviation := math.Sqrt(a * b / 12 * (n + 1 - ties/(n*(n-1))))
	if deviation == 0 {
		return 0.5, 1
	}
	return u / (a * b), math.Erfc(math.Abs(u-a*b/2) / deviation / math.Sqrt2)
}

func middle(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// laps asks batches of pairs in random order.
type laps struct {
	*service
	t *testing.T
	// life is how long answers are good, 0 for until a change.
	life time.Duration
	all  map[string]*measurement
}

// lap asks for the addresses of a batch once, in random order, and notes the times.
func (l *laps) lap(what string, numbers []int, question func(string) string) {
	l.t.Helper()
	m := l.all[what]
	if m == nil {
		m = &measurement{what: what}
		l.all[what] = m
	}
	order := slices.Clone(numbers)
	rand.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	lengths := map[int]bool{}
	for _, i := range order {
		asked := question(pairedPerson(i))
		began := time.Now()
		status, body, _, err := l.ask(asked)
		took := float64(time.Since(began).Nanoseconds()) / 1000
		if err != nil || status != http.StatusOK {
			l.t.Fatalf("%s: %d %v", what, status, err)
		}
		lengths[len(body)] = true
		if i%2 == 0 {
			m.known = append(m.known, took)
		} else {
			m.unknown = append(m.unknown, took)
		}
	}
	if len(lengths) != 1 {
		l.t.Errorf("%s: answers of %d lengths", what, len(lengths))
	}
}

// others asks for addresses that nobody has.
func (l *laps) others(n int) {
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			for i := worker; i < n; i += 8 {
				_, _, _, _ = l.ask(fmt.Sprintf("/mail/config-v1.1.xml?emailaddress=other%d%%40example.com", i))
			}
		})
	}
	group.Wait()
}

// pairsInALap is how many are asked for before the answers are asked for again: with a
// source, whose first answers take 10 ms, all of it within the life of an answer.
const pairsInALap = 250

func (l *laps) run(n int) {
	l.t.Helper()
	first := 0
	for format, question := range pairedFormats {
		for begin := 0; begin < n; begin += pairsInALap {
			var numbers []int
			for i := 2 * begin; i < 2*min(begin+pairsInALap, n); i++ {
				numbers = append(numbers, i)
			}
			if l.life == 0 {
				first++
				l.command(fmt.Sprintf("account add new%d@example.com", first)) // a change: nothing that was kept is good
			}
			if n > few {
				time.Sleep(max(l.life, 1500*time.Millisecond))
			}
			l.lap(format+", first", numbers, question)
			l.lap(format+", again", numbers, question)
			if l.life > 0 {
				time.Sleep(l.life)
				l.lap(format+", after the life of an answer", numbers, question)
			}
		}
		if n >= judgedFrom {
			l.others(15_000)
			var some []int
			for i := range 2 * min(n, pairsInALap) {
				some = append(some, i)
			}
			l.lap(format+", after others", some, question)
		}
	}
}

// judge prints the table, and says what tells a known one from an unknown one.
func (l *laps) judge(n int) {
	l.t.Helper()
	var table strings.Builder
	fmt.Fprintf(&table, "%-44s %8s %10s %10s %7s %9s\n", "", "pairs", "known us", "unknown us", "AUC", "p")
	names := slices.Sorted(func(yield func(string) bool) {
		for name := range l.all {
			if !yield(name) {
				return
			}
		}
	})
	for _, name := range names {
		m := l.all[name]
		auc, p := m.rank()
		fmt.Fprintf(&table, "%-44s %8d %10.1f %10.1f %7.3f %9.2g\n", name, len(m.known), middle(m.known), middle(m.unknown), auc, p)
		if n >= judgedFrom && p < significance/float64(len(l.all)) && math.Abs(auc-0.5) > useful {
			l.t.Errorf("%s: time tells who is known: AUC %.3f, p %.2g", name, auc, p)
		}
	}
	l.t.Log("\n" + table.String())
}

// Pairs of an account with nothing of its own and an address of nobody are asked for
// in random order, in every format: their times are of one distribution, by the rank
// test of Mann and Whitney.
func TestPairsAreNotToldByTime(t *testing.T) {
	n := pairsAsked(t)
	if n == few {
		t.Parallel()
	}
	const life = 8 * time.Second
	source := fmt.Sprintf("sources:\n  - name: panel\n    fresh: %s\n    stale: 1h\n    digests_every: 1m\n", life)
	subject := func(t *testing.T, life time.Duration, settings, site, password string) {
		t.Helper()
		l := &laps{service: newService(t, settings, site, password), t: t, life: life, all: map[string]*measurement{}}
		l.warm(map[string]string{"warm@example.com": "imap"})
		if life > 0 {
			testkit.Until(t, func() string { return "the digests aren't read" }, func() bool { return l.metric(`autoconfig_source_digests{source="panel"}`) > 0 })
		}
		l.run(n)
		l.judge(n)
	}
	t.Run("sqlite", func(t *testing.T) { subject(t, 0, "", pairedSite(n), "no such word") })
	if n == few {
		return
	}
	t.Run("postgresql", func(t *testing.T) {
		address := servers["postgresql"](t).Create(t)
		subject(t, 0, fmt.Sprintf("database: %q\n", address), pairedSite(n), "no such word")
	})
	t.Run("sql source", func(t *testing.T) {
		server := servers["postgresql"](t)
		address := server.Create(t)
		server.Run(t, address, pairedTables(n))
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		password, _ := u.User.Password()
		subject(t, life, source+fmt.Sprintf("    sql: {database: %q, preset: virtual, domain: \"-\"}\n", address), withoutAccounts(), password)
	})
	t.Run("ldap", func(t *testing.T) {
		s := testkit.StartSlapd(t, testkit.SlapdOptions{LDIF: pairedEntries(n)})
		subject(t, life, source+strings.Replace(ldapSettings(t, s, s.TLSURL), ", quota: roomNumber, devices: employeeType, protocol: preferredLanguage, groups: departmentNumber", "", 1), withoutAccounts(), s.ReaderPassword)
	})
}
