package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"autoconfig/internal/config"
	"autoconfig/internal/testkit"
)

// homes are a folder's databases.
var homes = map[string]func(t *testing.T) string{
	"sqlite":     func(*testing.T) string { return "sqlite:autoconfig.db" },
	"postgresql": func(t *testing.T) string { return testkit.StartPostgreSQL(t).Create(t) },
	"mariadb":    func(t *testing.T) string { return testkit.StartMariaDB(t).Create(t) },
}

// An operator backs up while the service runs and is changed, and restores in a new
// folder, into another kind of database: no account has another protocol, login or
// reason, and what people and programs were given works.
func TestAnOperatorRestoresABackup(t *testing.T) {
	t.Parallel()
	testkit.Need(t, "curl")
	for from, to := range map[string]string{"sqlite": "postgresql", "postgresql": "mariadb", "mariadb": "sqlite"} {
		t.Run(from+" to "+to, func(t *testing.T) {
			t.Parallel()
			operatorRestores(t, homes[from](t), homes[to](t))
		})
	}
}

// addresses are of our own accounts, of the panel's, and of nobody.
var addresses = []string{
	"office@example.com", "workshop@example.com", "kiosk@example.com", "own@example.com", "OWN+tag@example.net", "other@example.com",
	"good@example.com", "one@example.com", "same@example.com", "nobody@example.com",
}

func operatorRestores(t *testing.T, from, to string) {
	old, next := t.TempDir(), t.TempDir()
	do := func(folder, line string) string {
		t.Helper()
		seen := shell(t, folder, "autoconfig "+line+" || echo FAILED")
		if strings.Contains(seen, "FAILED") {
			t.Fatalf("%s\n%s", line, seen)
		}
		return seen
	}
	configure := func(folder, database string) {
		t.Helper()
		panelFile(t, folder)
		text := fmt.Sprintf("database: %q\ncheck: {every: \"0\"}\n%s", database, panelConfig)
		if err := os.WriteFile(filepath.Join(folder, "autoconfig.yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	configure(old, from)
	if err := os.WriteFile(filepath.Join(old, "site.yaml"), config.Demo, 0o600); err != nil {
		t.Fatal(err)
	}
	do(old, "apply")
	before := serve(t, old)
	do(old, "account add own@example.com --protocol pop3 --login 00123 --also other@example.com")
	do(old, "account set one@example.com --protocol pop3 --note 'asked for it'")
	do(old, "account set good@example.com --protocol imap")
	do(old, "pacc publish example.com --force")
	token := lastLine(do(old, "token create panel --scopes decisions:read --domains example.com 2>/dev/null"))
	password := lastLine(do(old, "staff add eva --role admin 2>/dev/null"))
	link := strings.TrimPrefix(lastLine(do(old, "link create one@example.com 2>/dev/null")), "https://setup.example.com")

	ctx, stop := context.WithCancel(t.Context())
	var writers sync.WaitGroup
	defer writers.Wait()
	defer stop()
	writers.Go(func() { // whatever of it is in the backup
		for i := 0; ctx.Err() == nil; i++ {
			shell(t, old, fmt.Sprintf("autoconfig account add late%d@example.com --protocol pop3", i))
		}
	})
	do(old, "backup all.backup")
	stop()
	writers.Wait()

	configure(next, to)
	shell(t, next, "cp "+old+"/all.backup "+old+"/autoconfig.secret .")
	if seen := do(next, "restore all.backup"); !strings.Contains(seen, "2 overrides, 2 PACC documents, 1 link, 1 person, 1 token") || strings.Contains(seen, "warning") {
		t.Errorf("restored:\n%s", seen)
	}
	after := serve(t, next)
	for _, address := range addresses {
		same(t, "explain "+address, do(old, "explain --json "+address), do(next, "explain --json "+address))
		for _, at := range []string{"/mail/config-v1.1.xml?emailaddress=", "/email.mobileconfig?emailaddress="} {
			ask := func(p *process) string {
				return shell(t, "", "curl -s -i 'http://"+p.public+at+url.QueryEscape(address)+"' | grep -v '^Date:'")
			}
			same(t, at+address, ask(before), ask(after))
		}
	}
	pacc := func(p *process) string {
		return shell(t, "", "curl -s -H 'Host: ua-auto-config.example.com' http://"+p.public+"/.well-known/user-agent-configuration.json")
	}
	same(t, "PACC", pacc(before), pacc(after))
	status := func(line string) string { return shell(t, "", "curl -s -o /dev/null -w '%{http_code}' "+line) }
	for what, c := range map[string]struct{ seen, want string }{
		"the token":       {status("-H 'Authorization: Bearer " + token + "' http://" + after.private + "/api/v1/decisions/one%40example.com"), "200"},
		"another token":   {status("-H 'Authorization: Bearer x" + token + "' http://" + after.private + "/api/v1/decisions/one%40example.com"), "401"},
		"the person":      {status("-d name=eva -d password=" + password + " http://" + after.private + "/helpdesk/sign-in"), "303"},
		"another one":     {status("-d name=eva -d password=x" + password + " http://" + after.private + "/helpdesk/sign-in"), "401"},
		"the link":        {status("http://" + after.public + link), "200"},
		"the link's use":  {status("-d do=settings http://" + after.public + link), "303"},
		"one more use":    {status("-d do=settings http://" + after.public + link), "410"},
		"nobody's link":   {status("http://" + after.public + link + "x"), "404"},
		"the old service": {status("http://" + before.public + link), "200"},
	} {
		if c.seen != c.want {
			t.Errorf("%s: %s, want %s", what, c.seen, c.want)
		}
	}
	audit := do(next, "staff list")
	if !strings.Contains(audit, "eva") {
		t.Errorf("people:\n%s", audit)
	}
	// A second restore, under the running service, which has it within a second.
	do(next, "account set workshop@example.com --protocol imap")
	eventually(t, "http://"+after.public+"/mail/config-v1.1.xml?emailaddress=workshop%40example.com", `type="imap"`)
	do(next, "restore all.backup --replace")
	eventually(t, "http://"+after.public+"/mail/config-v1.1.xml?emailaddress=workshop%40example.com", `type="pop3"`)
}

func same(t *testing.T, what, before, after string) {
	t.Helper()
	if before != after || before == "" {
		t.Errorf("%s: was\n%.2000s\nis\n%.2000s", what, before, after)
	}
}

func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndexByte(text, '\n')+1:]
}

// What export writes, apply restores, overrides with it; it says what it leaves
// behind, and a file that says nothing of overrides leaves them.
func TestExportCarriesOverrides(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	panelFile(t, folder)
	for name, text := range map[string]string{"autoconfig.yaml": panelConfig, "site.yaml": string(config.Demo)} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	shows := func(line, want string) {
		t.Helper()
		if seen := shell(t, folder, line); !strings.Contains(seen, want) {
			t.Errorf("%s shows\n%.2000s\nwant %s", line, seen, want)
		}
	}
	shows("autoconfig apply", "Applied")
	shows("autoconfig export 2>&1 >/dev/null; echo end", "end")
	shows("autoconfig account set one@example.com --protocol pop3 --note 'a: \"b\"' && autoconfig link create one@example.com", "https://")
	shows("autoconfig export 2>&1 >kept.yaml", "not in this file: 1 link, 3 entries of the audit log; autoconfig backup keeps everything")
	shows("autoconfig apply --dry-run kept.yaml", "Nothing changes.")
	shows("autoconfig apply && autoconfig explain one@example.com", "protocol  POP3")
	shows("autoconfig account set one@example.com --protocol imap && autoconfig apply --dry-run kept.yaml", "~ override one@example.com\n")
	shows("autoconfig apply kept.yaml && autoconfig explain one@example.com", "protocol  POP3")
	shows("autoconfig export 2>/dev/null | diff - kept.yaml && echo the same", "the same")
	shows("rm autoconfig.db* && autoconfig apply kept.yaml && autoconfig explain one@example.com", "protocol  POP3")
	shows("sed -i '/^overrides:/,$d' kept.yaml && echo 'overrides: []' >> kept.yaml && autoconfig apply kept.yaml && autoconfig explain one@example.com", "protocol  IMAP")
}
