package doctor

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"autoconfig/internal/doctor/probe"
	"autoconfig/internal/testkit"
)

// script runs a name server that answers as it is told.
func script(t *testing.T, handler dns.HandlerFunc) string {
	t.Helper()
	packets, stream := testkit.Listen(t, "127.0.0.1:0")
	for _, server := range []*dns.Server{{PacketConn: packets, Handler: handler}, {Listener: stream, Handler: handler}} {
		started := make(chan struct{})
		server.NotifyStartedFunc = func() { close(started) }
		go func() { _ = server.ActivateAndServe() }()
		<-started
		t.Cleanup(func() { _ = server.Shutdown() })
	}
	return packets.LocalAddr().String()
}

// reply answers with records, as a resolver does.
func reply(query *dns.Msg, lines ...string) *dns.Msg {
	m := new(dns.Msg)
	m.SetReply(query)
	m.RecursionAvailable = true
	for _, line := range lines {
		rr, err := dns.NewRR(line)
		if err != nil {
			panic(err)
		}
		m.Answer = append(m.Answer, rr)
	}
	return m
}

// patience is how long a resolver waits: as long as it takes on a busy machine, and
// not for what never comes.
func patience(seen string, never time.Duration) time.Duration {
	if seen == "no answer in time" {
		return never
	}
	return time.Minute
}

func send(w dns.ResponseWriter, m *dns.Msg) { _ = w.WriteMsg(m) } // whoever went away is no fault of the test

// Whatever a resolver does, a check ends, says what it couldn't find out, and
// never takes it for missing.
func TestFaultsOfAResolverAreInconclusive(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 63)
	for name, c := range map[string]struct {
		handler dns.HandlerFunc
		seen    string
	}{
		"SERVFAIL": {func(w dns.ResponseWriter, q *dns.Msg) {
			m := reply(q)
			m.Rcode = dns.RcodeServerFailure
			send(w, m)
		}, "SERVFAIL"},
		"REFUSED": {func(w dns.ResponseWriter, q *dns.Msg) {
			m := reply(q)
			m.Rcode = dns.RcodeRefused
			send(w, m)
		}, "REFUSED"},
		"silence":          {func(dns.ResponseWriter, *dns.Msg) {}, "no answer in time"},
		"truncated always": {func(w dns.ResponseWriter, q *dns.Msg) { m := reply(q); m.Truncated = true; send(w, m) }, ""},
		"another question": {func(w dns.ResponseWriter, q *dns.Msg) {
			m := reply(q)
			m.Question[0].Name = "other.example."
			send(w, m)
		}, "to another question"},
		"another type": {func(w dns.ResponseWriter, q *dns.Msg) {
			m := reply(q)
			m.Question[0].Qtype = dns.TypeHINFO
			send(w, m)
		}, "to another question"},
		"not a response": {func(w dns.ResponseWriter, q *dns.Msg) { m := reply(q); m.Response = false; send(w, m) }, "to another question"},
		"garbage":        {func(w dns.ResponseWriter, _ *dns.Msg) { _, _ = w.Write([]byte("garbage")) }, ""},
		"alias loop": {func(w dns.ResponseWriter, q *dns.Msg) {
			n := q.Question[0].Name
			send(w, reply(q, n+" 300 CNAME loop.example.", "loop.example. 300 CNAME "+n))
		}, "more than 8 aliases"},
		"long names": {func(w dns.ResponseWriter, q *dns.Msg) {
			m := reply(q)
			m.Rcode = dns.RcodeServerFailure
			m.Answer = reply(q, long+"."+long+"."+long+". 300 CNAME "+long+"."+long+".").Answer
			send(w, m)
		}, "SERVFAIL"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.checker.Resolver = &probe.Resolver{Servers: []string{script(t, c.handler)}, Timeout: patience(c.seen, 100*time.Millisecond)}
			r := w.checker.Check(t.Context(), "example.com", &w.plan)
			if name == "truncated always" {
				return // by TCP, such an answer is one
			}
			failed := r.with(DNSLookupFailed)
			switch name {
			case "REFUSED": // what lies with the server is said once
				if failed = r.with(DNSRefused); len(failed) != 1 || !strings.Contains(failed[0].Seen, "more") {
					t.Errorf("not said:\n%s", r.text())
				}
			case "silence":
				if failed = r.with(DNSTimeout); len(failed) != 1 || !strings.Contains(failed[0].Seen, "more") {
					t.Errorf("not said:\n%s", r.text())
				}
			default:
				if len(failed) < len(srvPorts) {
					t.Errorf("%d failed:\n%s", len(failed), r.text())
				}
			}
			if len(failed) == 0 || len(failed) != len(r.Findings) || !strings.Contains(failed[0].Seen, c.seen) {
				t.Errorf("%d failed:\n%s", len(failed), r.text())
			}
			if _, err := w.checker.Resolver.Ask(t.Context(), "example.com", dns.TypeSOA); !errors.Is(err, probe.ErrInconclusive) {
				t.Errorf("one question: %v", err)
			}
		})
	}
}

// An answer that doesn't fit is asked for again by TCP; any letter case comes
// back right; one server's fault is mended by the next.
func TestAnswersThatNeedEffort(t *testing.T) {
	t.Parallel()
	var lines []string
	for i := range 500 {
		lines = append(lines, fmt.Sprintf("_imaps._tcp.example.com. 300 SRV %d 1 993 host%d.example.com.", i, i))
	}
	big := script(t, func(w dns.ResponseWriter, q *dns.Msg) {
		m := reply(q, lines...)
		if _, packet := w.RemoteAddr().(*net.UDPAddr); packet {
			m.Truncate(512)
		}
		send(w, m)
	})
	upper := script(t, func(w dns.ResponseWriter, q *dns.Msg) {
		q.Question[0].Name = strings.ToUpper(q.Question[0].Name)
		send(w, reply(q, "_IMAPS._TCP.EXAMPLE.COM. 300 SRV 0 1 993 host."))
	})
	broken := script(t, func(w dns.ResponseWriter, q *dns.Msg) { m := reply(q); m.Rcode = dns.RcodeServerFailure; send(w, m) })
	for name, c := range map[string]struct {
		servers []string
		want    int
	}{"500 records": {[]string{big}, 500}, "upper case": {[]string{upper}, 1}, "the next server": {[]string{broken, upper}, 1}} {
		r := &probe.Resolver{Servers: c.servers}
		if answer, err := r.Ask(t.Context(), "_imaps._tcp.example.com", dns.TypeSRV); err != nil || len(answer.Records) != c.want || answer.NoName {
			t.Errorf("%s: %d records, %v", name, len(answer.Records), err)
		}
	}
}

func TestNothingIsToldFromNoName(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, noName := range map[string]bool{"nowhere.example.com": true, "_tcp.example.com": false, "example.com": false} {
		if a, err := w.checker.Resolver.Ask(t.Context(), name, dns.TypeSRV); err != nil || a.NoName != noName || len(a.Records) > 0 {
			t.Errorf("%s: %+v %v", name, a, err)
		}
	}
}

// The zone's own servers are asked too. Each of them changes the right answer.
func TestServersOfTheZone(t *testing.T) {
	t.Parallel()
	asks := func(m *dns.Msg, kind uint16) bool { return m.Question[0].Qtype == kind }
	for name, c := range map[string]struct {
		answer func(right *dns.Msg) *dns.Msg
		code   Code
		seen   string
	}{
		"refuses":              {func(m *dns.Msg) *dns.Msg { m.Rcode = dns.RcodeRefused; return m }, DNSRefused, "REFUSED"},
		"knows it from others": {func(m *dns.Msg) *dns.Msg { m.Authoritative = false; return m }, DNSServerLame, "without authority"},
		"has another service": {func(m *dns.Msg) *dns.Msg {
			if asks(m, dns.TypeSRV) {
				m.Answer = reply(m, m.Question[0].Name+" 300 SRV 0 1 993 old.example.com.").Answer
			}
			return m
		}, DNSDisagree, "old.example.com"},
		"has another host": {func(m *dns.Msg) *dns.Msg {
			if asks(m, dns.TypeA) && m.Question[0].Name != "ns.example.com." {
				m.Answer = reply(m, m.Question[0].Name+" 300 CNAME other.example.net.").Answer
			}
			return m
		}, DNSDisagree, "an alias of other.example.net."},
		"has another digest": {func(m *dns.Msg) *dns.Msg {
			if asks(m, dns.TypeTXT) {
				m.Answer = reply(m, m.Question[0].Name+" 300 TXT old").Answer
			}
			return m
		}, DNSDisagree, "old"},
		"leads to the servers of _tcp": {func(m *dns.Msg) *dns.Msg {
			if strings.Contains(m.Question[0].Name, "_tcp") {
				m.Authoritative, m.Answer, m.Ns = false, nil, reply(m, "_tcp.example.com. 300 NS ns.example.net.").Answer
			}
			return m
		}, "", ""},
		"is silent": {func(*dns.Msg) *dns.Msg { return nil }, DNSTimeout, "no answer in time"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.checker.Resolver.Timeout = patience(c.seen, 3*time.Second) // others do answer
			right := w.dns.Addr
			w.routes["192.0.2.53:53"] = script(t, func(writer dns.ResponseWriter, q *dns.Msg) {
				m, err := dns.Exchange(q, right)
				if err != nil {
					return
				}
				if m = c.answer(m); m != nil {
					send(writer, m)
				}
			})
			r := w.check(t)
			found := r.with(c.code)
			if len(found) != len(r.Findings) || c.code == "" && len(r.Findings) > 0 || c.code != "" && (len(found) == 0 || !strings.Contains(found[0].Seen, c.seen)) {
				t.Errorf("findings:\n%s", r.text())
			}
		})
	}
}
