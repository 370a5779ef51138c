package main

import (
	"bufio"
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// bench is one run.
type bench struct {
	folder, binary, certificates string
	cases                        *regexp.Regexp
	whole                        bool // all cases
	rounds                       int
	each                         time.Duration
	stores                       []int
	peers                        []*server
	services                     map[string]*server
	started                      []*server
	filled                       map[int]string // stores by their accounts
	results                      []result
	facts                        facts
}

// facts are what isn't a ratio.
type facts struct {
	start    time.Duration // from the start of the demo to its first answer
	memoryMB float64       // of the plain service, after all load
	p99      time.Duration // at half of the highest rate
	halfRate float64
	busiest  float64
	handshakes
}

// result is a case with its samples, by server and round; the first server is ours.
type result struct {
	of      benchCase
	servers []string
	rounds  [][]sample
}

func newBench() (b *bench, err error) {
	b = &bench{services: map[string]*server{}, filled: map[int]string{}, rounds: 5, each: time.Second, stores: []int{1000, usualAccounts}}
	b.whole = os.Getenv("CASES") == ""
	if b.cases, err = regexp.Compile("(?i)" + os.Getenv("CASES")); err != nil {
		return nil, err
	}
	if n, err := strconv.Atoi(os.Getenv("ROUNDS")); err == nil && n > 0 {
		b.rounds = n
	}
	if s, err := strconv.ParseFloat(os.Getenv("SECONDS"), 64); err == nil && s > 0 {
		b.each = time.Duration(s * float64(time.Second))
	}
	if fields := strings.Fields(os.Getenv("STORES")); len(fields) > 0 {
		b.stores = nil
		for _, field := range fields {
			n, err := strconv.Atoi(field)
			if err != nil || n < domains {
				return nil, fmt.Errorf("STORES: %q is not a number of at least %d", field, domains)
			}
			b.stores = append(b.stores, n)
		}
	}
	for _, peer := range strings.Fields(os.Getenv("PEERS")) {
		parts := strings.Split(peer, "=")
		if len(parts) != 3 {
			return nil, errors.New("PEERS are NAME=ADDRESS=PID")
		}
		pid, err := strconv.Atoi(parts[2])
		if err != nil {
			return nil, err
		}
		b.peers = append(b.peers, &server{name: parts[0], address: parts[1], pid: pid})
	}
	if b.folder, err = os.MkdirTemp("", "autoconfig-bench-"); err != nil {
		return nil, err
	}
	return b, b.prepare()
}

func (b *bench) close() {
	for _, s := range b.started {
		s.end()
	}
	_ = os.RemoveAll(b.folder)
}

func (b *bench) prepare() error {
	b.binary, b.certificates = filepath.Join(b.folder, "autoconfig"), filepath.Join(b.folder, "certificates")
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", b.binary, "./cmd/autoconfig")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	if err := os.Mkdir(b.certificates, 0o700); err != nil {
		return err
	}
	return makeCertificates(b.certificates)
}

func (b *bench) run() error {
	if b.whole {
		start, err := b.coldStart()
		if err != nil {
			return err
		}
		b.facts.start = start
	}
	for _, c := range allCases(b.stores) {
		if !b.cases.MatchString(c.name) {
			continue
		}
		if err := b.runCase(c); err != nil {
			return err
		}
	}
	if b.cases.MatchString(handshakesName) {
		var err error
		if b.facts.handshakes, err = measureHandshakes(b.rounds); err != nil {
			return err
		}
	}
	if len(b.results) == 0 && len(b.facts.warm) == 0 {
		return errors.New("no case has such a name")
	}
	if s := b.services[serviceKey(plainService, usualAccounts)]; s != nil {
		var err error
		if b.facts.memoryMB, err = s.memoryMB(); err != nil {
			return err
		}
	}
	return b.report()
}

func serviceKey(kind string, accounts int) string { return kind + " " + strconv.Itoa(accounts) }

// service is ours, of a kind, over a store; it is started once.
func (b *bench) service(kind string, accounts int) (*server, error) {
	key := serviceKey(kind, accounts)
	if s := b.services[key]; s != nil {
		return s, nil
	}
	store, err := b.store(accounts)
	if err != nil {
		return nil, err
	}
	listen, err := freeAddress()
	if err != nil {
		return nil, err
	}
	admin, err := freeAddress()
	if err != nil {
		return nil, err
	}
	more, folder := "", filepath.Join(b.folder, strings.ReplaceAll(key, " ", "-"))
	switch kind {
	case signedService:
		more = fmt.Sprintf("signing: {certificate: %q, key: %q}\n", filepath.Join(b.certificates, certificateName(0)), filepath.Join(b.certificates, keyName(0)))
	case tlsService:
		more, folder = tlsKeys(), b.certificates
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	if err := writeFile(folder, "autoconfig.yaml", configuration(listen, admin, store, more)); err != nil {
		return nil, err
	}
	s, err := startServer("autoconfig", listen, kind == tlsService, folder, b.binary, "serve")
	if err != nil {
		return nil, err
	}
	b.services[key] = s
	b.started = append(b.started, s)
	return s, b.settle(s)
}

// settle waits until the first PACC documents are made, which happens once in a store's
// life.
func (b *bench) settle(s *server) error {
	for range 60 {
		before, err := s.processorTime()
		if err != nil {
			return err
		}
		time.Sleep(500 * time.Millisecond)
		after, err := s.processorTime()
		if err != nil || after-before < 30*time.Millisecond {
			return err
		}
	}
	return errors.New("the service is busy without a request")
}

// store is an SQLite file with so many accounts.
func (b *bench) store(accounts int) (string, error) {
	if file := b.filled[accounts]; file != "" {
		return file, nil
	}
	folder := filepath.Join(b.folder, "store-"+strconv.Itoa(accounts))
	if err := os.Mkdir(folder, 0o700); err != nil {
		return "", err
	}
	fmt.Fprintf(os.Stderr, "filling a store with %d accounts\n", accounts)
	b.filled[accounts] = filepath.Join(folder, "store.db")
	return b.filled[accounts], makeStore(b.binary, folder, accounts)
}

func (b *bench) runCase(c benchCase) error {
	accounts := cmp.Or(c.accounts, usualAccounts)
	ours, err := b.service(c.service, accounts)
	if err != nil {
		return err
	}
	servers := []*server{ours}
	if c.accounts > 0 {
		few, err := b.service(c.service, b.stores[0])
		if err != nil {
			return err
		}
		servers = append(servers, few)
	} else if servers, err = b.withFloors(ours, &c); err != nil {
		return err
	}
	cases := make([]*benchCase, len(servers)) // what each is asked
	for i := range servers {
		cases[i] = &c
		if c.accounts > 0 && i > 0 {
			hits := c
			hits.request = each(drawn(b.stores[0]), autoconfigOf)
			cases[i] = &hits
		}
	}
	r := result{of: c, rounds: make([][]sample, len(servers))}
	for i, s := range servers {
		r.servers = append(r.servers, s.name)
		if c.accounts > 0 && i > 0 {
			r.servers[i] = fmt.Sprintf("%d accounts", b.stores[0])
		}
		if _, err := ask(s, cases[i], b.each, 0); err != nil { // to get warm
			return err
		}
	}
	for range b.rounds {
		b.facts.busiest = max(b.facts.busiest, waitForQuiet())
		for i, s := range servers {
			one, err := ask(s, cases[i], b.each, 0)
			if err != nil {
				return err
			}
			r.rounds[i] = append(r.rounds[i], one)
		}
	}
	b.results = append(b.results, r)
	fmt.Fprintln(os.Stderr, r.line())
	if c.name == firstCase {
		err = b.latency(ours, &c, r.median(0, func(s sample) float64 { return s.perSecond }))
	}
	for _, s := range servers[1:] {
		if c.accounts == 0 && s.end != nil {
			s.end()
		}
	}
	return err
}

// latency is measured at half of the highest rate.
func (b *bench) latency(s *server, c *benchCase, most float64) error {
	pause := time.Duration(float64(clients) / (most / 2) * float64(time.Second))
	one, err := ask(s, c, 3*b.each, pause)
	b.facts.p99, b.facts.halfRate = one.p99, one.perSecond
	return err
}

// withFloors starts what our service is held against, with the bytes that it answers.
func (b *bench) withFloors(ours *server, c *benchCase) ([]*server, error) {
	servers := []*server{ours}
	ready, mediaType, err := fetch(ours, c.sample)
	if err != nil {
		return nil, err
	}
	if c.service == signedService { // what is signed is what the unsigned one sends
		plain, err := b.service(plainService, usualAccounts)
		if err != nil {
			return nil, err
		}
		if ready, mediaType, err = fetch(plain, c.sample); err != nil {
			return nil, err
		}
	}
	if err := os.WriteFile(filepath.Join(b.folder, "ready"), ready, 0o644); err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	for _, floor := range c.floors {
		address, err := freeAddress()
		if err != nil {
			return nil, err
		}
		command := []string{self, "floor", floor, address, filepath.Join(b.folder, "ready"), mediaType, b.certificates, c.status}
		if floor == nginx {
			if command = b.nginx(address, mediaType); command == nil {
				continue
			}
		}
		s, err := startServer(floor, address, floor == floorTLS, b.folder, command...)
		if err != nil {
			return nil, err
		}
		servers = append(servers, s)
		b.started = append(b.started, s)
	}
	if c.name == firstCase {
		servers = append(servers, b.peers...)
	}
	return servers, nil
}

// nginx is a command that serves the bytes from a file, nil where nginx isn't installed.
func (b *bench) nginx(address, mediaType string) []string {
	binary, err := exec.LookPath("nginx")
	if err != nil {
		if _, err := os.Stat("/usr/sbin/nginx"); err != nil {
			fmt.Fprintln(os.Stderr, "nginx isn't installed (Debian: nginx-light): left out")
			return nil
		}
		binary = "/usr/sbin/nginx"
	}
	text := "daemon off;\nmaster_process off;\nerror_log stderr error;\npid " + b.folder + "/nginx.pid;\nevents {}\nhttp {\naccess_log off;\nkeepalive_requests 100000000;\n" +
		"open_file_cache max=10;\nserver {\nlisten " + address + ";\nroot " + b.folder + ";\nlocation / {\ndefault_type \"" + mediaType + "\";\ntry_files /ready =404;\n}\n}\n}\n"
	if err := writeFile(b.folder, "nginx.conf", text); err != nil {
		return nil
	}
	return []string{binary, "-c", filepath.Join(b.folder, "nginx.conf"), "-p", b.folder}
}

// fetch is the body of one answer, and its media type.
func fetch(s *server, request string) (body []byte, mediaType string, err error) {
	var conn net.Conn
	if conn, err = net.Dial("tcp", s.address); err != nil {
		return nil, "", err
	}
	defer func() { _ = conn.Close() }()
	if s.tls {
		conn = tls.Client(conn, &tls.Config{ServerName: "autoconfig." + domainName(0), InsecureSkipVerify: true})
	}
	if _, err := io.WriteString(conn, request); err != nil {
		return nil, "", err
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = answer.Body.Close() }()
	body, err = io.ReadAll(answer.Body)
	return body, answer.Header.Get("Content-Type"), err
}

// coldStart is the median of some starts of the demo.
func (b *bench) coldStart() (time.Duration, error) {
	var all []time.Duration
	for range 5 {
		listen, err := freeAddress()
		if err != nil {
			return 0, err
		}
		admin, err := freeAddress()
		if err != nil {
			return 0, err
		}
		began := time.Now()
		s, err := startServer("demo", listen, false, b.folder, b.binary, "serve", "--demo", "--listen", listen, "--admin-listen", admin)
		if err != nil {
			return 0, err
		}
		_, _, err = fetch(s, get("autoconfig.example.com", configPath+"office%40example.com"))
		all = append(all, time.Since(began))
		s.end()
		if err != nil {
			return 0, err
		}
	}
	slices.Sort(all)
	return all[len(all)/2], nil
}
