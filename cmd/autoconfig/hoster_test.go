package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"autoconfig/internal/doctor"
	"autoconfig/internal/testkit"
)

// A hoster checks all domains at once, against a real name server. DOMAINS says how
// many; make torture takes 2,000. The log says how fast it was and what memory it
// took.
func TestAHostersRun(t *testing.T) {
	t.Parallel()
	domains := testkit.Size(t, "DOMAINS", 200)
	folder := t.TempDir()
	var site, zone strings.Builder
	site.WriteString("plans:\n  - name: standard\n    servers: {imap: {host: mail.hoster.example}, smtp: {host: mail.hoster.example}}\ndomains:\n")
	zone.WriteString("mail.hoster A 127.0.0.1\nsetup.hoster A 127.0.0.1\n")
	for i := range domains {
		fmt.Fprintf(&site, "  - {name: d%d.example, plan: standard}\n", i)
	}
	for name, text := range map[string]string{
		"site.yaml":       site.String(),
		"autoconfig.yaml": "public_url: https://setup.hoster.example\ncheck: {allow_networks: [127.0.0.0/8]}\n",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if seen := shell(t, folder, "autoconfig apply > /dev/null && echo good"); seen != "good\n" {
		t.Fatal(seen)
	}
	// All but one are published as they should be.
	for line := range strings.Lines(shell(t, folder, "autoconfig dns d0.example")) {
		if strings.HasPrefix(line, ";") || strings.TrimSpace(line) == "" {
			continue
		}
		for i := range domains - 1 {
			zone.WriteString(strings.ReplaceAll(line, "d0.example", fmt.Sprintf("d%d.example", i)))
		}
	}
	bind := testkit.StartBIND(t, "127.0.0.1:0", map[string]string{"example": zone.String()})

	cmd := exec.Command("autoconfig", "check", "--all", "--json", "--only", "dns", "--resolver", bind.Addr)
	cmd.Dir = folder
	began := time.Now()
	out, err := cmd.Output()
	took := time.Since(began)
	if err == nil {
		t.Error("exit status 0, though one domain publishes nothing")
	}
	reports := readReports(t, out)
	if len(reports) != domains {
		t.Fatalf("%d reports:\n%.1000s", len(reports), out)
	}
	for name, r := range reports {
		missing := 0
		for _, f := range r.Findings {
			if f.Code == doctor.HostMissing {
				missing++
			}
		}
		if (missing > 0) != (name == fmt.Sprintf("d%d.example", domains-1)) {
			t.Errorf("%s: %+v", r.Domain, r.Findings)
		}
	}
	usage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	const limit = 512 << 10 // kilobytes: memory doesn't grow with the domains
	if usage.Maxrss > limit {
		t.Errorf("it took %d MB", usage.Maxrss>>10)
	}
	t.Logf("%d domains in %s: %.0f domains a second, %d MB", domains, took.Round(time.Millisecond), float64(domains)/took.Seconds(), usage.Maxrss>>10)
}
