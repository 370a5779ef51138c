package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"autoconfig/internal/doctor"
	"autoconfig/internal/testkit"
)

// What "dns" says to publish is what "check" finds right; anything else it finds.
func TestCheckAgreesWithDNS(t *testing.T) {
	t.Parallel()
	zone := shell(t, "", "autoconfig dns example.com --demo")
	world := []string{
		"example.com. 300 SOA ns.example.com. hostmaster.example.com. 1 3600 600 86400 60", "example.com. 300 NS ns.example.com.", "ns.example.com. 300 A 192.0.2.53",
		"imap.example.com. 300 A 192.0.2.1", "pop.example.com. 300 A 192.0.2.1", "smtp.example.com. 300 A 192.0.2.1", "dav.example.com. 300 A 192.0.2.1",
	}
	for line := range strings.Lines(zone) {
		if !strings.HasPrefix(line, ";") {
			world = append(world, strings.TrimSpace(line))
		}
	}
	server := testkit.StartDNS(t, "127.0.0.1:0", world...)
	check := "autoconfig check --demo --only dns --resolver " + server.Addr
	if seen := shell(t, "", check+" example.com; echo exit $?"); strings.Contains(seen, "error") || strings.Contains(seen, "warning") || !strings.HasSuffix(seen, "exit 0\n") {
		t.Errorf("a healthy domain shows\n%s", seen)
	}
	if seen := shell(t, "", check+" example.com"); !strings.Contains(seen, "2 accounts with another protocol than IMAP") {
		t.Errorf("workshop@ and kiosk@ are misled, but\n%s", seen)
	}
	// The alias isn't published at all.
	out, err := exec.Command("sh", "-c", check+" --all --json").Output()
	if err == nil {
		t.Error("exit status 0 with findings")
	}
	reports := readReports(t, out)
	if len(reports) != 2 || reports["example.com"].Worst() == doctor.Error || reports["example.net"].Worst() != doctor.Error || !reports["example.net"].Served {
		t.Errorf("%+v", reports)
	}
	for args, want := range map[string]string{
		"other.example":     "other.example (not in the site: held against itself)",
		"a_b.example.com..": "is not a domain name",
		"":                  "which domain?",
		"example.net":       "HOST-MISSING  autoconfig.example.net.",
	} {
		if seen := shell(t, "", check+" "+args); !strings.Contains(seen, want) {
			t.Errorf("check %s shows\n%s\nwant %s", args, seen, want)
		}
	}
}

// readReports reads what check --json prints: a line for each domain.
func readReports(t *testing.T, out []byte) map[string]doctor.Report {
	t.Helper()
	all := map[string]doctor.Report{}
	for line := range bytes.Lines(out) {
		var r doctor.Report
		if err := json.Unmarshal(line, &r); err != nil || r.Domain == "" {
			t.Fatalf("%v in %.1000s", err, line)
		}
		all[r.Domain] = r
	}
	return all
}

// Anybody's domain is checked and simulated in an empty folder; what needs the site
// says that there is none, and so does a configuration that was named.
func TestAnybodysDomainNeedsNoConfiguration(t *testing.T) {
	t.Parallel()
	server := testkit.StartDNS(t, "127.0.0.1:0", "other.example. SOA ns.other.example. hostmaster.other.example. 1 3600 600 86400 60", "ns.other.example. A 192.0.2.53", "other.example. NS ns.other.example.",
		"_imaps._tcp.other.example. SRV 0 1 993 imap.other.example.", "_submissions._tcp.other.example. SRV 0 1 465 smtp.other.example.", "imap.other.example. A 192.0.2.1", "smtp.other.example. A 192.0.2.1")
	folder := t.TempDir()
	for args, want := range map[string]string{
		"check --only dns --resolver " + server.Addr + " other.example":                        "other.example (no configuration here: held against itself)",
		"check --only dns --resolver " + server.Addr + " --json other.example; echo exit $?":   "exit 0",
		"simulate --client fairemail --resolver " + server.Addr + " a@other.example":           "IMAP      imap.other.example:993",
		"simulate --client apple --resolver " + server.Addr + " a@other.example; echo exit $?": "exit 1",
		"check --all": "there is no autoconfig.yaml here",
		"check --config nowhere.yaml other.example":      "there is no nowhere.yaml here",
		"simulate --config nowhere.yaml a@other.example": "there is no nowhere.yaml here",
	} {
		if seen := shell(t, folder, "autoconfig "+args); !strings.Contains(seen, want) {
			t.Errorf("%s shows\n%s\nwant %s", args, seen, want)
		}
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
		t.Errorf("it left %v: %v", left, err)
	}
}

// All domains are printed as they end, a line for each, and nothing that is printed is
// lost by Ctrl-C.
func TestCheckOfAllDomainsStreams(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	var site strings.Builder
	site.WriteString("domains:\n")
	const domains = 40
	for i := range domains {
		fmt.Fprintf(&site, "  - {name: d%d.example, servers: {imap: {host: imap.example}, smtp: {host: smtp.example}}}\n", i)
	}
	for name, text := range map[string]string{"autoconfig.yaml": "public_url: https://setup.example.com\n", "site.yaml": site.String()} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if seen := shell(t, folder, "autoconfig apply > /dev/null && echo good"); seen != "good\n" {
		t.Fatal(seen)
	}
	// d7 is never answered; the others are.
	asked := make(chan struct{}, 1000)
	resolver := scriptedDNS(t, func(q *dns.Msg) *dns.Msg {
		if strings.Contains(q.Question[0].Name, "d7.") {
			asked <- struct{}{}
			return nil
		}
		m := new(dns.Msg)
		m.SetRcode(q, dns.RcodeNameError)
		m.RecursionAvailable = true
		return m
	})
	check := exec.Command("autoconfig", "check", "--all", "--only", "dns", "--concurrency", "2", "--progress", "--resolver", resolver)
	check.Dir = folder
	var errs bytes.Buffer
	check.Stderr = &errs
	out, err := check.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := check.Start(); err != nil {
		t.Fatal(err)
	}
	<-asked
	lines := bufio.NewScanner(out)
	seen := 0
	for seen < 1 && lines.Scan() { // before d7 has ended
		seen++
	}
	if err := check.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() {
		seen++
		if !regexp.MustCompile(`^d\d+\.example +error +\S.*HOST-MISSING \(4\)`).MatchString(lines.Text()) || strings.HasPrefix(lines.Text(), "d7.") {
			t.Errorf("a line says %q", lines.Text())
		}
	}
	if err := check.Wait(); check.ProcessState.ExitCode() != exitInterrupted {
		t.Errorf("ended with %v\n%s", err, errs.String())
	}
	if want := fmt.Sprintf("interrupted: %d domains checked, %[1]d with errors", seen); seen > 1 && !strings.Contains(errs.String(), want) {
		t.Errorf("%d lines, and on standard error\n%s", seen, errs.String())
	}
}

// scriptedDNS is a name server that answers as it is told, and not where that is nil.
func scriptedDNS(t *testing.T, answer func(*dns.Msg) *dns.Msg) string {
	t.Helper()
	packets, stream := testkit.Listen(t, "127.0.0.1:0")
	handler := dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		if m := answer(q); m != nil {
			_ = w.WriteMsg(m) // whoever went away is no fault of the test
		}
	})
	for _, server := range []*dns.Server{{PacketConn: packets, Handler: handler}, {Listener: stream, Handler: handler}} {
		started := make(chan struct{})
		server.NotifyStartedFunc = func() { close(started) }
		go func() { _ = server.ActivateAndServe() }()
		<-started
		t.Cleanup(func() { _ = server.Shutdown() })
	}
	return packets.LocalAddr().String()
}
