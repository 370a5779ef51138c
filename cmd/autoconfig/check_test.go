package main

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

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
	var reports []doctor.Report
	if err := json.Unmarshal(out, &reports); err != nil || len(reports) != 2 || reports[0].Domain != "example.com" || reports[1].Domain != "example.net" {
		t.Fatalf("%v\n%s", err, out)
	}
	if reports[0].Worst() == doctor.Error || reports[1].Worst() != doctor.Error || !reports[1].Served {
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
