package main

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"autoconfig/internal/config"
	"autoconfig/internal/database"
	"autoconfig/internal/staff"
	"autoconfig/internal/store"
)

// The doors through which acts are done.
const (
	byCommand = "command"
	byAPI     = "api"
	byPage    = "page"
)

// act is what may be done, and how each door is asked for it; "" where one doesn't offer
// it. LINK, TOKEN and PERSON stand for the identities of those there are.
type act struct {
	method string // of admin.Admin
	action string // as the audit log has it
	// command is a command line; api is "METHOD /path body"; page is "METHOD /path form".
	command, api, page string
	// looks says that nothing but the log changes.
	looks bool
}

var acts = []act{
	{
		method: "MakeLink", action: "link made",
		command: `link create office@example.com --valid 72h --uses 2 --language de --note ticket-7`,
		api:     `POST /links {"address":"office@example.com","valid_minutes":4320,"uses":2,"language":"de","note":"ticket-7"}`,
		page:    `POST /helpdesk/links address=office@example.com&hours=72&uses=2&language=de&note=ticket-7`,
	},
	{ // the link is the mailbox's domain's, whatever domain was typed
		method: "MakeLink", action: "link made",
		command: `link create led@only.example`,
		api:     `POST /links {"address":"led@only.example"}`,
		page:    `POST /helpdesk/links address=led@only.example&hours=24&uses=1`,
	},
	{ // the link that was printed last
		method: "SendLink", action: "link sent",
		command: `link send URL --to eva@home.test`,
		api:     `POST /messages {"kind":"link","url":"URL","to":"eva@home.test"}`,
	},
	{
		method: "RevokeLink", action: "link revoked",
		command: `link revoke LINK`, api: `DELETE /links/LINK`, page: `POST /helpdesk/links/LINK/revoke`,
	},
	{
		method: "MailLink", action: "link made and sent",
		command: `link create office@example.com --valid 24h --uses 1 --language de --to otto@home.test`,
		api:     `POST /links {"address":"office@example.com","valid_minutes":1440,"uses":1,"language":"de","send_to":"otto@home.test"}`,
	},
	{
		method: "Welcome", action: "welcome sent",
		command: `welcome workshop@example.com --to eva@home.test --language fr`,
		api:     `POST /messages {"kind":"welcome","address":"workshop@example.com","to":"eva@home.test","language":"fr"}`,
	},
	{
		method: "PutAccount", action: "account added",
		command: `account add extra@example.com --protocol pop3 --devices one`,
		api:     `PUT /accounts/extra%40example.com {"protocol":"pop3","devices":"one"}`,
	},
	{
		method: "PutAccount", action: "account changed",
		command: `account set extra@example.com --protocol imap`,
		api:     `PUT /accounts/extra%40example.com {"protocol":"imap","devices":"one"}`,
	},
	{ // beside a mailbox of another source
		method: "PutAccount", action: "account added",
		command: `account add outside+own@example.com --name Own`,
		api:     `PUT /accounts/outside+own%40example.com {"name":"Own"}`,
	},
	{
		method: "PutAccount", action: "account changed",
		command: `account set extra@example.com --name Extra`,
		api:     `PATCH /accounts/extra%40example.com {"name":"Extra"}`,
	},
	{
		method: "RemoveAccount", action: "account removed",
		command: `account remove extra@example.com`, api: `DELETE /accounts/extra%40example.com`,
	},
	{
		method: "PutOverride", action: "override changed",
		command: `account set outside@example.com --protocol pop3 --note why`,
		api:     `PUT /overrides/outside%40example.com {"protocol":"pop3","note":"why"}`,
		page:    `POST /helpdesk/account/override address=outside@example.com&protocol=pop3&note=why`,
	},
	{ // by an alias it is the mailbox's
		method: "PutOverride", action: "override changed",
		command: `account set outside@example.net --protocol imap --note then`,
		api:     `PUT /overrides/outside%40example.net {"protocol":"imap","note":"then"}`,
		page:    `POST /helpdesk/account/override address=outside@example.net&protocol=imap&note=then`,
	},
	{
		method: "PutOverride", action: "override changed",
		command: `account set outside@example.com --note since`,
		api:     `PATCH /overrides/outside%40example.com {"note":"since"}`,
	},
	{
		method: "RemoveOverride", action: "override removed",
		command: `account remove outside@example.com`, api: `DELETE /overrides/outside%40example.com`,
		page: `POST /helpdesk/account/override address=outside@example.com&do=remove`,
	},
	{
		method: "PutDomain", action: "domain added",
		command: `domain add second.example --plan standard`, api: `PUT /domains/second.example {"plan":"standard"}`,
	},
	{
		method: "PutDomain", action: "domain changed",
		command: `domain set second.example --alias Also.example`,
		api:     `PUT /domains/second.example {"plan":"standard","aliases":["Also.example"]}`,
	},
	{
		method: "PutDomain", action: "domain changed",
		command: `domain set second.example --default pop3`, api: `PATCH /domains/second.example {"policy":{"default":"pop3"}}`,
	},
	{
		method: "PutProvider", action: "provider added",
		api: `PUT /providers/another {"name":"Another"}`,
	},
	{
		method: "PutPlan", action: "plan added",
		api: `PUT /plans/another {"provider":"another","servers":{"imap":[{"host":"imap.another.example"}],"smtp":[{"host":"smtp.another.example"}]}}`,
	},
	{method: "PutPlan", action: "plan changed", api: `PATCH /plans/another {"recipient_delimiter":"-"}`},
	{method: "PutProvider", action: "provider changed", api: `PATCH /providers/another {"short_name":"A"}`},
	{method: "OrderCertificate", action: "certificate ordered", command: `certificates order autoconfig.second.example`},
	{method: "PublishPACC", action: "PACC document changed", command: `pacc publish second.example --force`},
	{
		method: "RemoveDomain", action: "domain removed",
		command: `domain remove second.example`, api: `DELETE /domains/second.example`,
	},
	{method: "ImportAccounts", action: "accounts imported", command: `import accounts FOLDER/accounts.csv`},
	{
		method: "ImportAccounts", action: "accounts imported",
		command: `import accounts FOLDER/accounts.jsonl`, api: `POST /imports/accounts {"address":"fifth@example.com","name":"Fifth"}`,
	},
	{method: "ImportDomains", action: "domains imported", command: `import domains FOLDER/domains.csv`},
	{method: "Apply", action: "site applied", command: `apply FOLDER/site.yaml`},
	{
		method: "AddPerson", action: "person added",
		command: `staff add otto --role admin --domains Example.COM`,
		page:    `POST /helpdesk/people name=otto&role=admin&domains=Example.COM`,
	},
	{
		method: "ResetPerson", action: "password reset",
		command: `staff reset otto`, page: `POST /helpdesk/people/PERSON/reset`,
	},
	{
		method: "RemovePerson", action: "person removed",
		command: `staff remove otto`, page: `POST /helpdesk/people/PERSON/remove`,
	},
	{method: "MakeToken", action: "token made", command: `token create tickets --scopes links:read --domains example.com`},
	{method: "RevokeToken", action: "token revoked", command: `token revoke TOKEN`},
	{method: "NoteShown", action: "account shown", page: `GET /helpdesk/account address=office@example.com`, looks: true},
	{method: "NoteExported", action: "audit log exported", page: `GET /helpdesk/audit.csv`, looks: true},
	{method: "Forget", action: "address forgotten", command: `account forget office@example.com --account`},
}

// refusals are what no door does: api is followed by the status and the code, page by
// the status. A command ends with exitFinding.
var refusedActs = []struct{ why, command, api, page string }{
	{
		"a link for a domain that isn't served", `link create x@nowhere.example`,
		`404 not_found POST /links {"address":"x@nowhere.example"}`, `404 POST /helpdesk/links address=x@nowhere.example&hours=1&uses=1`,
	},
	{
		"a link that works a thousand times", `link create office@example.com --uses 1000`,
		`422 order POST /links {"address":"office@example.com","uses":1000}`,
		`400 POST /helpdesk/links address=office@example.com&hours=1&uses=1000`,
	},
	{
		"a message to the mailbox itself", `welcome kiosk@example.com --to kiosk+x@example.net`,
		`422 itself POST /messages {"kind":"welcome","address":"kiosk@example.com","to":"kiosk+x@example.net"}`, ``,
	},
	{
		"a second welcome", `welcome workshop@example.com --to eva@home.test`,
		`409 again POST /messages {"kind":"welcome","address":"workshop@example.com","to":"eva@home.test"}`, ``,
	},
	{
		"a welcome to a domain that isn't served", `welcome x@nowhere.example --to eva@home.test`,
		`404 not_found POST /messages {"kind":"welcome","address":"x@nowhere.example","to":"eva@home.test"}`, ``,
	},
	{
		"a link by mail to nobody's address", `link create office@example.com --to office@example.com`,
		`422 itself POST /links {"address":"office@example.com","send_to":"office@example.com"}`, ``,
	},
	{
		"a link that nobody made, by mail", `link send https://x.example/s/00000000000000000000000000 --to eva@home.test`,
		`404 not_found POST /messages {"kind":"link","url":"https://x.example/s/00000000000000000000000000","to":"eva@home.test"}`, ``,
	},
	{"a link that isn't there", `link revoke x`, `404 not_found DELETE /links/x`, `404 POST /helpdesk/links/x/revoke`},
	{
		"an account in a domain that isn't served", `account add x@nowhere.example`,
		`404 not_found PUT /accounts/x%40nowhere.example {"name":"X"}`, ``,
	},
	{
		"an account that is wrong", `account add x@example.com --devices many`,
		`422 invalid PUT /accounts/x%40example.com {"devices":"many"}`, ``,
	},
	{"an account that another source has", `account add outside@example.com`, `409 outside PUT /accounts/outside%40example.com {}`, ``},
	{
		"another address of an account that another source has", `account add led@example.com`,
		`409 outside PUT /accounts/led%40example.com {}`, ``,
	},
	{
		"an address that another account has", `account add x@example.com --also office@example.com`,
		`409 exists PUT /accounts/x%40example.com {"addresses":["office@example.com"]}`, ``,
	},
	{"an account by another address of it", `account remove repairs@example.com`, `404 not_found DELETE /accounts/repairs%40example.com`, ``},
	{"an account that isn't there", `account remove nobody@example.com`, `404 not_found DELETE /accounts/nobody%40example.com`, ``},
	{
		"an override of an account of ours", `account set office@example.com --note why`,
		`400 json PUT /overrides/office%40example.com {"note":"why"}`, ``,
	},
	{
		"an override of nobody", `account set nobody@example.com --protocol pop3`,
		`404 not_found PUT /overrides/nobody%40example.com {"protocol":"pop3"}`, ``,
	},
	{
		"a protocol without a server", `account set someone@only.example --protocol pop3`,
		`400 json PUT /overrides/someone%40only.example {"protocol":"pop3"}`, ``,
	},
	{
		"an override that is wrong", `account set outside@example.com --devices many`,
		`422 invalid PUT /overrides/outside%40example.com {"devices":"many"}`, ``,
	},
	{"an override that isn't there", `account remove someone@only.example`, `404 not_found DELETE /overrides/someone%40only.example`, ``},
	{
		"a domain with a plan that isn't there", `domain add third.example --plan nope`,
		`422 invalid PUT /domains/third.example {"plan":"nope"}`, ``,
	},
	{
		"a domain that takes another's name", `domain add third.example --plan standard --alias example.net`,
		`422 invalid PUT /domains/third.example {"plan":"standard","aliases":["example.net"]}`, ``,
	},
	{
		"a source that isn't configured", `apply FOLDER/nosource.yaml`,
		`400 json PUT /domains/third.example {"plan":"standard","sources":["nope"]}`, ``,
	},
	{"a domain by an alias of it", `domain remove example.net`, `404 not_found DELETE /domains/example.net?accounts=true`, ``},
	{"a domain that isn't there", `domain remove nowhere.example`, `404 not_found DELETE /domains/nowhere.example`, ``},
	{"a domain that has accounts", `domain remove example.com`, `409 has_accounts DELETE /domains/example.com`, ``},
	{"a person for an alias", `staff add x --domains example.net`, ``, `422 POST /helpdesk/people name=x&role=staff&domains=example.net`},
	{
		"a person for a domain that isn't served", `staff add x --domains nowhere.example`, ``,
		`422 POST /helpdesk/people name=x&role=staff&domains=nowhere.example`,
	},
	{"a person whose name is taken", `staff add eva`, ``, `422 POST /helpdesk/people name=eva&role=staff&domains=*`},
	{"a person who isn't there", `staff remove nobody`, ``, `404 POST /helpdesk/people/nobody/remove`},
	{"a new password for nobody", `staff reset nobody`, ``, `404 POST /helpdesk/people/nobody/reset`},
	{"oneself", ``, ``, `422 POST /helpdesk/people/EVA/remove`},
	{"a token for nothing that there is", `token create x --scopes nope --domains *`, ``, ``},
	{"a token that isn't there", `token revoke nope`, ``, ``},
	{"an import with a mistake", `import accounts FOLDER/wrong.csv`, `422 lines POST /imports/accounts {"address":"third@example.com","devices":"many"}`, ``},
}

// doorway is one site that is changed through one door, as far as that goes, and by
// commands else.
type doorway struct {
	door   string
	folder string
	db     *database.DB
	client *http.Client
	base   string
	token  string
	url    string // of the link that was made last
}

// Each act does the same through every door that offers it, and writes the same line of
// the audit log: if that can't be written, nothing is changed; if the change fails at its
// end, nothing is written. What one door refuses, all do.
func TestEveryActByEveryDoor(t *testing.T) {
	t.Parallel()
	var doorways []*doorway
	for _, door := range []string{byCommand, byAPI, byPage} {
		doorways = append(doorways, newDoorway(t, door))
	}
	for _, a := range acts {
		var effects, entries []string
		for _, d := range doorways {
			ask := map[string]string{byCommand: a.command, byAPI: a.api, byPage: a.page}[d.door]
			door := d.door
			if ask == "" {
				door, ask = byCommand, a.command
			}
			switch {
			case ask == "": // only a page offers it
			case door != d.door:
				d.do(t, door, ask) // to have all sites alike
				effects = append(effects, d.effect(t))
			default:
				entries = append(entries, d.oneAct(t, a, ask))
				effects = append(effects, d.effect(t))
			}
		}
		if len(slices.Compact(slices.Clone(effects))) > 1 {
			t.Errorf("%s has not the same effect by every door:\n%s", a.action, strings.Join(effects, "\n\n"))
		}
		if len(slices.Compact(slices.Clone(entries))) > 1 {
			t.Errorf("%s is not written down alike by every door: %q", a.action, entries)
		}
	}
	for _, d := range doorways {
		fillAgain(t, d)
		d.refuses(t)
	}
}

// oneAct does an act through the doorway's own door, and gives what is written of it.
func (d *doorway) oneAct(t *testing.T, a act, ask string) string {
	t.Helper()
	before, logged := d.tables(t), column(t, d.db, `SELECT id FROM audit`)
	for name, trigger := range map[string]string{
		"the entry":                       `CREATE TRIGGER fails BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'the log is full'); END`,
		"what is written after the entry": `CREATE TRIGGER fails AFTER INSERT ON audit BEGIN SELECT RAISE(ABORT, 'the disk is full'); END`,
	} {
		execute(t, d.db, trigger)
		status, said := d.do(t, d.door, ask)
		execute(t, d.db, `DROP TRIGGER fails`)
		if d.door == byCommand && (status != exitFailure || !strings.Contains(said, "is full")) || d.door != byCommand && status < 500 {
			t.Errorf("%s by %s, where %s fails: %d %s", ask, d.door, name, status, said)
		}
		if after := d.tables(t); after != before {
			t.Errorf("%s by %s, where %s fails, was done:\n%s\n%s", ask, d.door, name, before, after)
		}
	}
	status, said := d.do(t, d.door, ask)
	if d.door == byCommand && status != exitGood || d.door != byCommand && status >= 400 {
		t.Errorf("%s by %s: %d %s", ask, d.door, status, said)
	}
	if changed := d.tables(t) != before; changed == a.looks {
		t.Errorf("%s by %s: something has changed: %v", ask, d.door, changed)
	}
	now := column(t, d.db, `SELECT action, subject, domain, detail, actor FROM audit ORDER BY id`)
	if len(now) != len(logged)+1 {
		t.Fatalf("%s by %s is written down as %q", ask, d.door, now[min(len(logged), len(now)):])
	}
	who := map[string]string{byCommand: "command line", byAPI: "token:panel", byPage: "staff:eva"}[d.door]
	entry, isBy := strings.CutSuffix(now[len(now)-1], " "+who)
	if !isBy || !strings.HasPrefix(entry, a.action+" ") {
		t.Errorf("%s by %s is written down as %q", ask, d.door, now[len(now)-1])
	}
	return randomWord.ReplaceAllString(entry, "ID")
}

var randomWord = regexp.MustCompile(`\b(forgotten-)?[0-9a-z]{10}([0-9a-z]{14})?\b`)

var setupLink = regexp.MustCompile(`https?://[^\s"<]+/s/[0-9a-v]{26}`)

// effect is what an act changes, without times and what is random.
func (d *doorway) effect(t *testing.T) string {
	t.Helper()
	var all []string
	for _, query := range []string{
		`SELECT name, document FROM domains ORDER BY name`, `SELECT name, domain FROM domain_names ORDER BY name`,
		`SELECT document FROM accounts ORDER BY address`, `SELECT address, account > 0 FROM addresses ORDER BY address`,
		`SELECT address, domain, protocol, devices, note FROM overrides ORDER BY address`,
		`SELECT address LIKE '%@%', domain, language, note, uses, expires_at - made_at, revoked_at > 0 FROM links ORDER BY domain, uses, language, expires_at - made_at`,
		`SELECT kind, address, recipient, domain, language, link = '', made_by = '' FROM messages ORDER BY recipient, kind, address`,
		`SELECT name, role, domains, second IS NULL FROM people ORDER BY name`, `SELECT name, scopes, domains FROM tokens ORDER BY name`,
	} {
		all = append(all, column(t, d.db, query)...)
	}
	return strings.Join(all, "\n")
}

// refuses tries what isn't done.
func (d *doorway) refuses(t *testing.T) {
	t.Helper()
	before, logged := d.tables(t), column(t, d.db, `SELECT id FROM audit`)
	for _, r := range refusedActs {
		ask := map[string]string{byCommand: r.command, byAPI: r.api, byPage: r.page}[d.door]
		if ask == "" {
			continue
		}
		want := ""
		switch d.door {
		case byCommand:
			want = fmt.Sprint(exitFinding)
		case byAPI:
			fields := strings.SplitN(ask, " ", 3)
			want, ask = fields[0]+" "+fields[1], fields[2]
		case byPage:
			want, ask, _ = strings.Cut(ask, " ")
		}
		status, said := d.do(t, d.door, ask)
		got := fmt.Sprint(status)
		if d.door == byAPI {
			var problem struct{ Code string }
			_ = json.Unmarshal([]byte(said), &problem) // else it has no code
			got += " " + problem.Code
		}
		if got != want {
			t.Errorf("%s by %s: %s, want %s: %s", r.why, d.door, got, want, said)
		}
		if after := d.tables(t); after != before {
			t.Fatalf("%s by %s was done:\n%s\n%s", r.why, d.door, before, after)
		}
	}
	if now := column(t, d.db, `SELECT id FROM audit`); len(now) != len(logged) {
		t.Errorf("refusals by %s are written down: %q", d.door, now[len(logged):])
	}
}

const doorsSite = `plans:
  - name: standard
    servers:
      imap: {host: imap.example.com}
      pop3: {host: pop.example.com}
      smtp: {host: smtp.example.com}
domains:
  - {name: example.com, aliases: [example.net], plan: standard}
  - {name: only.example, servers: {imap: {host: imap.example.com}, smtp: {host: smtp.example.com}}}
accounts:
  - {address: office@example.com, name: Office}
  - {address: workshop@example.com, protocol: pop3, addresses: [repairs@example.com]}
`

func newDoorway(t *testing.T, door string) *doorway {
	t.Helper()
	d := &doorway{door: door, folder: t.TempDir()}
	writeFile(t, d.folder, "first.yaml", doorsSite)
	writeFile(t, d.folder, "site.yaml", doorsSite+"  - {address: fourth@example.com, name: Fourth}\n")
	writeFile(t, d.folder, "nosource.yaml", strings.Replace(doorsSite, "plan: standard}", "plan: standard, sources: [nope]}", 1))
	writeFile(t, d.folder, "accounts.csv", "address,name\nthird@example.com,Third\n")
	writeFile(t, d.folder, "accounts.jsonl", `{"address":"fifth@example.com","name":"Fifth"}`+"\n")
	writeFile(t, d.folder, "wrong.csv", "address,devices\nthird@example.com,many\n")
	writeFile(t, d.folder, "domains.csv", "domain,plan\nthird.example,standard\n")
	writeFile(t, d.folder, "autoconfig.yaml", `public_url: https://setup.example.com
database: sqlite:autoconfig.db
check: {every: "0"}
rate_limit: {per_second: 0}
smtp: {host: 127.0.0.1, port: 1, security: none, from: noreply@example.com}
sources:
  - name: panel
    sql: {database: "sqlite:panel.db", account: "SELECT mailbox AS address FROM people WHERE email = :address"}
`)
	panel := openDatabase(t, "sqlite:panel.db", d.folder)
	execute(t, panel, `CREATE TABLE people (email TEXT PRIMARY KEY, mailbox TEXT)`)
	execute(t, panel, `INSERT INTO people VALUES ('outside@example.com', 'outside@example.com'), ('led@example.com', 'outside@example.com'),
		('led@only.example', 'outside@example.com'), ('someone@only.example', 'someone@only.example')`)
	d.must(t, "apply FOLDER/first.yaml")
	d.token = d.must(t, "token create panel --days 1 --domains * --scopes "+strings.Join(staff.Scopes, ","))
	password := d.must(t, "staff add eva --role admin")
	d.db = openDatabase(t, "sqlite:autoconfig.db", d.folder)
	key := d.enrol(t)
	if door == byCommand {
		return d
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	d.client = &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	d.base = "http://" + serve(t, d.folder).private
	for _, step := range []string{"sign-in name=eva&password=" + password, "code code=" + staff.Code(key, time.Now())} {
		if status, said := d.do(t, byPage, "POST /helpdesk/"+step); status != http.StatusSeeOther {
			t.Fatalf("the sign-in: %d %s", status, said)
		}
	}
	return d
}

// enrol gives eva a second factor.
func (d *doorway) enrol(t *testing.T) (key []byte) {
	t.Helper()
	db, err := store.Open(t.Context(), database.Address{Kind: database.SQLite, File: "autoconfig.db"}, store.Options{Folder: d.folder})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	secret, err := config.LoadSecret(filepath.Join(d.folder, "autoconfig.secret"))
	if err != nil {
		t.Fatal(err)
	}
	desk, err := staff.NewDesk(db, secret, false)
	if err != nil {
		t.Fatal(err)
	}
	eva, err := db.PersonBySubject(t.Context(), "", "eva")
	if err != nil {
		t.Fatal(err)
	}
	key = staff.NewTOTPKey()
	desk.Now = func() time.Time { return time.Now().Add(-10 * time.Minute) } // the code of now isn't used up
	if _, _, err := desk.Enrol(t.Context(), eva, key, staff.Code(key, desk.Now())); err != nil {
		t.Fatal(err)
	}
	return key
}

// fillAgain brings the first site back.
func fillAgain(t *testing.T, d *doorway) {
	t.Helper()
	d.must(t, "apply FOLDER/first.yaml")
	if d.door == byCommand {
		return
	}
	deadline := time.Now().Add(time.Minute)
	for { // a running service has it within a second
		if status, _ := d.do(t, byAPI, "GET /accounts/office%40example.com"); status == http.StatusOK {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the site isn't served again")
		}
	}
}

// must runs a command that must do what it says, and gives what it prints.
func (d *doorway) must(t *testing.T, line string) string {
	t.Helper()
	status, said := d.do(t, byCommand, line)
	if status != exitGood {
		t.Fatalf("%s: %d %s", line, status, said)
	}
	return strings.TrimSpace(said)
}

// do asks a door, and gives the exit status or that of HTTP, and what is said.
func (d *doorway) do(t *testing.T, door, ask string) (status int, said string) {
	t.Helper()
	for word, query := range map[string]string{
		"LINK":   `SELECT id FROM links WHERE revoked_at = 0 ORDER BY made_at, uses DESC`,
		"TOKEN":  `SELECT id FROM tokens WHERE name <> 'panel'`,
		"PERSON": `SELECT id FROM people WHERE name = 'otto'`,
		"EVA":    `SELECT id FROM people WHERE name = 'eva'`,
	} {
		if strings.Contains(ask, word) {
			ask = strings.ReplaceAll(ask, word, column(t, d.db, query)[0])
		}
	}
	ask = strings.ReplaceAll(strings.ReplaceAll(ask, "FOLDER", d.folder), "URL", d.url)
	defer func() {
		if made := setupLink.FindString(said); made != "" && status < http.StatusBadRequest {
			d.url = made
		}
	}()
	if door == byCommand {
		args := append([]string{"--config", d.folder + "/autoconfig.yaml"}, strings.Fields(ask)...)
		status, out, errs := command(t, "", args...)
		return status, out + errs
	}
	words := append(strings.SplitN(ask, " ", 3), "")
	method, path, body := words[0], words[1], words[2]
	header := http.Header{"Sec-Fetch-Site": {"same-origin"}, "Content-Type": {"application/x-www-form-urlencoded"}}
	if door == byAPI {
		path, header = "/api/v1"+path, http.Header{"Authorization": {"Bearer " + d.token}}
	} else if method == http.MethodGet {
		path, body = path+"?"+body, ""
	}
	r, err := http.NewRequestWithContext(t.Context(), method, d.base+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = header
	answer, err := d.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(answer.Body)
	_ = answer.Body.Close()
	return answer.StatusCode, string(text)
}

// reading are the methods of admin.Admin that an actor asks and that do nothing.
var reading = []string{"Link", "Near", "People", "Message", "Messages", "RenderWelcome"}

// readingCommands are the commands that do nothing to the site, or that aren't acts:
// backup and restore take all of it, with the audit log.
var readingCommands = []string{
	"certificates list", "certificates show",
	"serve", "ready", "init", "version", "completion", "manual", "backup", "restore", "export", "explain", "render", "check", "dns", "simulate",
	"domain list", "domain show", "account list", "account show", "source list", "source check", "source presets", "pacc show", "trace",
	"link list", "link show", "message list", "message show", "staff list", "token list",
	"import config", "import automx2", // as import domains
}

// Nothing that may be done is missing among the acts that are tried.
func TestEveryActIsTried(t *testing.T) {
	t.Parallel()
	tried := func(is func(act) bool) bool { return slices.ContainsFunc(acts, is) }
	for _, method := range adminMethods(t) {
		if method == "RevokeCertificate" || method == "OrderCheck" {
			continue // need an ACME server, and a service that checks: TestCertificatesAreSeenAndRevoked, TestPlansDomainsAndChecks
		}
		if !slices.Contains(reading, method) && !tried(func(a act) bool { return a.method == method }) {
			t.Errorf("admin.Admin.%s has no row in acts", method)
		}
	}
	parser, err := kong.New(&cli{}, kong.Name("autoconfig"), kong.Vars{"simulations": "x"})
	if err != nil {
		t.Fatal(err)
	}
	for _, leaf := range parser.Model.Leaves(false) {
		path := strings.TrimPrefix(leaf.Path(), "autoconfig ")
		name := strings.Join(slices.DeleteFunc(strings.Fields(path), func(w string) bool { return w[0] == '<' || w[0] == '[' }), " ")
		if name == "certificates revoke" || name == "secret accept" { // see above, and TestServeNoticesAnotherSecret
			continue
		}
		if !slices.ContainsFunc(readingCommands, func(r string) bool { return name == r || strings.HasPrefix(name, r+" ") }) &&
			!tried(func(a act) bool { return strings.HasPrefix(a.command, name+" ") }) {
			t.Errorf("the command %q has no row in acts", name)
		}
	}
	for _, route := range apiRoutes(t) {
		if route.MatchString("POST /checks/example.com") { // see above
			continue
		}
		if !tried(func(a act) bool { return route.MatchString(a.api) }) {
			t.Errorf("%s of the API has no row in acts", route)
		}
	}
}

// adminMethods are the exported methods of admin.Admin that somebody does.
func adminMethods(t *testing.T) (methods []string) {
	t.Helper()
	files, err := filepath.Glob("../../internal/admin/*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		syntax, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range syntax.Decls {
			f, is := decl.(*ast.FuncDecl)
			if !is || f.Recv == nil || !f.Name.IsExported() {
				continue
			}
			for _, field := range f.Type.Params.List {
				if of, is := field.Type.(*ast.SelectorExpr); is && of.Sel.Name == "Actor" {
					methods = append(methods, f.Name.Name)
				}
			}
		}
	}
	if len(methods) < 10 {
		t.Errorf("only %q", methods)
	}
	return methods
}

// apiRoutes are those of the API that change something.
func apiRoutes(t *testing.T) (routes []*regexp.Regexp) {
	t.Helper()
	files, err := filepath.Glob("../../internal/*/openapi.json")
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	var document struct {
		Paths map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	parameter := regexp.MustCompile(`\\\{[a-z]+\\\}`)
	for path, methods := range document.Paths {
		for method := range methods {
			if method != "get" && method != "parameters" {
				pattern := parameter.ReplaceAllString(regexp.QuoteMeta(path), `[^/ ]+`)
				routes = append(routes, regexp.MustCompile(`^`+strings.ToUpper(method)+` `+pattern+`( |$)`))
			}
		}
	}
	if len(routes) < 5 {
		t.Errorf("only %q", routes)
	}
	return routes
}

// tables are those that acts change, without the log.
func (d *doorway) tables(t *testing.T) string {
	t.Helper()
	names := []string{"providers", "plans", "domains", "domain_names", "accounts", "addresses", "digests", "overrides", "links", "people", "tokens", "certificates"}
	if d.door == byCommand { // a service changes these by itself
		names = append(names, "meta", "pacc", "sessions", "messages")
	}
	var all []string
	for _, name := range names {
		rows := column(t, d.db, "SELECT * FROM "+name)
		slices.Sort(rows)
		all = append(all, name+":\n"+strings.Join(rows, "\n"))
	}
	all = append(all, column(t, d.db, "SELECT id, kind, recipient FROM messages ORDER BY id")...)
	return strings.Join(all, "\n")
}

func execute(t *testing.T, db *database.DB, statement string) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}
