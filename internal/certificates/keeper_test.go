package certificates_test

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"autoconfig/internal/certificates"
	"autoconfig/internal/database"
	"autoconfig/internal/store"
	"autoconfig/internal/testkit"
	"autoconfig/internal/testkit/acme"
	"autoconfig/policy"
)

func TestMain(m *testing.M) {
	acme.Quick()
	os.Exit(testkit.Run(m))
}

// world is an ACME server, a name server that leads every name here, and listeners for
// its challenges, behind which keepers of the same database answer in turn.
type world struct {
	t     *testing.T
	store *store.Store
	acme  *acme.Server
	dns   *testkit.DNS
	tls   net.Listener

	mu      sync.Mutex
	served  map[string]bool
	leads   map[string]bool
	keepers []*certificates.Keeper
	turn    int
}

func newWorld(t *testing.T, change ...func(*acme.Options)) *world {
	t.Helper()
	db, err := store.Open(t.Context(), database.MustParse("sqlite::memory:"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	w := &world{t: t, store: db, served: map[string]bool{}, leads: map[string]bool{}}
	w.dns = testkit.StartDNS(t, "127.0.0.1:0")
	secure, plain := listen(t), listen(t)
	w.tls = secure
	w.serve(tls.NewListener(secure, &tls.Config{
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) { return w.next().Get(hello) },
		NextProtos:     []string{"http/1.1", certificates.ProtocolALPN},
	}))
	w.serve(plain)
	o := acme.Options{DNS: w.dns.Addr, HTTPPort: port(plain), TLSPort: port(secure)}
	for _, f := range change {
		f(&o)
	}
	w.acme = acme.Start(t, o)
	return w
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func port(l net.Listener) int { return l.Addr().(*net.TCPAddr).Port }

// serve answers challenges over plain http, and lets anybody shake hands.
func (w *world) serve(l net.Listener) {
	quiet := log.New(io.Discard, "", 0) // of handshakes that are refused
	server := &http.Server{ReadHeaderTimeout: time.Minute, ErrorLog: quiet, Handler: http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		host, _, _ := net.SplitHostPort(r.Host)
		if host == "" {
			host = r.Host
		}
		text, found := w.next().Answer(r.Context(), host, strings.TrimPrefix(r.URL.Path, certificates.ChallengePath))
		if !found {
			http.NotFound(out, r)
			return
		}
		_, _ = io.WriteString(out, text)
	})}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(l) }()
	w.t.Cleanup(func() { _ = server.Close(); <-done })
}

// next is one of the keepers, in turn: a load balancer that knows nothing.
func (w *world) next() *certificates.Keeper {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.turn++
	return w.keepers[w.turn%len(w.keepers)]
}

// host serves domains whose special names lead here.
func (w *world) host(domains ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	site := policy.Site{}
	var records []string
	server := policy.ServerList{{Host: "imap.example.com"}}
	for _, d := range domains {
		w.served[d] = true
		site.Domains = append(site.Domains, policy.Domain{Name: d, Offer: policy.Offer{Servers: policy.Servers{IMAP: server}}})
		for _, label := range labels {
			w.leads[label+d] = true
			records = append(records, label+d+". A 127.0.0.1")
		}
	}
	w.dns.Set(w.t, append(records, "setup.example.org. A 127.0.0.1")...)
	if err := w.store.Replace(w.t.Context(), site.Normalize()); err != nil {
		w.t.Fatal(err)
	}
}

var labels = []string{"autoconfig.", "autodiscover."}

func (w *world) options(change ...func(*certificates.Options)) certificates.Options {
	o := certificates.Options{
		Store: w.store, Secret: []byte("a secret of the test"), Labels: labels,
		Served: func(_ context.Context, name string) (string, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			for _, label := range labels {
				if d, found := strings.CutPrefix(name, label); found && w.served[d] {
					return d, nil
				}
			}
			return "", certificates.ErrNotServed
		},
		LeadsHere: func(_ context.Context, name string) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			if !w.leads[name] {
				return errors.New("the name leads to 192.0.2.1")
			}
			return nil
		},
		Directory: w.acme.Directory, Roots: w.acme.Roots, Agreed: true, Contact: "postmaster@example.com", PerHour: 1000,
		Holder: fmt.Sprint("replica ", len(w.keepers)),
	}
	for _, f := range change {
		f(&o)
	}
	return o
}

// keeper adds one that runs until the test ends.
func (w *world) keeper(change ...func(*certificates.Options)) *certificates.Keeper {
	w.t.Helper()
	k, err := certificates.New(w.options(change...))
	if err != nil {
		w.t.Fatal(err)
	}
	w.mu.Lock()
	w.keepers = append(w.keepers, k)
	w.mu.Unlock()
	ctx, stop := context.WithCancel(w.t.Context())
	done := make(chan error, 1)
	go func() { done <- k.Run(ctx) }()
	w.t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			w.t.Error(err)
		}
	})
	return k
}

// has waits until a name has a certificate, or a failure.
func (w *world) row(name string, until func(certificates.Certificate) bool) certificates.Certificate {
	w.t.Helper()
	var row certificates.Certificate
	testkit.Until(w.t, func() string { return fmt.Sprintf("%s: %+v", name, row) }, func() bool {
		var err error
		row, err = w.store.Certificate(w.t.Context(), name)
		return err == nil && until(row)
	})
	return row
}

func hasOne(c certificates.Certificate) bool { return c.HasOne() }

func failed(c certificates.Certificate) bool { return c.Failures > 0 }

// shake shakes hands as a client that trusts the authority.
func (w *world) shake(name string) error {
	dialer := &tls.Dialer{Config: &tls.Config{ServerName: name, RootCAs: w.acme.Issued}}
	conn, err := dialer.DialContext(w.t.Context(), "tcp", w.tls.Addr().String())
	if err == nil {
		_ = conn.Close()
	}
	return err
}

// A domain that is added has certificates before anybody asks, by each kind of
// challenge; clients trust them. A service that starts anew orders nothing.
func TestDomainsHaveTheirCertificatesAhead(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"tls-alpn-01", "http-01"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.host("one.example", "two.example")
			only := func(o *certificates.Options) {
				o.Challenges, o.Own = []string{kind}, []string{"setup.example.org"}
			}
			w.mu.Lock()
			w.leads["setup.example.org"] = true
			w.mu.Unlock()
			w.keeper(only)
			names := []string{"setup.example.org", "autoconfig.one.example", "autodiscover.one.example", "autoconfig.two.example", "autodiscover.two.example"}
			for _, name := range names {
				row := w.row(name, hasOne)
				if left := row.NotAfter.Sub(row.RenewAt); left <= 0 || row.RenewAt.Before(time.Now()) {
					t.Errorf("%s is renewed %v before its end", name, left)
				}
				if err := w.shake(name); err != nil {
					t.Errorf("%s: %v", name, err)
				}
				if strings.Contains(string(row.Key), "PRIVATE") || len(row.Key) == 0 {
					t.Errorf("the key of %s isn't sealed", name)
				}
			}
			if got := w.acme.Orders(); got != len(names) {
				t.Errorf("%d orders for %d names", got, len(names))
			}
			w.mu.Lock()
			w.keepers = nil
			w.mu.Unlock()
			w.keeper(only)
			for _, name := range names {
				if err := w.shake(name); err != nil {
					t.Errorf("after a restart: %s: %v", name, err)
				}
			}
			if got := w.acme.Orders(); got != len(names) {
				t.Errorf("a restart makes %d orders", got-len(names))
			}
		})
	}
}

// What isn't served, or leads elsewhere, makes no order, whatever name a stranger says.
func TestWhatMakesNoOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.host("one.example")
	w.mu.Lock()
	delete(w.leads, "autodiscover.one.example")
	w.mu.Unlock()
	w.keeper()
	for _, name := range []string{"autoconfig.other.example", "one.example", "www.one.example", "x.autoconfig.one.example", ""} {
		if err := w.shake(name); err == nil {
			t.Errorf("%q has a certificate", name)
		}
		if row, err := w.store.Certificate(t.Context(), name); !errors.Is(err, certificates.ErrNone) {
			t.Errorf("%q has a row: %+v %v", name, row, err)
		}
	}
	w.row("autoconfig.one.example", hasOne)
	row := w.row("autodiscover.one.example", failed)
	if row.Code != certificates.Elsewhere || !strings.Contains(row.Reason, "192.0.2.1") || row.DueAt.Before(time.Now()) {
		t.Errorf("%+v", row)
	}
	if err := w.shake("autodiscover.one.example"); err == nil {
		t.Error("a name that leads elsewhere has a certificate")
	}
	if got := w.acme.Orders(); got != 1 {
		t.Errorf("%d orders", got)
	}
}

// A client that asks for a name that nobody has ordered waits for it, and has it, from
// whichever replica; however many ask at however many replicas, there is one order.
func TestOneOrderForAllWhoAsk(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ask := func(o *certificates.Options) { o.Labels, o.Patience = nil, time.Minute }
	w.keeper(ask)
	w.keeper(ask)
	w.host("late.example")
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			if err := w.shake("autoconfig.late.example"); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if got := w.acme.Orders(); got != 1 {
		t.Errorf("%d orders", got)
	}
}

// While the ACME server is down, slow or refuses, what there is is served, the reason is
// told, and the next handshake doesn't wait. When it is there again, orders go on.
func TestAServerThatFails(t *testing.T) {
	t.Parallel()
	for name, broken := range map[string]http.HandlerFunc{
		"down":   func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"fails":  func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusInternalServerError) },
		"limits": problem(http.StatusTooManyRequests, "rateLimited", "too many certificates already issued"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.host("one.example")
			w.keeper()
			w.row("autoconfig.one.example", hasOne)
			w.row("autodiscover.one.example", hasOne)
			w.acme.Break(broken)
			w.host("one.example", "two.example")
			now := time.Now()
			if err := w.store.WantSpecialNames(t.Context(), now, labels); err != nil {
				t.Fatal(err)
			}
			if err := w.shake("autoconfig.one.example"); err != nil {
				t.Error(err)
			}
			row := w.row("autoconfig.two.example", failed)
			if row.Code != certificates.Server && row.Code != certificates.Limited || row.Reason == "" {
				t.Errorf("%+v", row)
			}
			if err := w.shake("autoconfig.two.example"); err == nil {
				t.Error("there is a certificate")
			}
			w.acme.Break(nil)
			w.keeper() // which doesn't hold up
			for _, name := range []string{"autoconfig.two.example", "autodiscover.two.example"} {
				if err := w.store.AskCertificate(t.Context(), time.Now(), certificates.Certificate{Name: name, Class: certificates.Ahead}, false); err != nil {
					t.Fatal(err)
				}
				w.row(name, hasOne)
			}
		})
	}
}

func problem(status int, kind, detail string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, `{"type": "urn:ietf:params:acme:error:%s", "detail": %q, "status": %d}`, kind, detail, status)
	}
}

// A certificate that is near its end is renewed, and every replica serves the new one.
// One that was revoked is replaced when a person asks.
func TestCertificatesAreRenewed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.host("one.example")
	w.keeper()
	w.keeper()
	const name = "autoconfig.one.example"
	first := w.row(name, hasOne)
	for range 4 { // each replica has it in memory
		if err := w.shake(name); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.store.AskCertificate(t.Context(), time.Now(), certificates.Certificate{Name: name, Class: certificates.Ahead}, true); err != nil {
		t.Fatal(err)
	}
	next := w.row(name, func(c certificates.Certificate) bool { return string(c.Chain) != string(first.Chain) })
	want, _ := pem.Decode(next.Chain)
	in := 0
	testkit.Until(t, func() string { return "the last certificate is still served" }, func() bool {
		in++
		dialer := &tls.Dialer{Config: &tls.Config{ServerName: name, RootCAs: w.acme.Issued}}
		conn, err := dialer.DialContext(t.Context(), "tcp", w.tls.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		if string(conn.(*tls.Conn).ConnectionState().PeerCertificates[0].Raw) != string(want.Bytes) {
			in = 0
		}
		return in == 4
	})
}

// With another secret_file, keys can't be read: that is said, and nothing of it is served.
func TestAnotherSecret(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.host("one.example")
	w.keeper()
	const name = "autoconfig.one.example"
	w.row(name, hasOne)
	w.row("autodiscover.one.example", hasOne)
	w.mu.Lock()
	w.keepers = nil
	w.mu.Unlock()
	w.keeper(func(o *certificates.Options) { o.Secret = []byte("another secret") })
	if err := w.shake(name); err == nil {
		t.Error("it is served")
	}
}

// What a replica has in memory is read again after a while, so that a name that isn't
// served any more has no certificate; while the database is down, it serves on.
func TestWhatIsInMemoryIsReadAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.host("one.example")
	var ahead atomic.Int64
	var down atomic.Bool
	w.keeper(func(o *certificates.Options) {
		o.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
		o.Store = &failing{Store: o.Store, down: &down}
	})
	const name = "autoconfig.one.example"
	w.row(name, hasOne)
	if err := w.shake(name); err != nil {
		t.Fatal(err)
	}
	down.Store(true)
	ahead.Store(int64(time.Hour))
	if err := w.shake(name); err != nil {
		t.Errorf("while the database is down: %v", err)
	}
	down.Store(false)
	w.mu.Lock()
	delete(w.served, "one.example")
	w.mu.Unlock()
	if err := w.shake(name); err == nil {
		t.Error("a name that isn't served any more has a certificate")
	}
}

// failing is a store that can be down.
type failing struct {
	certificates.Store
	down *atomic.Bool
}

func (f *failing) Certificate(ctx context.Context, name string) (certificates.Certificate, error) {
	if f.down.Load() {
		return certificates.Certificate{}, errors.New("no connection")
	}
	return f.Store.Certificate(ctx, name)
}
