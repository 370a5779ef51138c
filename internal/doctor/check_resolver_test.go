package doctor

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"autoconfig/internal/doctor/probe"
	"autoconfig/internal/testkit"
)

// limited is a name server that knows what another does, and can't do all.
type limited struct {
	edns     int  // what it answers to EDNS; -1 is nothing
	always   int  // what it answers to everything, if not 0; -1 is nothing
	noTCP    bool // TCP is closed
	small    bool // only 200 bytes fit into a packet without EDNS
	tiny     bool // whatever is asked, an answer is cut
	hangs    bool // TCP takes the question and says nothing
	silent   uint16
	referral bool

	mu   sync.Mutex
	asks []bool // with EDNS
}

// asked is how often it was asked, and how often with EDNS.
func (l *limited) asked() (all, edns int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, with := range l.asks {
		if with {
			edns++
		}
	}
	return len(l.asks), edns
}

func (l *limited) start(t *testing.T, right string) string {
	t.Helper()
	handler := dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		edns := q.IsEdns0()
		l.mu.Lock()
		l.asks = append(l.asks, edns != nil)
		l.mu.Unlock()
		_, packet := w.RemoteAddr().(*net.UDPAddr)
		m := reply(q)
		switch {
		case l.always < 0, edns != nil && l.edns < 0, q.Question[0].Qtype == l.silent, l.hangs && !packet:
			return
		case l.always > 0:
			m.Rcode = l.always
		case edns != nil && l.edns > 0:
			m.Rcode = l.edns
			if l.edns == dns.RcodeBadVers {
				m.SetEdns0(1232, false)
			}
		case l.referral:
			m.RecursionAvailable = false
			m.Ns = reply(q, "example.com. 300 NS ns.example.com.").Answer
		default:
			plain := q.Copy()
			plain.Extra = nil
			var err error
			if m, _, err = (&dns.Client{Net: "tcp"}).Exchange(plain, right); err != nil {
				return
			}
			m.Authoritative = true
			size := dns.MinMsgSize
			if edns != nil {
				size = int(edns.UDPSize())
			}
			if l.tiny && packet && m.Len() > 100 {
				size = 1
			}
			if packet && (l.tiny || l.small && edns == nil) && len(m.Answer) > 0 && (size == 1 || m.Len() > 200) {
				m.Truncated, m.Answer = true, nil
			}
		}
		send(w, m)
	})
	packets, stream := testkit.Listen(t, "127.0.0.1:0")
	servers := []*dns.Server{{PacketConn: packets, Handler: handler}}
	if l.noTCP {
		_ = stream.Close()
	} else {
		servers = append(servers, &dns.Server{Listener: stream, Handler: handler})
	}
	for _, server := range servers {
		started := make(chan struct{})
		server.NotifyStartedFunc = func() { close(started) }
		go func() { _ = server.ActivateAndServe() }()
		<-started
		t.Cleanup(func() { _ = server.Shutdown() })
	}
	return packets.LocalAddr().String()
}

// A resolver without EDNS is asked without it (RFC 6891, section 7): the records are
// judged as ever, and what it can't do is said as information.
func TestAResolverWithoutEDNSIsAskedWithout(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		limited *limited
		code    Code
		seen    string
	}{
		"FORMERR": {&limited{edns: dns.RcodeFormatError}, DNSFormErr, "FORMERR to questions with EDNS"},
		"NOTIMP":  {&limited{edns: dns.RcodeNotImplemented}, DNSNotImp, "NOTIMP to questions with EDNS"},
		"BADVERS": {&limited{edns: dns.RcodeBadVers}, DNSBadVers, "BADVERS to questions with EDNS"},
		"dropped": {&limited{edns: -1}, DNSEDNSDropped, "no answer to questions with EDNS"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.remove(t, "_imaps"+tcp)
			w.dns.Set(t, w.records...)
			resolver := c.limited.start(t, w.dns.Addr)
			w.checker.Resolver = &probe.Resolver{Servers: []string{resolver}, Timeout: time.Minute}
			if c.limited.edns < 0 {
				w.checker.Resolver.EDNSTimeout = 200 * time.Millisecond // for what never comes
			}
			r := w.checker.Check(t.Context(), "example.com", &w.plan)
			found := r.with(c.code)
			if len(found) != 1 || found[0].Severity != Info || found[0].Subject != resolver || !strings.Contains(found[0].Seen, c.seen) {
				t.Errorf("not said:\n%s", r.text())
			}
			if len(r.with(SRVMissing)) != 1 || len(r.Findings) != 2 {
				t.Errorf("the records were not judged:\n%s", r.text())
			}
			// It is found out once, and not for each name, nor for the next domain.
			const most = 2 // of what is silent, the second time makes sure
			before, with := c.limited.asked()
			if with > most {
				t.Errorf("it was asked %d times with EDNS", with)
			}
			w.checker.Check(t.Context(), "example.com", &w.plan)
			if all, with := c.limited.asked(); with > most || all == before {
				t.Errorf("then it was asked %d times with EDNS", with)
			}
		})
	}
}

// A resolver that was slow once is not taken for one that drops EDNS.
func TestASlowAnswerIsNoDroppedEDNS(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	slow := &limited{}
	resolver := slow.start(t, w.dns.Addr)
	first := true
	var mu sync.Mutex
	behind := script(t, func(rw dns.ResponseWriter, q *dns.Msg) {
		mu.Lock()
		drop := first
		first = false
		mu.Unlock()
		if drop {
			return
		}
		if m, err := dns.Exchange(q, resolver); err == nil {
			send(rw, m)
		}
	})
	w.checker.Resolver = &probe.Resolver{Servers: []string{behind}, Timeout: time.Minute, EDNSTimeout: 2 * time.Second}
	w.dns.Set(t, w.records...)
	if r := w.checker.Check(t.Context(), "example.com", &w.plan); len(r.Findings) > 0 {
		t.Errorf("findings:\n%s", r.text())
	}
}

// What a resolver does instead of answering has its own code. It is said once, and of
// names that it does answer the records are judged.
func TestEachFailureOfAResolverHasItsCode(t *testing.T) {
	t.Parallel()
	long := func(w *world) { // an answer that is larger than a packet without EDNS
		for i := range 12 {
			w.add("_imaps" + tcp + ". 300 SRV 0 1 993 a-host-with-a-very-long-name-to-fill-packets-" + string(rune('a'+i)) + ".example.com.")
		}
	}
	for name, c := range map[string]struct {
		limited *limited
		world   func(*world)
		code    Code
		others  []Code
	}{
		"FORMERR to all":       {&limited{always: dns.RcodeFormatError}, nil, DNSFormErr, nil},
		"NOTIMP to all":        {&limited{always: dns.RcodeNotImplemented}, nil, DNSNotImp, nil},
		"REFUSED":              {&limited{always: dns.RcodeRefused}, nil, DNSRefused, nil},
		"silence":              {&limited{always: -1}, nil, DNSTimeout, nil},
		"silent to SRV":        {&limited{silent: dns.TypeSRV}, nil, DNSTimeout, nil},
		"a referral":           {&limited{referral: true}, nil, DNSNoRecursion, nil},
		"cut, and TCP refused": {&limited{edns: dns.RcodeFormatError, small: true, noTCP: true}, long, DNSNoTCP, []Code{DNSFormErr}},
		"cut, and TCP hangs":   {&limited{edns: dns.RcodeFormatError, small: true, hangs: true}, long, DNSNoTCP, []Code{DNSFormErr}},
		"cut also with EDNS":   {&limited{tiny: true, noTCP: true}, long, DNSNoTCP, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if c.world != nil {
				c.world(w)
			}
			w.remove(t, "autoconfig.example.com")
			w.dns.Set(t, w.records...)
			resolver := c.limited.start(t, w.dns.Addr)
			w.checker.Resolver = &probe.Resolver{Servers: []string{resolver}, Timeout: time.Minute}
			if c.code == DNSTimeout || c.limited.hangs {
				w.checker.Resolver.Timeout = 300 * time.Millisecond // for what never comes
			}
			r := w.checker.Check(t.Context(), "example.com", &w.plan)
			found := r.with(c.code)
			if len(found) != 1 || found[0].Severity != Error || found[0].Subject != resolver {
				t.Fatalf("not said:\n%s", r.text())
			}
			answers := c.world != nil || c.limited.silent != 0
			if missing := r.with(HostMissing); answers && len(missing) == 0 && c.limited.silent == 0 {
				t.Errorf("what it answers was not judged:\n%s", r.text())
			}
			if !answers && len(r.Findings) != 1 {
				t.Errorf("more was said:\n%s", r.text())
			}
			for _, code := range c.others {
				if len(r.with(code)) == 0 {
					t.Errorf("%s is not said:\n%s", code, r.text())
				}
			}
			if slices.ContainsFunc(r.with(SRVMissing), func(f Finding) bool { return strings.HasPrefix(f.Subject, "_imaps") }) {
				t.Errorf("what was not answered is called missing:\n%s", r.text())
			}
		})
	}
}

// Where nobody listens, that is said once.
func TestAResolverThatIsNotThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	packets, stream := testkit.Listen(t, "127.0.0.1:0")
	_, _ = packets.Close(), stream.Close()
	w.checker.Resolver = &probe.Resolver{Servers: []string{packets.LocalAddr().String()}}
	r := w.check(t)
	if found := r.with(DNSTimeout); len(found) != 1 || len(r.Findings) != 1 || !strings.HasPrefix(found[0].Seen, "connection refused, for ") {
		t.Errorf("findings:\n%s", r.text())
	}
}

// A silent resolver is asked a few questions, and not each of them.
func TestASilentResolverIsGivenUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	silent := &limited{always: -1}
	const never = 200 * time.Millisecond
	w.checker.Only = nil
	w.checker.Resolver = &probe.Resolver{Servers: []string{silent.start(t, w.dns.Addr)}, Timeout: never}
	r := w.checker.Check(t.Context(), "example.com", &w.plan)
	if len(r.with(DNSTimeout)) != 1 || !r.inconclusive() {
		t.Errorf("findings:\n%s", r.text())
	}
	// Eight are open at a time, and each is tried twice.
	first, _ := silent.asked()
	if n := first; n > 2*(1+2*atOnce) {
		t.Errorf("it was asked %d times", n)
	}
	// Of two resolvers, the one that is silent doesn't keep the other from answering.
	w.dns.Set(t, w.records...)
	w.checker.Only = []Part{PartDNS}
	w.checker.Resolver.Servers = append(w.checker.Resolver.Servers, w.dns.Addr)
	w.checker.Resolver = &probe.Resolver{Servers: w.checker.Resolver.Servers, Timeout: time.Minute, EDNSTimeout: never}
	if r := w.checker.Check(t.Context(), "example.com", &w.plan); len(r.Findings) > 0 {
		t.Errorf("findings:\n%s", r.text())
	}
	if n, _ := silent.asked(); n-first > 2*atOnce {
		t.Errorf("beside another, it was asked %d times", n-first)
	}
}

// The same of the zone's own servers: what they can't do is a warning where programs'
// resolvers have it as well, and their answers are compared.
func TestAServerOfTheZoneWithoutEDNS(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		limited  *limited
		code     Code
		severity Severity
	}{
		"FORMERR": {&limited{edns: dns.RcodeFormatError}, DNSFormErr, Info},
		"NOTIMP":  {&limited{edns: dns.RcodeNotImplemented}, DNSNotImp, Info},
		"BADVERS": {&limited{edns: dns.RcodeBadVers}, DNSBadVers, Info},
		"dropped": {&limited{edns: -1}, DNSEDNSDropped, Warning},
		"no TCP":  {&limited{tiny: true, noTCP: true}, DNSNoTCP, Warning},
		"REFUSED": {&limited{always: dns.RcodeRefused}, DNSRefused, Warning},
		"silent":  {&limited{always: -1}, DNSTimeout, Warning},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.dns.Set(t, w.records...)
			w.routes["192.0.2.53:53"] = c.limited.start(t, w.dns.Addr)
			if c.limited.edns < 0 {
				w.checker.Resolver.EDNSTimeout = time.Second
			}
			if c.limited.always < 0 {
				w.checker.Resolver.Timeout = 3 * time.Second // others do answer
			}
			r := w.check(t)
			found := r.with(c.code)
			if len(found) != 1 || len(r.Findings) != 1 || found[0].Severity != c.severity || found[0].Subject != "ns.example.com." {
				t.Errorf("findings:\n%s", r.text())
			}
		})
	}
}

// BIND can be told to be odd in these ways.
func TestARealServerWithOddities(t *testing.T) {
	t.Parallel()
	zone := map[string]string{"example.com": "_imaps._tcp SRV 0 1 993 gone\n"}
	for i := range 40 {
		zone["example.com"] += fmt.Sprintf("_pop3s._tcp SRV %d 1 995 a-host-with-a-rather-long-name-to-fill-packets-%d\n", i, i)
	}
	for oddity, c := range map[string]struct {
		code     Code
		severity Severity
		read     bool // what it answers
	}{
		"ednsformerr": {DNSFormErr, Info, true}, "ednsnotimp": {DNSNotImp, Info, true}, "ednsrefused": {DNSRefused, Info, true},
		"dropedns": {DNSEDNSDropped, Info, true}, "notcp": {DNSNoTCP, Error, true}, "allow-query": {DNSRefused, Error, false},
		"a referral": {DNSNoRecursion, Error, false},
	} {
		t.Run(oddity, func(t *testing.T) {
			t.Parallel()
			var bind *testkit.BIND
			switch oddity {
			case "allow-query":
				bind = testkit.StartClosedBIND(t, zone)
			case "a referral":
				bind = testkit.StartBIND(t, "127.0.0.1:0", map[string]string{"com": "example NS ns.example\nns.example A 192.0.2.53\n"})
			default:
				bind = testkit.StartOddBIND(t, oddity, zone)
			}
			checker := &Checker{Only: []Part{PartDNS}, Prober: probe.Prober{Resolver: &probe.Resolver{Servers: []string{bind.Addr}, Timeout: time.Minute}}}
			if oddity == "dropedns" {
				checker.Resolver.EDNSTimeout = time.Second // for what never comes
			}
			r := checker.Check(t.Context(), "example.com", nil)
			found := r.with(c.code)
			if len(found) != 1 || found[0].Severity != c.severity || found[0].Subject != bind.Addr {
				t.Errorf("findings:\n%s", r.text())
			}
			if read := len(r.with(SRVUnresolvable)) > 0; read != c.read {
				t.Errorf("read: %v\n%s", read, r.text())
			}
			for _, f := range r.with(DNSServerFailed) { // ns.example.com is at 127.0.0.1
				if f.Severity != Info || !strings.Contains(f.Remedy, "Permit") {
					t.Errorf("what isn't dialled is no fault:\n%s", r.text())
				}
			}
		})
	}
}
