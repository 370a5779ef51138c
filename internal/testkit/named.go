package testkit

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

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
	Need(t, "named", "tsig-keygen")
	dir := t.TempDir()
	b := &BIND{Addr: freeAddr(t, addr), KeyFile: filepath.Join(dir, "update.key")}
	key, err := exec.Command("tsig-keygen", "autoconfig-test").Output()
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
		conf += fmt.Sprintf("zone %q { type primary; file %q; allow-update { key autoconfig-test; }; };\n", name, file)
	}
	startProcess(t, dir, "named", "-f", "-c", write("named.conf", conf))
	waitForDNS(t, b.Addr)
	return b
}

// freeAddr chooses a port that is free for packets and streams now.
func freeAddr(t testing.TB, addr string) string {
	t.Helper()
	packets, stream := listenBoth(t, addr)
	defer func() { _ = packets.Close(); _ = stream.Close() }()
	return packets.LocalAddr().String()
}

// waitForDNS waits until a server answers anything.
func waitForDNS(t testing.TB, addr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	query := new(dns.Msg)
	query.SetQuestion("ready.invalid.", dns.TypeA)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, err := dns.ExchangeContext(ctx, query, addr); err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("the name server at %s doesn't answer", addr)
		}
	}
}
