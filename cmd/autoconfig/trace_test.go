package main

import (
	"bufio"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"autoconfig/internal/operator"
)

// What was asked is shown by the command, of all or of one address, and goes on while it is
// followed.
func TestTrace(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	put(t, folder, 0o600, map[string]string{
		"autoconfig.yaml": "public_url: https://setup.example.com\nlisten: 127.0.0.1:0\n",
		"site.yaml":       "domains:\n  - {name: example.org, aliases: [example.net], servers: {imap: {host: imap.example.org}, smtp: {host: smtp.example.org}}}\n",
	})
	if seen := shell(t, folder, "autoconfig apply > /dev/null && echo good"); seen != "good\n" {
		t.Fatal(seen)
	}
	p := serve(t, folder)
	put(t, folder, 0o600, map[string]string{"running.yaml": "public_url: https://setup.example.com\nadmin_listen: " + p.private + "\n"})
	ask := func(address string) {
		shell(t, folder, "curl -sS -A 'Mozilla/5.0 Thunderbird/128.0' 'http://"+p.public+"/mail/config-v1.1.xml?emailaddress="+address+"'")
	}
	run := func(line string) string {
		return shell(t, folder, "autoconfig trace "+line+" --config "+filepath.Join(folder, "running.yaml")+"; echo exit $?")
	}
	if seen := run("example.org"); !strings.Contains(seen, "nothing was asked about example.org") || !strings.HasSuffix(seen, "exit 0\n") {
		t.Error(seen)
	}
	if seen := run("example.org --json"); seen != "[]\nexit 0\n" {
		t.Errorf("an empty list is %q", seen)
	}
	ask("a@example.org")
	ask("b@example.net")
	for line, want := range map[string]int{"example.org": 2, "example.net": 2, "example.org --address A@example.org": 1} {
		seen := run(line)
		if got := strings.Count(seen, "autoconfig         answered IMAP  "); got != want || !strings.Contains(seen, "Thunderbird\n") || strings.Contains(seen, "@") {
			t.Errorf("%s: %s", line, seen)
		}
	}
	var all []operator.TracedRequest
	seen := run("example.org --json")
	if err := json.Unmarshal([]byte(strings.TrimSuffix(seen, "exit 0\n")), &all); err != nil || len(all) != 2 || all[0].Client != "thunderbird" {
		t.Errorf("%v in %s", err, seen)
	}
	for line, want := range map[string]string{
		"other.example": "other.example isn't served here\nexit 1", "a..b": "is not a domain name", "example.org --address x": "exit 2",
	} {
		if seen := run(line); !strings.Contains(seen, want) {
			t.Errorf("%s: %s, want %s", line, seen, want)
		}
	}
	// Followed, it says what comes, each once.
	cmd := exec.Command("autoconfig", "trace", "example.org", "--follow", "--json", "--config", "running.yaml")
	cmd.Dir = folder
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for i := range 3 {
		if i == 2 {
			ask("c@example.org")
		}
		if !lines.Scan() || !strings.Contains(lines.Text(), `"format":"autoconfig"`) {
			t.Fatalf("line %d: %q", i, lines.Text())
		}
	}
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if lines.Scan() {
		t.Errorf("one more line: %s", lines.Text())
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("after Ctrl-C: %v", err)
	}
	if seen := shell(t, folder, "autoconfig trace example.org --config autoconfig.yaml"); !strings.Contains(seen, "no service answers there") {
		t.Error(seen)
	}
}
