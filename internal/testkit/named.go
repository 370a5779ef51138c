package testkit

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// BIND is a real authoritative name server.
type BIND struct {
	// Addr is host:port, over UDP and TCP.
	Addr string
	// KeyFile holds a TSIG key that may update every zone.
	KeyFile string
}

// StartBIND serves zones, each the text of a zone file without SOA and NS, by the
// zone's name. addr is "127.0.0.1:0" for any free port. It ends with the test.
func StartBIND(t testing.TB, addr string, zones map[string]string) *BIND {
	t.Helper()
	return startBIND(t, addr, zones, "")
}

// StartOddBIND is [StartBIND] of a server with one of BIND's own oddities for tests
// (named -T): ednsformerr, ednsnotimp, ednsrefused, dropedns, noedns, notcp.
func StartOddBIND(t testing.TB, oddity string, zones map[string]string) *BIND {
	t.Helper()
	return startBIND(t, "127.0.0.1:0", zones, "", "-T", oddity)
}

// StartClosedBIND is [StartBIND] of a server that answers nobody for its zones.
func StartClosedBIND(t testing.TB, zones map[string]string) *BIND {
	t.Helper()
	return startBIND(t, "127.0.0.1:0", zones, " allow-query { none; };")
}

// StartSignedBIND is [StartBIND] with zones that the server signs.
func StartSignedBIND(t testing.TB, addr string, zones map[string]string) *BIND {
	t.Helper()
	b := startBIND(t, addr, zones, " dnssec-policy default; inline-signing yes;")
	for name := range zones {
		poll(t, "the zone "+name+" isn't signed", func(ctx context.Context) bool { return len(b.keys(ctx, name)) > 0 })
	}
	return b
}

// keys are a zone's keys for trust anchors, none before it is signed.
func (b *BIND) keys(ctx context.Context, zone string) []dns.RR {
	query := new(dns.Msg)
	query.SetQuestion(dns.Fqdn(zone), dns.TypeDNSKEY)
	query.SetEdns0(dns.DefaultMsgSize, true)
	reply, _, err := (&dns.Client{Net: "tcp"}).ExchangeContext(ctx, query, b.Addr)
	if err != nil {
		return nil
	}
	var keys []dns.RR
	signed := false
	for _, rr := range reply.Answer {
		switch rr := rr.(type) {
		case *dns.DNSKEY:
			if rr.Flags&dns.SEP != 0 {
				keys = append(keys, rr)
			}
		case *dns.RRSIG:
			signed = true
		}
	}
	if !signed {
		return nil
	}
	return keys
}

func startBIND(t testing.TB, addr string, zones map[string]string, policy string, args ...string) *BIND {
	t.Helper()
	Need(t, "named", "tsig-keygen")
	dir := t.TempDir()
	b := &BIND{Addr: freeAddr(t, addr), KeyFile: filepath.Join(dir, "update.key")}
	key, err := exec.Command(located("tsig-keygen"), "autoconfig-test").Output()
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) string {
		return writeFile(t, dir, name, []byte(text))
	}
	write("update.key", string(key))
	host, port, _ := net.SplitHostPort(b.Addr)
	conf := fmt.Sprintf(`include %q;
options {
  directory %q; pid-file none; session-keyfile none; lock-file none;
  listen-on port %s { %s; }; listen-on-v6 { none; };
  recursion no; dnssec-validation no; notify no; minimal-responses no;
};
controls {};
`, b.KeyFile, dir, port, host)
	for name, text := range zones {
		file := write(strings.ReplaceAll(name, "/", "_")+".zone", fmt.Sprintf(`$TTL 300
@ SOA ns.%[1]s hostmaster.%[1]s 1 3600 600 86400 60
@ NS ns.%[1]s
ns A %[2]s
%[3]s
`, dns.Fqdn(name), host, text))
		conf += fmt.Sprintf("zone %q { type primary; file %q; allow-update { key autoconfig-test; };%s };\n", name, file,
			policy)
	}
	startProcess(t, dir, "named", append([]string{"-f", "-c", write("named.conf", conf)}, args...)...)
	if strings.Contains(policy, "allow-query") {
		waitForDNS(t, b.Addr)
		return b
	}
	for name := range zones { // it answers before it has loaded them
		query := new(dns.Msg)
		query.SetQuestion(dns.Fqdn(name), dns.TypeSOA)
		poll(t, "the zone "+name+" isn't loaded", func(ctx context.Context) bool {
			reply, err := dns.ExchangeContext(ctx, query, b.Addr)
			return err == nil && reply.Authoritative && reply.Rcode == dns.RcodeSuccess
		})
	}
	return b
}

// freeAddr is the address, with a free port where it asks for any.
func freeAddr(t testing.TB, addr string) string {
	t.Helper()
	if host, port, _ := net.SplitHostPort(addr); port == "0" {
		return net.JoinHostPort(host, FreePort(t))
	}
	return addr
}

// waitForDNS waits until a server answers anything.
func waitForDNS(t testing.TB, addr string) {
	t.Helper()
	query := new(dns.Msg)
	query.SetQuestion("ready.invalid.", dns.TypeA)
	poll(t, "the name server at "+addr+" doesn't answer", func(ctx context.Context) bool {
		_, err := dns.ExchangeContext(ctx, query, addr)
		return err == nil
	})
}

// StartUnbound is a real validating resolver, which trusts the keys of the given
// zones of a server and asks it for them; it knows nothing else. anchors false
// gives it wrong keys, so that the zones are bogus to it. It returns host:port.
func StartUnbound(t testing.TB, b *BIND, anchors bool, zones ...string) string {
	t.Helper()
	Need(t, "unbound")
	dir := openDir(t)
	addr := FreeAddress(t)
	host, port, _ := net.SplitHostPort(addr)
	bindHost, bindPort, _ := net.SplitHostPort(b.Addr)
	trust, stubs := "", ""
	for _, zone := range zones {
		for _, rr := range b.keys(t.Context(), zone) {
			key := rr.(*dns.DNSKEY)
			if !anchors {
				key = dns.Copy(key).(*dns.DNSKEY)
				key.PublicKey = strings.Repeat("A", len(key.PublicKey)-2) + "=="
			}
			trust += key.String() + "\n"
		}
		stubs += fmt.Sprintf("stub-zone:\n  name: %q\n  stub-addr: %s@%s\n", dns.Fqdn(zone), bindHost, bindPort)
	}
	conf := fmt.Sprintf(`server:
  interface: %s
  port: %s
  do-daemonize: no
  chroot: ""
  username: ""
  directory: %q
  pidfile: ""
  use-syslog: no
  access-control: 127.0.0.0/8 allow
  do-not-query-localhost: no
  module-config: "validator iterator"
  trust-anchor-file: %q
  root-hints: ""
%s`, host, port, dir, writeFile(t, dir, "anchors", []byte(trust)), stubs)
	startProcess(t, dir, "unbound", "-d", "-c", writeFile(t, dir, "unbound.conf", []byte(conf)))
	waitForDNS(t, addr)
	return addr
}
