package main

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"autoconfig/internal/config"
	"autoconfig/internal/testkit"
)

// programBefore is the program of the last commit before the present schema, which is
// built from the repository's history, and its schema's version.
func programBefore(t *testing.T) (program string, schema int) {
	t.Helper()
	testkit.Need(t, "git", "go")
	migrations, err := filepath.Glob("../../internal/store/migrations/postgres/*.sql")
	if err != nil || len(migrations) < 2 {
		t.Fatal(migrations, err)
	}
	slices.Sort(migrations)
	git := func(args ...string) string {
		t.Helper()
		out, err := exec.Command("git", args...).Output()
		if err != nil || len(out) == 0 {
			testkit.Need(t, "the repository's history, to build the program before the present schema")
		}
		return strings.TrimSpace(string(out))
	}
	added := git("log", "--diff-filter=A", "--format=%H", "-1", "--", migrations[len(migrations)-1])
	source := t.TempDir()
	unpack := exec.Command("sh", "-c", `git archive "$1" | tar -x -C "$0"`, source, git("rev-parse", added+"~1"))
	unpack.Dir = "../.."
	build := exec.Command("go", "build", "-o", filepath.Join(source, "before"), "./cmd/autoconfig")
	build.Dir = source
	for _, cmd := range []*exec.Cmd{unpack, build} {
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	return build.Args[3], len(migrations) - 1
}

// Two replicas of the program before the present schema are replaced one after the
// other, while programs ask and a panel changes: no request fails, and what is changed
// through either is served by both.
func TestARollingUpgradeLosesNoRequest(t *testing.T) {
	t.Parallel()
	before, schema := programBefore(t)
	r := &replicas{
		t: t, server: testkit.StartPostgreSQL(t).DatabaseServer, folder: t.TempDir(), running: make([]*process, 2),
		client: &http.Client{Timeout: time.Minute, Transport: &http.Transport{DisableKeepAlives: true}},
	}
	database := r.server.Create(t)
	for name, text := range map[string]string{
		"site.yaml":       string(config.Demo),
		"autoconfig.yaml": "public_url: https://setup.example.com\ncheck: {every: \"0\"}\nrate_limit: {per_second: 0}\ndatabase: " + strconv.Quote(database) + "\n",
	} {
		if err := os.WriteFile(filepath.Join(r.folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	older := func(args ...string) *exec.Cmd {
		cmd := exec.Command(before, args...)
		cmd.Dir = r.folder
		return cmd
	}
	version := func() string {
		return strings.TrimSpace(r.server.Run(t, database, `SELECT MAX(version_id) FROM autoconfig_schema;`))
	}
	for _, args := range [][]string{
		{"apply"},
		{"account", "add", moving, "--protocol", "pop3"},
		{"token", "create", "panel", "--scopes", "accounts:read,accounts:write", "--domains", "*"},
	} {
		out, err := older(args...).Output()
		if err != nil {
			t.Fatalf("%s: %v\n%s", args, err, out)
		}
		r.token = strings.TrimSpace(string(out)) // that of the last one
	}
	now := time.Now()
	r.changes = []moved{{now, now, "pop3"}}
	for i := range r.running {
		r.running[i] = begin(t, older("serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"))
		eventually(t, "http://"+r.running[i].public+"/mail/config-v1.1.xml?emailaddress="+moving, `type="pop3"`)
	}
	if got := version(); got != strconv.Itoa(schema) {
		t.Fatalf("the schema before is %s, not %d", got, schema)
	}

	end := r.load()
	defer end()
	protocols := []string{"imap", "pop3"}
	each := func() {
		for i := range 4 { // through each of them, twice
			r.change(protocols[i%2], i)
			r.served()
		}
	}
	each()
	r.restart(0)
	if got := version(); got != strconv.Itoa(schema+1) {
		t.Errorf("the schema is %s after the first, not %d", got, schema+1)
	}
	each() // the older one goes on with the newer schema
	r.restart(1)
	each()
	end()
	r.judge()
	if n := len(r.answers); n < 100 {
		t.Errorf("only %d requests", n)
	}
}
