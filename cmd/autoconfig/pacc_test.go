package main

import (
	"strings"
	"testing"
)

// A document is served as it is stored; a changed one waits.
func TestPACCIsServedAsStored(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	run := func(line, want string) {
		t.Helper()
		if seen := shell(t, folder, "autoconfig "+line+"; echo exit $?"); !strings.Contains(seen, want) {
			t.Errorf("%s shows\n%s\nwant %s", line, seen, want)
		}
	}
	run("init --domain example.org --imap mail.example.org --pop3 none --smtp mail.example.org --public-url https://autoconfig.example.org", "exit 0")
	if seen := shell(t, folder, `echo 'check: {resolver: ["127.0.0.1:9"]}' >> autoconfig.yaml`); seen != "" {
		t.Fatal(seen)
	}
	run("apply", "exit 0")
	run("pacc example.org", "served\n  _ua-auto-config.example.org. TXT \"v=UAAC1; a=sha256; d=")
	run("dns example.org", "ua-auto-config.example.org.\t3600\tIN\tCNAME\tautoconfig.example.org.")
	p := serve(t, folder)
	ask := "http://" + p.public + "/.well-known/user-agent-configuration.json"
	get := "curl -s -H 'Host: ua-auto-config.example.org' " + ask
	if seen := shell(t, "", get); !strings.Contains(seen, `"host": "mail.example.org"`) {
		t.Errorf("served: %s", seen)
	}
	run("domain set example.org --imap other.example.org", "exit 0")
	run("pacc example.org", "because the zone's servers can't be asked: ")
	run("pacc example.org --json", `"waiting_txt": "v=UAAC1`)
	run("pacc publish example.org", "exit 1")
	if seen := shell(t, "", get); strings.Contains(seen, "other.example.org") {
		t.Errorf("served before its digest is seen: %s", seen)
	}
	if seen := shell(t, folder, "autoconfig dns example.org | grep -c UAAC1"); seen != "2\n" {
		t.Errorf("%s digests to publish", seen)
	}
	run("pacc publish example.org --force", "exit 0")
	again := "for i in $(seq 200); do " + get + " | grep other.example.org && break; sleep 0.05; done"
	if seen := shell(t, "", again); !strings.Contains(seen, `"host": "other.example.org"`) {
		t.Errorf("forced, and never served: %s", seen)
	}
	run("pacc other.example", "is not served here")
	if seen := shell(t, "", "curl -s -o /dev/null -w '%{http_code}' "+ask); !strings.HasSuffix(seen, "404") {
		t.Errorf("without a served Host: %s", seen)
	}
}
