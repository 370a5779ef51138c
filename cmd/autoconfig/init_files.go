package main

import (
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

// starter is what the two files are written from.
type starter struct {
	Domain, Provider, PublicURL string
	ACME                        bool // whether the service gets its certificates itself
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
	c.printf("wrote %s\n\n%s\n", secret, heading(dir))
	return c.table(s.next(parsed.Domains[0].Name, cmp.Or(s.State, dir)))
}

func heading(dir string) string {
	if dir == "." || dir == filepath.Dir(systemConfiguration) { // found there from everywhere
		return "Next:"
	}
	return "Next, in " + dir + ":"
}

// next are the commands to the first person's device. Where a package has made a user for the
// service, they run as it, and systemd starts the service.
func (s starter) next(domain, state string) [][]string {
	as, serve := "", "autoconfig serve"
	if user := database.Owner(state); user != "" {
		as, serve = "sudo -u "+user+" ", "sudo systemctl start autoconfig"
	}
	rows := [][]string{
		{as + "autoconfig apply", "serve what site.yaml says"},
		{as + "autoconfig explain somebody@" + domain, "see what an address gets, and why"},
		{as + "autoconfig dns " + domain, "publish these records"},
		{serve, "answer mail programs"},
		{as + "autoconfig check --self", "see what is wrong with this installation, if anything is"},
	}
	if s.ACME {
		rows = append(rows, []string{as + "autoconfig certificates list", "see which certificates are there, and what others wait for"})
	} else {
		rows = append(rows, []string{"tls: {mode: acme}", "certificates, if no proxy in front has them: docs/certificates.md"})
	}
	rows = append(rows,
		[]string{as + "autoconfig check " + domain, "see what mail programs find"},
		[]string{as + "autoconfig link create YOU@" + domain, "open the link on your device"},
	)
	for _, row := range rows {
		row[0] = "  " + row[0]
	}
	return rows
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

{{if .ACME -}}
# Public listener, for mail programs, and plain http beside it, which is redirected to
# https. The ACME server comes to one of the two.
listen: ":443"
http_listen: ":80"
{{else -}}
# Public listener, for mail programs. Put a proxy with TLS in front of it, or name
# a certificate below.
listen: 127.0.0.1:8080
# http_listen: 127.0.0.1:8000     # plain http beside it, redirected to https
{{end}}
# Private listener: /healthz, /readyz, /metrics.
admin_listen: 127.0.0.1:8081

database: sqlite:{{.State}}autoconfig.db

# Accounts that are kept in a panel's database or a directory server stay there:
# sources, see docs/sources.md.

# The URL at which this service is reached from outside. URLs in answers are made from it.
public_url: {{quote .PublicURL}}

secret_file: {{.State}}autoconfig.secret

{{if .ACME -}}
# Certificates for autoconfig. and autodiscover. of each domain whose DNS leads here, and for
# public_url: docs/certificates.md.
tls: {mode: acme}
acme:
  agree_to_terms: true
  # contact: postmaster@example.org
{{else -}}
# tls: {certificate: /etc/ssl/autoconfig.pem, key: /etc/ssl/autoconfig.key}
{{end}}
# Signs Apple's profiles; certificate, then intermediates.
# signing: {certificate: /etc/ssl/profiles.pem, key: /etc/ssl/profiles.key}

# From where X-Forwarded-For and X-Forwarded-Proto are believed: the proxy in front.
# Without it, all people behind the proxy are one client to the rate limit.
{{if .ACME}}# {{end}}trusted_proxies: [127.0.0.1, "::1"]
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
