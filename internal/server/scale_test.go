package server_test

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

var updateCurve = flag.Bool("update-curve", false, "write docs/scale.md and docs/scale.svg with what BenchmarkScale measures")

// What must hold at full size; below it, numbers are only shown.
const (
	fullAccounts = 1_000_000
	fullDomains  = 100_000
	floorEven    = 0.5 // of the requests per second with 1,000 accounts
	floorZipf    = 0.8
	floorDomains = 0.5             // of the requests per second with 100 domains: caches of the processor count
	mostMB       = 150             // of the binary's memory
	mostStart    = 2 * time.Second // until the first answer
)

// scale is all that was measured.
type scale struct {
	accounts, domains int
	byAccounts        []scalePoint // even, then zipf, by rising number of accounts
	byDomains         []scalePoint
	unknown           borne
	started           started
}

type scalePoint struct {
	n          int
	even, zipf borne
}

// fromEnv is a size from the environment.
func fromEnv(b *testing.B, name string, otherwise int) int {
	b.Helper()
	n, err := strconv.Atoi(cmp.Or(os.Getenv(name), strconv.Itoa(otherwise)))
	if err != nil || n < 1000 {
		b.Fatalf("%s must be a number of at least 1000", name)
	}
	return n
}

// BenchmarkScale holds a service with many domains and accounts against one with
// few. SCALE_ACCOUNTS=1000000 SCALE_DOMAINS=100000 is the full size, at which it
// fails below what is promised.
func BenchmarkScale(b *testing.B) {
	s := scale{accounts: fromEnv(b, "SCALE_ACCOUNTS", 20_000), domains: fromEnv(b, "SCALE_DOMAINS", 2_000)}
	file := filepath.Join(b.TempDir(), "scale.db")
	scaleFile(b, file, s.domains, s.accounts)
	full := s.accounts >= fullAccounts && s.domains >= fullDomains
	measured := false
	for b.Loop() { // one round is enough, and takes its time
		if measured {
			continue
		}
		measured = true
		binary := start(b, file, s.domains)
		s.measureAccounts(b, binary)
		s.started = binary.mixed(b, s.domains, s.accounts)
		s.measureDomains(b)
	}
	s.report(b, full)
	if *updateCurve {
		s.write(b)
	}
}

// steps are 1,000, 10,000 and so on up to most.
func steps(first, most int) []int {
	var all []int
	for n := first; n < most; n *= 10 {
		all = append(all, n)
	}
	return append(all, most)
}

func (s *scale) measureAccounts(b *testing.B, binary *running) {
	b.Helper()
	of := func(n int, kind string) load {
		return load{Domains: min(n, s.domains), Accounts: n, Requests: min(100_000, 10*s.accounts), Kind: kind}
	}
	all := steps(1000, s.accounts)
	for _, n := range all[:len(all)-1] {
		r := binary.bear(b, of(n, "even"), of(n, "zipf"))
		s.byAccounts = append(s.byAccounts, scalePoint{n: n, even: r[0], zipf: r[1]})
	}
	// What is promised compares these, which therefore take turns.
	r := binary.bear(b, of(1000, "even"), of(s.accounts, "even"), of(s.accounts, "zipf"))
	s.byAccounts[0].even = r[0]
	s.byAccounts = append(s.byAccounts, scalePoint{n: s.accounts, even: r[1], zipf: r[2]})
	s.unknown = binary.bear(b, load{Domains: s.domains, Accounts: s.accounts, Requests: 50_000, Kind: "unknown"})[0]
}

// measureDomains takes a file for each number of domains, and asks for the default
// of each, which depends on nothing else.
func (s *scale) measureDomains(b *testing.B) {
	b.Helper()
	for _, n := range steps(100, s.domains) {
		file := filepath.Join(b.TempDir(), fmt.Sprintf("domains%d.db", n))
		scaleFile(b, file, n, 0)
		result := measure(b, load{File: file, Domains: n, Requests: max(4*n, 200_000), Kind: "domain"})
		s.byDomains = append(s.byDomains, scalePoint{n: n, even: result})
	}
}

// report shows the ratios, and at full size fails below their floors.
func (s *scale) report(b *testing.B, full bool) {
	b.Helper()
	first, last := s.byAccounts[0], s.byAccounts[len(s.byAccounts)-1]
	few, many := s.byDomains[0], s.byDomains[len(s.byDomains)-1]
	even, _, _ := last.even.of(first.even)
	zipf, _, _ := last.zipf.of(first.even)
	// Both ways to look at it must hold: the fastest rounds alone, and in pairs.
	even = min(even, last.even.PerSecond/first.even.PerSecond)
	zipf = min(zipf, last.zipf.PerSecond/first.even.PerSecond)
	for _, ratio := range []struct {
		name         string
		value, floor float64
	}{
		{"x-of-1000-even", even, floorEven},
		{"x-of-1000-zipf", zipf, floorZipf},
		{"x-of-100-domains", many.even.PerSecond / few.even.PerSecond, floorDomains},
	} {
		b.ReportMetric(ratio.value, ratio.name)
		if full && ratio.value < ratio.floor {
			b.Errorf("%s is %.2f, must be at least %.1f", ratio.name, ratio.value, ratio.floor)
		}
	}
	b.ReportMetric(first.even.PerSecond, "req/s-1000")
	b.ReportMetric(s.unknown.PerSecond, "req/s-unknown")
	b.ReportMetric(last.even.HeapMB, "MB-heap")
	b.ReportMetric(s.started.rssMB, "MB-binary")
	b.ReportMetric(s.started.first.Seconds(), "s-to-first-answer")
	b.ReportMetric(0, "ns/op") // means nothing here
	if full && s.started.rssMB >= mostMB {
		b.Errorf("the binary has %.0f MB, must be below %d", s.started.rssMB, mostMB)
	}
	if full && s.started.first >= mostStart {
		b.Errorf("the first answer came after %s, must be within %s", s.started.first, mostStart)
	}
}
