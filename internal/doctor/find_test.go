package doctor

import (
	"fmt"
	"slices"
	"testing"

	"autoconfig/internal/testkit"
)

// gist is what was found, in one line for each server.
func gist(found []FoundServer) (lines []string) {
	for _, s := range found {
		line := fmt.Sprintf("%s %s:%d/%s %s", s.Protocol, s.Host, s.Port, s.Security, s.Why)
		for _, f := range s.Wrong {
			line += " " + string(f.Code)
		}
		lines = append(lines, line)
	}
	return lines
}

// What a domain has is found by its SRV records, by usual names and by its MX, on the
// real servers; a server that programs can't use is found with its fault.
func TestServersAreFound(t *testing.T) {
	t.Parallel()
	srv := []string{
		"_imap._tcp.example.com. 300 SRV 0 1 143 imap.example.com.", "_submissions._tcp.example.com. 300 SRV 0 1 465 smtp.example.com.",
		"_pop3s._tcp.example.com. 300 SRV 0 0 0 .",
	}
	hosts := []string{"imap.example.com. 300 A 192.0.2.1", "mail.example.com. 300 A 192.0.2.1", "smtp.example.com. 300 A 192.0.2.1"}
	mx := []string{"example.com. 300 MX 10 imap.example.com."}
	for name, c := range map[string]struct {
		records, want []string
	}{
		"by SRV records": {slices.Concat(srv, hosts[:1], hosts[2:]), []string{"imap imap.example.com:143/starttls SRV record", "smtp smtp.example.com:465/tls SRV record"}},
		"by usual names": {hosts, []string{
			"imap imap.example.com:993/tls usual name",
			"pop3 mail.example.com:995/tls usual name TLS-NAME-MISMATCH", "smtp smtp.example.com:465/tls usual name",
		}},
		"by its MX": {slices.Concat(mx, hosts[:1]), []string{
			"imap imap.example.com:993/tls usual name",
			"pop3 imap.example.com:995/tls MX record", "smtp imap.example.com:465/tls MX record",
		}},
		"nothing": {nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := mailWorld(t, "", "")
			w.dns.Set(t, append(c.records, "example.com. 300 SOA ns.example.com. hostmaster.example.com. 1 3600 600 86400 60")...)
			if got := gist(w.checker.FindServers(t.Context(), "example.com")); !slices.Equal(got, c.want) {
				t.Errorf("found %q\nwant  %q", got, c.want)
			}
		})
	}
}

// What can't be found out is no server.
func TestNoServerIsFoundWithoutTheDNS(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.checker.Resolver.Servers = []string{testkit.FreeAddress(t)}
	if got := gist(w.checker.FindServers(t.Context(), "example.com")); len(got) > 0 {
		t.Errorf("found %q", got)
	}
}
