package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"autoconfig/internal/doctor"
	"autoconfig/internal/testkit"
)

// An operator brings a zone to what the policy says: sees the difference, is
// refused with the wrong key, publishes it, and sees none.
func TestDNSIsPublishedAtARealServer(t *testing.T) {
	t.Parallel()
	bind := testkit.StartBIND(t, "127.0.0.1:0", map[string]string{"example.com": "_pop3s._tcp SRV 0 1 995 old.example.com.\nimap A 127.0.0.1\npop A 127.0.0.1\nsmtp A 127.0.0.1\ndav A 127.0.0.1\n"})
	wrong := filepath.Join(t.TempDir(), "wrong.key")
	if err := os.WriteFile(wrong, []byte(`key "autoconfig-test" { algorithm hmac-sha256; secret "d3Jvbmc="; };`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct{ args, want string }{
		{"--diff --server " + bind.Addr, "- _pop3s._tcp.example.com.\t300\tIN\tSRV\t0 1 995 old.example.com.\n+ _pop3s._tcp.example.com.\t3600\tIN\tSRV\t10 1 995 pop.example.com."},
		{"--diff --server " + bind.Addr, "exit 1"},
		{"--diff --json --resolver " + bind.Addr, `"name": "_pop3s._tcp.example.com."`},
		{"--apply --server " + bind.Addr + " --tsig-file " + wrong, "refused by " + bind.Addr},
		{"--apply --server " + bind.Addr + " --tsig-file " + wrong, "exit 2"},
		{"--apply --server " + bind.Addr + " --tsig-file /nowhere", "no such file"},
		{"--apply --server " + bind.Addr, "--apply needs --server and --tsig-file"},
		{"--apply --diff", "can't be used together"},
		{"--variant redirect", "led to https://"},
		{"--variant other", "--variant must be one of"},
		{"--apply --server " + bind.Addr + " --tsig-file " + bind.KeyFile, "Published."},
		{"--diff --server " + bind.Addr, "example.com is published as it should be.\nexit 0"},
	} {
		if seen := shell(t, t.TempDir(), "autoconfig dns example.com --demo "+step.args+"; echo exit $?"); !strings.Contains(seen, step.want) {
			t.Errorf("dns %s shows\n%s\nwant %s", step.args, seen, step.want)
		}
	}
	if seen := shell(t, "", "autoconfig check example.com --demo --only dns --resolver "+bind.Addr+"; echo exit $?"); !strings.HasSuffix(seen, "exit 0\n") {
		t.Errorf("then check shows\n%s", seen)
	}
}

// The records of all domains are those of each, in every format, and in any program's
// reader of that format.
func TestDNSOfAllDomains(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"zone", "octodns", "nsupdate"} {
		var want string
		for i, name := range []string{"example.com", "example.net"} {
			if i > 0 && format == "zone" {
				want += "\n"
			}
			want += shell(t, "", "autoconfig dns --demo --format "+format+" "+name)
		}
		if seen := shell(t, "", "autoconfig dns --demo --all --format "+format); seen != want {
			t.Errorf("%s:\n%s\nwant\n%s", format, seen, want)
		}
	}
	lines := strings.Split(strings.TrimSpace(shell(t, "", "autoconfig dns --demo --all --json")), "\n")
	for i, name := range []string{"example.com", "example.net"} {
		var one, alone struct {
			Domain  string
			Records []doctor.Record
		}
		if err := json.Unmarshal([]byte(lines[i]), &one); err != nil || one.Domain != name {
			t.Fatalf("%v\n%s", err, lines[i])
		}
		if err := json.Unmarshal([]byte(shell(t, "", "autoconfig dns --demo --json "+name)), &alone.Records); err != nil || !slices.Equal(one.Records, alone.Records) || len(one.Records) == 0 {
			t.Errorf("%v\n%+v\n%+v", err, one, alone)
		}
	}
	for args, want := range map[string]string{"": "which domain?", "--all example.com": "which domain?", "--all --diff": "can't be used together"} {
		if seen := shell(t, "", "autoconfig dns --demo "+args); !strings.Contains(seen, want) {
			t.Errorf("dns %s shows %s", args, seen)
		}
	}
}
