package config

import (
	"fmt"
	"regexp"
	"slices"

	"autoconfig/internal/database"
	"autoconfig/settings"
)

// complain reports what is wrong at a key of the file, a path like sources[0].sql.
type complain func(path, format string, args ...any)

// check validates what single values can't show: keys that depend on each other, and keys
// that are required.
func (p Process) check(wrong complain) {
	p.checkListeners(wrong)
	p.OIDC.check(wrong)
	p.checkSources(wrong)
	p.SMTP.check(wrong)
	p.checkTLS(wrong)
	p.Signing.check("signing", wrong)
	if p.SecretFile == "" {
		wrong("secret_file", "a file for the secret is needed")
	}
	for i, name := range p.AdminHosts {
		if !hostName.MatchString(name) {
			wrong(fmt.Sprintf("admin_hosts[%d]", i),
				"%q is not a host's name: write it without a port, such as autoconfig.internal", name)
		}
	}
	p.Check.Webhook.check("check.webhook", wrong)
	p.Links.Webhook.check("links.webhook", wrong)
	if p.RateLimit.PerSecond > 0 && p.RateLimit.Burst < 1 {
		wrong("rate_limit.burst", "a burst of %d refuses everything; use 1 or more, or per_second: 0 for no limit",
			p.RateLimit.Burst)
	}
}

func (w Webhook) check(key string, wrong complain) {
	if w.URL != "" && w.SecretFile == "" {
		wrong(key, "a webhook needs a secret_file, with which it is signed")
	}
}

// hostName also matches names that only a local resolver knows, such as a container's.
var hostName = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?$`)

func (p Process) checkListeners(wrong complain) {
	if !p.Listen.IsGiven() {
		wrong("listen", "%v", errListenAddress(""))
	}
	if !p.AdminListen.IsGiven() {
		wrong("admin_listen", "%v", errListenAddress(""))
	}
	if !p.PublicURL.IsGiven() {
		wrong("public_url", "%v", errBaseURL(""))
	}
	if p.ProxyProtocol && len(p.TrustedProxies) == 0 {
		wrong("proxy_protocol", "proxy_protocol needs trusted_proxies: the addresses from which it is spoken")
	}
	if p.StaffListen.IsGiven() && !p.StaffURL.IsGiven() {
		wrong("staff_listen", "staff_listen needs a staff_url: the only name by which the help desk answers")
	}
	if p.HTTPListen.IsGiven() && p.TLS.Effective() == TLSOff {
		wrong("http_listen", "http_listen redirects to https, which needs tls: {certificate, key} or tls: {mode: acme}")
	}
	if p.HTTPListen.IsGiven() && p.PublicURL.IsGiven() && p.PublicURL.Scheme == "http" {
		wrong("http_listen", "http_listen redirects to https, which needs a public_url that begins with https://")
	}
}

// checkTLS checks the keys that the modes require.
func (p Process) checkTLS(wrong complain) {
	p.TLS.check("tls", wrong)
	for i, pair := range p.TLS.Pairs {
		at := fmt.Sprintf("tls.pairs[%d]", i)
		if pair == (KeyPair{}) {
			wrong(at, "%s needs both a certificate and a key", at)
		}
		pair.check(at, wrong)
	}
	files := len(p.TLS.All()) > 0
	switch p.TLS.Mode {
	case TLSFiles:
		if !files {
			wrong("tls.mode", "which files? Write tls: {certificate: FILE, key: FILE}")
		}
	case TLSOff, TLSACME:
		if files {
			wrong("tls.mode", "the mode %s has no use for a certificate in a file; remove it, or use the mode files", p.TLS.Mode)
		}
	}
	if p.TLS.Mode == TLSACME {
		p.checkACME(wrong)
	}
}

func (p Process) checkACME(wrong complain) {
	a := p.ACME
	if !a.AgreeToTerms {
		wrong("tls.mode", "the mode acme needs acme: {agree_to_terms: true}: read the authority's terms of service first")
	}
	if a.Staging && a.Directory != Defaults().ACME.Directory {
		wrong("acme.staging", "staging is Let's Encrypt's; name the staging server of another authority by directory")
	}
	if a.Contact != "" {
		if _, err := settings.ParseAddress(a.Contact); err != nil {
			wrong("acme.contact", "%q is not a mail address", a.Contact)
		}
	}
	if (a.External.KeyID == "") != (a.External.KeyFile == "") {
		wrong("acme.external_account", "external_account needs both key_id and key_file")
	}
	if slices.Contains(a.Challenges, ChallengeHTTP) && !p.HTTPListen.IsGiven() {
		wrong("acme.challenges", "http-01 needs http_listen, to which port 80 of the names leads")
	}
	if p.PublicURL.IsGiven() && p.PublicURL.Scheme == "http" {
		wrong("tls.mode", "the mode acme needs a public_url that begins with https://")
	}
}

func (k KeyPair) check(key string, wrong complain) {
	if (k.Certificate == "") != (k.Key == "") {
		wrong(key, "%s needs both a certificate and a key", key)
	}
}

func (o OIDC) check(wrong complain) {
	if o.Issuer == "" {
		if o.ClientID != "" || o.RoleClaim != "" {
			wrong("oidc", "oidc needs an issuer")
		}
		return
	}
	if o.ClientID == "" || o.ClientSecretFile == "" {
		wrong("oidc", "oidc needs a client_id and a client_secret_file")
	}
	if i := slices.Index(o.Audiences, ""); i >= 0 {
		wrong(fmt.Sprintf("oidc.trusted_audiences[%d]", i),
			"an audience can't be empty: write the client's or project's identity at the provider")
	}
	if o.RoleClaim == "" || len(o.Roles) == 0 {
		wrong("oidc", "oidc needs a role_claim, and roles by its values: nobody would be let in")
	}
	if (o.DomainClaim == "") != (len(o.Domains) == 0) {
		wrong("oidc", "domain_claim and domains need each other")
	}
}

var sourceName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,31}$`)

// checkSources checks the sources without opening them.
func (p Process) checkSources(wrong complain) {
	seen := map[string]bool{}
	for i, s := range p.Sources {
		at := fmt.Sprintf("sources[%d]", i)
		if !sourceName.MatchString(s.Name) || s.Name == "database" {
			wrong(at+".name", "%q is not a source's name: use at most 32 of a-z, 0-9, - and _, and not the word database, "+
				"which is our own", s.Name)
		}
		if seen[s.Name] {
			wrong(at+".name", "there is already a source %q", s.Name)
		}
		seen[s.Name] = true
		switch {
		case s.IsSQL() == s.LDAP.isGiven():
			wrong(at, "a source is either sql or ldap: write one of them")
		case s.IsSQL():
			s.SQL.check(at+".sql", wrong)
		default:
			s.LDAP.check(at+".ldap", wrong)
		}
	}
}

func (s SQL) check(at string, wrong complain) {
	switch {
	case s.DatabaseFile != "" && s.Database != (database.Address{}):
		wrong(at+".database", "there is a database_file as well: write one of them")
	case s.DatabaseFile == "" && s.Database == (database.Address{}):
		wrong(at+".database", "which database? Write database or database_file")
	}
	if s.Preset == "" && s.Account == "" {
		wrong(at, "what finds an account? Name a preset, or write the SELECT: account")
	}
}

func (l LDAP) check(at string, wrong complain) {
	if len(l.Servers) == 0 {
		wrong(at, "which server? Write servers: [ldaps://HOST]")
	}
	if l.Preset == "" && l.Filter == "" {
		wrong(at, "what finds an account? Name a preset, or write the filter")
	}
	if (l.BindDN == "") != (l.PasswordFile == "") {
		wrong(at, "bind_dn and password_file need each other")
	}
}
