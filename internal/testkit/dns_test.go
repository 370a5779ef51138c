package testkit_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"autoconfig/internal/testkit"
)

func TestDNS(t *testing.T) {
	server := testkit.StartDNS(t, "127.0.0.1:0",
		"example.com. A 192.0.2.7",
		"example.com. MX 10 mx.example.net.",
		"example.com. TXT \"v=spf1 -all\"",
		"www.example.com. CNAME example.com.",
		"dangling.example.com. CNAME nowhere.example.com.",
		"loop.example.com. CNAME loop.example.com.",
		"_imaps._tcp.example.com. SRV 0 1 993 imap.example.com.",
		"*.wild.example.com. A 192.0.2.9",
		"tame.wild.example.com. TXT x",
		"large.example.com. TXT \""+strings.Repeat("x", 250)+"\" \""+strings.Repeat("y", 250)+"\" \""+strings.Repeat("z", 250)+"\"",
	)
	for _, test := range []struct {
		question string
		kind     uint16
		rcode    int
		want     []string
	}{
		{"example.com.", dns.TypeA, dns.RcodeSuccess, []string{"example.com. A 192.0.2.7"}},
		{"EXAMPLE.com.", dns.TypeMX, dns.RcodeSuccess, []string{"example.com. MX 10 mx.example.net."}},
		{"_imaps._tcp.example.com.", dns.TypeSRV, dns.RcodeSuccess, []string{"_imaps._tcp.example.com. SRV 0 1 993 imap.example.com."}},
		{"www.example.com.", dns.TypeA, dns.RcodeSuccess, []string{"www.example.com. CNAME example.com.", "example.com. A 192.0.2.7"}},
		{"www.example.com.", dns.TypeAAAA, dns.RcodeSuccess, []string{"www.example.com. CNAME example.com."}},
		{"www.example.com.", dns.TypeCNAME, dns.RcodeSuccess, []string{"www.example.com. CNAME example.com."}},
		{"example.com.", dns.TypeAAAA, dns.RcodeSuccess, nil},
		{"_tcp.example.com.", dns.TypeA, dns.RcodeSuccess, nil}, // has something below it
		{"dangling.example.com.", dns.TypeA, dns.RcodeNameError, []string{"dangling.example.com. CNAME nowhere.example.com."}},
		{"none.example.com.", dns.TypeA, dns.RcodeNameError, nil},
		{"any.wild.example.com.", dns.TypeA, dns.RcodeSuccess, []string{"any.wild.example.com. A 192.0.2.9"}},
		{"any.wild.example.com.", dns.TypeMX, dns.RcodeSuccess, nil},
		{"tame.wild.example.com.", dns.TypeA, dns.RcodeSuccess, nil},
		{"example.org.", dns.TypeMX, dns.RcodeNameError, nil},
	} {
		t.Run(test.question+" "+dns.TypeToString[test.kind], func(t *testing.T) {
			for _, network := range []string{"udp", "tcp"} {
				reply := ask(t, network, server.Addr, test.question, test.kind)
				if reply.Rcode != test.rcode || !reply.Authoritative {
					t.Errorf("%s: %s, authoritative %v", network, dns.RcodeToString[reply.Rcode], reply.Authoritative)
				}
				if diff := cmp.Diff(test.want, lines(reply.Answer)); diff != "" {
					t.Errorf("%s: answer (-want +got):\n%s", network, diff)
				}
			}
		})
	}

	t.Run("a loop ends", func(t *testing.T) {
		ask(t, "udp", server.Addr, "loop.example.com.", dns.TypeA)
	})
	t.Run("truncated", func(t *testing.T) {
		if reply := ask(t, "udp", server.Addr, "large.example.com.", dns.TypeTXT); !reply.Truncated {
			t.Error("not truncated to 512 bytes")
		}
		if reply := ask(t, "tcp", server.Addr, "large.example.com.", dns.TypeTXT); reply.Truncated || len(reply.Answer) != 1 {
			t.Error("not whole over TCP")
		}
	})
	t.Run("replaced", func(t *testing.T) {
		server.Set(t, "example.org. A 192.0.2.8")
		if reply := ask(t, "udp", server.Addr, "example.com.", dns.TypeA); reply.Rcode != dns.RcodeNameError {
			t.Error("the old records are still there")
		}
		if reply := ask(t, "udp", server.Addr, "example.org.", dns.TypeA); len(reply.Answer) != 1 {
			t.Error("the new record is not there")
		}
	})
	t.Run("failures", func(t *testing.T) {
		server.Fail("example.org", "MX", dns.RcodeServerFailure)
		server.WithoutEDNS("example.org")
		if reply := ask(t, "udp", server.Addr, "example.org.", dns.TypeMX); reply.Rcode != dns.RcodeServerFailure {
			t.Error("it didn't fail")
		}
		if reply := ask(t, "udp", server.Addr, "example.org.", dns.TypeA); len(reply.Answer) != 1 {
			t.Error("another type failed as well")
		}
		query := new(dns.Msg)
		query.SetQuestion("www.example.org.", dns.TypeA)
		query.SetEdns0(dns.DefaultMsgSize, false)
		if reply, err := dns.ExchangeContext(t.Context(), query, server.Addr); err != nil || reply.Rcode != dns.RcodeFormatError {
			t.Errorf("EDNS is known: %v", err)
		}
	})
	t.Run("queries", func(t *testing.T) {
		if got := server.Queries(); !slices.Contains(got, "_imaps._tcp.example.com. SRV") || !slices.Contains(got, "example.com. MX") {
			t.Errorf("got %q", got)
		}
	})
}

func ask(t *testing.T, network, addr, name string, kind uint16) *dns.Msg {
	t.Helper()
	query := new(dns.Msg)
	query.SetQuestion(name, kind)
	reply, _, err := (&dns.Client{Net: network}).ExchangeContext(t.Context(), query, addr)
	if err != nil {
		t.Fatal(err)
	}
	return reply
}

// lines writes records without class and time to live.
func lines(records []dns.RR) []string {
	var out []string
	for _, rr := range records {
		fields := strings.Fields(rr.String())
		out = append(out, fields[0]+" "+strings.Join(fields[3:], " "))
	}
	return out
}
