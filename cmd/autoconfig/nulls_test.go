package main

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"autoconfig/internal/testkit"
)

// printing are commands that print JSON, by their names: as they are in an empty site,
// where lists are empty.
var printing = map[string][]string{
	"account list": {"account list"},
	"account show": {"account show bare@bare.example"},
	"apply":        {"apply --dry-run", "apply"},
	"backup":       {"backup new.backup"},
	"restore":      {"restore old.backup --replace"},
	"check":        {"check --only dns --resolver DNS bare.example", "check --only dns --resolver DNS gone.example", "check --only pacc --resolver DNS gone.example", "check --all --only pacc --resolver DNS"},
	"dns":          {"dns bare.example", "dns --all", "dns --diff --resolver DNS bare.example"},
	"domain list":  {"domain list"},

	"certificates list": {"certificates list"},
	"certificates show": nil, // has no list in it
	"domain show":       {"domain show bare.example"},
	"explain":           {"explain bare@bare.example", "explain nobody@bare.example"},
	"export site":       {"export"},
	"import accounts":   {"import accounts none.csv", "import accounts none.csv --dry-run"},
	"import domains":    {"import domains none-domains.csv"},
	"import config":     {"import config --dry-run config.xml --domain new.example"},
	"import automx2":    nil, // prints what "import domains" does, and needs a database of its own
	"link show":         {"link show $(autoconfig link list --json | sed -n 's/.*\"id\": \"\\(.*\\)\".*/\\1/p' | head -n 1)"},
	"link create":       {"link create bare@bare.example"},
	"link list":         {"link list"},
	"pacc show":         {"pacc bare.example"},
	"pacc publish":      {"pacc publish bare.example"},
	"simulate":          {"simulate bare@bare.example --resolver DNS --client apple", "simulate bare@bare.example --resolver DNS --client fairemail"},
	"source list":       {"source list"},
	"source check":      {"source check"},
	"staff list":        {"staff list"},
	"token list":        {"token list"},
	"version":           {"version"},
	"message list":      {"message list"},
	"message show":      nil, // has no list in it
	"link send":         nil, // prints what "message show" does, and needs a mail server
	"welcome":           nil, // likewise
	"ready":             nil, // passes on what /readyz says
	"trace":             nil, // needs a running service: TestTrace
}

// No list in what a program reads is null: an empty one is [].
func TestNoListIsNull(t *testing.T) {
	t.Parallel()
	var c cli
	parser, err := kong.New(&c, kong.Name("autoconfig"), kong.Vars{"simulations": "a"}, kong.Writers(io.Discard, io.Discard))
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range parser.Model.Leaves(false) {
		for _, flag := range command.Flags {
			name := strings.TrimPrefix(command.FullPath(), "autoconfig ")
			name = strings.TrimSpace(strings.Split(name+" ", " <")[0])
			if flag.Name == "json" && !slices.Contains(slices.Collect(maps.Keys(printing)), name) {
				t.Errorf("%q prints JSON, and isn't tried here", name)
			}
		}
	}
	folder := t.TempDir()
	for name, text := range map[string]string{
		"autoconfig.yaml":  "public_url: https://setup.example.com\n",
		"site.yaml":        "domains:\n  - {name: bare.example, servers: {imap: {host: imap.bare.example}, smtp: {host: smtp.bare.example}}}\naccounts:\n  - {address: bare@bare.example, name: Bare}\n",
		"none.csv":         "address\n",
		"none-domains.csv": "domain\n",
		"config.xml":       `<clientConfig version="1.1"><emailProvider id="new.example"><domain>new.example</domain><incomingServer type="imap"><hostname>imap.new.example</hostname><port>993</port><socketType>SSL</socketType><authentication>password-cleartext</authentication><username>%EMAILADDRESS%</username></incomingServer><outgoingServer type="smtp"><hostname>smtp.new.example</hostname><port>465</port><socketType>SSL</socketType><authentication>password-cleartext</authentication><username>%EMAILADDRESS%</username></outgoingServer></emailProvider></clientConfig>`,
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if seen := shell(t, folder, "autoconfig apply > /dev/null && autoconfig backup old.backup >/dev/null && echo good"); !strings.HasSuffix(seen, "good\n") {
		t.Fatal(seen)
	}
	server := testkit.StartDNS(t, "127.0.0.1:0", "bare.example. SOA ns.bare.example. h.bare.example. 1 3600 600 86400 60")
	for _, name := range slices.Sorted(maps.Keys(printing)) {
		for _, args := range printing[name] {
			command := exec.Command("sh", "-c", "autoconfig "+strings.ReplaceAll(args, "DNS", server.Addr)+" --json")
			command.Dir = folder
			var errs bytes.Buffer
			command.Stderr = &errs
			out, _ := command.Output() // a finding or a refusal prints JSON too
			d := json.NewDecoder(bytes.NewReader(out))
			printed := 0
			for {
				var v any
				if err := d.Decode(&v); err == io.EOF {
					break
				} else if err != nil {
					t.Fatalf("%s: %v in\n%.2000s%s", args, err, out, errs.String())
				}
				printed++
				if at := nullIn(v, ""); at != "" && at != "/account" { // which is no list
					t.Errorf("%s prints null at %s:\n%.2000s", args, at, out)
				}
			}
			if printed == 0 && command.ProcessState.ExitCode() != exitGood {
				t.Errorf("%s prints nothing: %s", args, errs.String())
			}
		}
	}
}

// nullIn is where a null is, "" for nowhere.
func nullIn(v any, at string) string {
	switch v := v.(type) {
	case nil:
		return at + "/"
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if v[key] == nil {
				return at + "/" + key
			}
			if found := nullIn(v[key], at+"/"+key); found != "" {
				return found
			}
		}
	case []any:
		for _, item := range v {
			if found := nullIn(item, at); found != "" {
				return found
			}
		}
	}
	return ""
}
