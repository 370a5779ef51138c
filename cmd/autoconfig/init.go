package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"autoconfig/internal/config"
	"autoconfig/internal/database"
	"autoconfig/settings"
)

type initCmd struct {
	Dir       string `help:"The folder to write to." default:"."`
	State     string `help:"The folder for the database and the secret, if that is another one." placeholder:"DIR"`
	Domain    string `help:"Your mail domain."`
	Provider  string `help:"The name to show to people; by default the domain."`
	IMAP      string `name:"imap" help:"IMAP server HOST[:PORT][/tls|starttls]; \"none\" for none." placeholder:"SERVER"`
	POP3      string `name:"pop3" help:"POP3 server, likewise." placeholder:"SERVER"`
	SMTP      string `name:"smtp" help:"Submission server, likewise." placeholder:"SERVER"`
	PublicURL string `name:"public-url" help:"The URL at which this service is reached from outside." placeholder:"URL"`
	Offline   bool   `help:"Don't look for the domain's mail servers, to offer them."`
	resolverFlag
}

func (i *initCmd) Help() string {
	return `Writes autoconfig.yaml (the process), site.yaml (what it serves) and the secret that
keys derive from. It asks for whatever the flags don't give, and overwrites no
file.

It offers the servers that it finds by the domain's SRV and MX records and under the
usual names, if the port is open and the certificate matches the name. If a server
answers but something is wrong with it, it says what.

Examples:
  autoconfig init
  autoconfig init --domain example.org --imap mail.example.org --pop3 none --smtp mail.example.org --public-url https://autoconfig.example.org`
}

func (i *initCmd) Run(c *call) error {
	ask := asker{c: c, lines: bufio.NewScanner(c.std.in)}
	name := ask.right("Your mail domain", i.Domain, "", isDomain)
	if ask.err != nil {
		return ask.err
	}
	name, err := parseDomain(name)
	if err != nil {
		return err
	}
	values := starter{Domain: name, Provider: i.Provider}
	if i.Domain != "" && i.Provider == "" { // by flags: what the help says
		values.Provider = name
	}
	values.Provider = ask.right("Name to show to people", values.Provider, name, settings.CheckText)
	offer := i.offers(c, &ask, name)
	imap := ask.right("IMAP server (HOST[:PORT][/tls|starttls], or none)", i.IMAP, offer[settings.IMAP], isServer(settings.IMAP))
	pop3 := ask.right("POP3 server (likewise)", i.POP3, offer[settings.POP3], isServer(settings.POP3))
	smtp := ask.right("Submission server (likewise)", i.SMTP, offer[settings.SMTP], isServer(settings.SMTP))
	values.PublicURL = ask.right("Where this service is reached from outside", i.PublicURL, "https://autoconfig."+name, isPublicURL)
	if ask.err != nil {
		return ask.err
	}
	if values.Servers, err = starterServers(imap, pop3, smtp); err != nil {
		return err
	}
	return values.write(c, i.Dir, i.State)
}

func isDomain(text string) error {
	_, err := parseDomain(text)
	return err
}

// isServer judges a server as the site file's reader does.
func isServer(protocol settings.Protocol) func(text string) error {
	return func(text string) error {
		servers, err := parseServers([]string{text})
		for _, server := range servers {
			for _, p := range server.Normalize(protocol).Check(protocol, "").Errors() {
				return errors.New(p.Text)
			}
		}
		return err
	}
}

func isPublicURL(text string) error {
	var u config.BaseURL
	return u.UnmarshalText([]byte(text))
}

// asker asks for what isn't given by a flag.
type asker struct {
	c     *call
	lines *bufio.Scanner
	err   error
}

// right asks until the answer is one that can be used. What a flag gives is judged with
// the files that are made of it.
func (a *asker) right(question, given, otherwise string, judge func(string) error) string {
	for {
		text := a.answer(question, given, otherwise)
		if given != "" || a.err != nil {
			return text
		}
		err := judge(text)
		if err == nil {
			return text
		}
		fmt.Fprintf(a.c.std.err, "%v. Once more:\n", err)
	}
}

func (a *asker) answer(question, given, otherwise string) string {
	if given != "" || a.err != nil {
		return given
	}
	if otherwise != "" {
		question += " [" + otherwise + "]"
	}
	fmt.Fprint(a.c.std.err, question+": ")
	if !a.lines.Scan() {
		a.err = errors.Join(fmt.Errorf("no answer to %q; give it by a flag: autoconfig init --help", question), a.lines.Err())
		return ""
	}
	if answer := strings.TrimSpace(a.lines.Text()); answer != "" {
		return answer
	}
	return otherwise
}

// starter is what the two files are written from.
type starter struct {
	Domain, Provider, PublicURL string
	// State is the folder of the database and the secret with a slash, "" for the configuration's.
	State   string
	Servers []starterServer
}

type starterServer struct {
	Protocol settings.Protocol
	settings.Server
}

func starterServers(imap, pop3, smtp string) ([]starterServer, error) {
	var servers []starterServer
	for _, s := range []struct {
		protocol settings.Protocol
		text     string
	}{{settings.IMAP, imap}, {settings.POP3, pop3}, {settings.SMTP, smtp}} {
		list, err := parseServers([]string{s.text})
		if err != nil {
			return nil, err
		}
		for _, server := range list {
			servers = append(servers, starterServer{s.protocol, server.Normalize(s.protocol)})
		}
	}
	return servers, nil
}

func (s starter) write(c *call, dir, state string) error {
	if state != "" && state != dir {
		s.State = filepath.Clean(state) + "/"
	}
	process, site := s.text(processTemplate), s.text(siteTemplate)
	// What is written must be read: the answers may be nonsense.
	if _, err := config.ReadProcess("autoconfig.yaml", process, os.LookupEnv); err != nil {
		return refusal{err}
	}
	parsed, _, err := config.ReadSite("site.yaml", site)
	if err != nil {
		return refusal{err}
	}
	for _, folder := range []string{dir, cmp.Or(s.State, dir)} {
		if err := os.MkdirAll(folder, 0o750); err != nil {
			return err
		}
	}
	files := []struct {
		name string
		text []byte
	}{{"autoconfig.yaml", process}, {"site.yaml", site}}
	for _, f := range files {
		if _, err := os.Stat(filepath.Join(dir, f.name)); !errors.Is(err, fs.ErrNotExist) {
			return refusal{fmt.Errorf("%s is there already, and nothing was written", filepath.Join(dir, f.name))}
		}
	}
	for _, f := range files {
		if err := os.WriteFile(filepath.Join(dir, f.name), f.text, 0o640); err != nil { //nolint:gosec // the operator's group may read it; secrets are in files of their own
			return err
		}
		c.printf("wrote %s\n", filepath.Join(dir, f.name))
	}
	secret := filepath.Join(cmp.Or(s.State, dir), config.Defaults().SecretFile)
	if _, err := config.LoadSecret(secret); err != nil {
		return err
	}
	if err := database.GiveToOwner(secret); err != nil {
		return err
	}
	next := "Next:"
	if dir != "." {
		next = "Next, in " + dir + ":"
	}
	domain := parsed.Domains[0].Name
	c.printf("wrote %s\n\n%s\n", secret, next)
	return c.table([][]string{
		{"  autoconfig apply", "serve what site.yaml says"},
		{"  autoconfig explain somebody@" + domain, "see what an address gets, and why"},
		{"  autoconfig serve", "answer mail programs"},
		{"  autoconfig check --self", "see what is wrong with this installation, if anything is"},
		{"  autoconfig dns " + domain, "publish these records"},
		{"  tls: {mode: acme}", "certificates, if no proxy in front has them: docs/certificates.md"},
		{"  autoconfig check " + domain, "see what mail programs find"},
		{"  autoconfig link create YOU@" + domain, "open the link on your device"},
	})
}

func (s starter) text(t string) []byte {
	var b strings.Builder
	quote := func(text string) string { return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"` }
	parsed := template.Must(template.New("").Funcs(template.FuncMap{"quote": quote}).Parse(t))
	if err := parsed.Execute(&b, s); err != nil {
		panic(err) // our own template, into memory
	}
	return []byte(b.String())
}

const processTemplate = `# The process: where it listens and where it keeps things. What it serves is in
# site.yaml. Every key is described in docs/configuration.md.

# Public listener, for mail programs. Put a proxy with TLS in front of it, or name
# a certificate below.
listen: 127.0.0.1:8080
# http_listen: 127.0.0.1:8000     # plain http beside it, redirected to https

# Private listener: /healthz, /readyz, /metrics.
admin_listen: 127.0.0.1:8081

database: sqlite:{{.State}}autoconfig.db

# Accounts that are kept in a panel's database or a directory server stay there:
# sources, see docs/sources.md.

# The URL at which this service is reached from outside. URLs in answers are made from it.
public_url: {{quote .PublicURL}}

secret_file: {{.State}}autoconfig.secret

# tls: {certificate: /etc/ssl/autoconfig.pem, key: /etc/ssl/autoconfig.key}

# Signs Apple's profiles; certificate, then intermediates.
# signing: {certificate: /etc/ssl/profiles.pem, key: /etc/ssl/profiles.key}

# From where X-Forwarded-For and X-Forwarded-Proto are believed: the proxy in front.
# Without it, all people behind the proxy are one client to the rate limit.
trusted_proxies: [127.0.0.1, "::1"]
`

const siteTemplate = `# What autoconfig serves. After a change: autoconfig apply --dry-run, then autoconfig apply.
# Every key is described in docs/configuration.md.

providers:
  - id: main
    name: {{quote .Provider}}
    # short_name: at most 20 characters
    # help_url: https://help.example.org/mail
    # support_email: help@example.org

plans:
  - name: standard
    provider: main
    servers:                    # a protocol may have a list: the first with implicit TLS is offered
{{- range .Servers}}
      {{.Protocol}}: {host: {{.Host}}, port: {{.Port}}, security: {{.Security}}}
{{- end}}
    # username: "{address}"     # also {local}, {domain}, {login}
    # policy:
    #   default: imap
    #   pop3: {leave_on_server: true, days: 14}
    #   rules:                  # the first match wins
    #     - {name: one small device, match: {devices: one, quota_below: 500MB}, protocol: pop3}

domains:
  - {name: {{.Domain}}, plan: standard}

# Only accounts of which more is known than their address.
accounts: []
`
