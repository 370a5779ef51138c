package config

import (
	"fmt"
	"regexp"
	"time"
)

// Source is a place outside of our own database where accounts are kept.
type Source struct {
	Name string `yaml:"name" doc:"what it is called: in explanations, logs, metrics, and in the sources of a domain"`
	SQL  SQL    `yaml:"sql" doc:"a database with its own accounts; only read"`
	LDAP LDAP   `yaml:"ldap" doc:"a directory server; only read"`
	// Plan is for domains that the source knows and our own site doesn't.
	Plan        string `yaml:"plan" doc:"plan of the domains that it knows and site.yaml doesn't, where it names none itself"`
	Timeout     string `yaml:"timeout" doc:"time for one question, such as 2s (the default)"`
	Connections int    `yaml:"connections" doc:"connections to it at once: 8 by default to a database, 4 to a directory server, where one of at least two reads the list of the digests"`
	Fresh       string `yaml:"fresh" doc:"how long an answer is good, also that an address isn't there; 1m by default. A change in the source is served after that time at the latest"`
	Missing     string `yaml:"missing" doc:"how long it is believed that a domain isn't there; 1m by default"`
	Stale       string `yaml:"stale" doc:"how long the last good answers serve on while it is down; 24h by default"`
	// Digests is a pointer since 0 differs from nothing said.
	Digests      *int   `yaml:"digests" doc:"addresses that are kept in memory for Evolution, which sends a digest of the address; 200000 by default, 0 for none"`
	DigestsEvery string `yaml:"digests_every" doc:"how often they are read anew; 1h by default"`
}

// SQL is a database with queries.
type SQL struct {
	Database     string `yaml:"database" doc:"sqlite:FILE, postgres://USER:PASSWORD@HOST/NAME or mysql://USER:PASSWORD@HOST/NAME"`
	DatabaseFile string `yaml:"database_file" doc:"file whose first line is the database, where that has a password in it"`
	Preset       string `yaml:"preset" doc:"queries for a known system (docs/sources.md); the ones below take their place one by one, - for none"`
	Account      string `yaml:"account" doc:"SELECT that finds a mailbox by :address (or :local and :domain)"`
	Alias        string `yaml:"alias" doc:"SELECT that finds where an address leads that is no mailbox"`
	Domain       string `yaml:"domain" doc:"SELECT that finds a domain by :domain; with it, domains needn't stand in site.yaml"`
	Search       string `yaml:"search" doc:"SELECT that finds accounts by :pattern, for the help desk"`
	List         string `yaml:"list" doc:"SELECT that lists all accounts, for the digests"`
}

// LDAP is a directory server.
type LDAP struct {
	Servers      []string       `yaml:"servers" doc:"ldaps://HOST[:PORT] or ldap://HOST[:PORT]; with several, the next one is asked when one can't be"`
	StartTLS     bool           `yaml:"starttls" doc:"encrypt connections to ldap:// before anything is said; without it they are refused unless the host is this machine"`
	CA           string         `yaml:"ca" doc:"PEM file with authorities that are trusted beside the system's"`
	BindDN       string         `yaml:"bind_dn" doc:"who reads; anonymous if empty"`
	PasswordFile string         `yaml:"password_file" doc:"file whose first line is the reader's password"`
	Base         string         `yaml:"base" doc:"entry below which the accounts are"`
	Preset       string         `yaml:"preset" doc:"filters and attributes for a known system (docs/sources.md); the ones below take their place one by one, - for none"`
	Scope        string         `yaml:"scope" doc:"sub (the default), one or base"`
	Filter       string         `yaml:"filter" doc:"finds an account by {address}, {local} and {domain}, which are escaped"`
	AliasFilter  string         `yaml:"alias_filter" doc:"finds entries that only lead to a mailbox"`
	SearchFilter string         `yaml:"search_filter" doc:"finds accounts by {text}, for the help desk"`
	ListFilter   string         `yaml:"list_filter" doc:"finds all accounts, for the digests"`
	Attributes   LDAPAttributes `yaml:"attributes" doc:"names of attributes"`
	QuotaUnit    string         `yaml:"quota_unit" doc:"what a quota without a unit is in, such as KiB; bytes by default"`
	Enabled      LDAPEnabled    `yaml:"enabled" doc:"what tells accounts that may be used from disabled ones"`
	DomainFilter string         `yaml:"domain_filter" doc:"finds a domain by {domain}; with it, domains needn't stand in site.yaml"`
	DomainBase   string         `yaml:"domain_base" doc:"entry below which the domains are; base by default"`
	DomainNames  LDAPDomain     `yaml:"domain_attributes" doc:"names of a domain's attributes"`
}

// LDAPAttributes are names of an account's attributes.
type LDAPAttributes struct {
	Address   string `yaml:"address" doc:"the mailbox's primary address"`
	Login     string `yaml:"login" doc:"name at the servers, where it isn't made from the address"`
	Name      string `yaml:"name" doc:"the person's name; several, with commas, are tried in turn"`
	Groups    string `yaml:"groups" doc:"words, or distinguished names of which the first part counts"`
	Quota     string `yaml:"quota" doc:"size of the mailbox"`
	Devices   string `yaml:"devices" doc:"one or several"`
	Protocol  string `yaml:"protocol" doc:"imap or pop3; outranks all rules"`
	Addresses string `yaml:"addresses" doc:"other addresses of the mailbox"`
	Target    string `yaml:"target" doc:"where an entry of alias_filter leads to"`
}

// LDAPEnabled tells accounts that may be used from disabled ones.
type LDAPEnabled struct {
	Attribute   string   `yaml:"attribute" doc:"its name"`
	Values      []string `yaml:"values" doc:"its values in accounts that may be used"`
	DisabledBit int      `yaml:"disabled_bit" doc:"bit of its number that is set in a disabled account (2 for userAccountControl)"`
}

// LDAPDomain are names of a domain's attributes.
type LDAPDomain struct {
	Name    string `yaml:"name" doc:"the primary name"`
	Aliases string `yaml:"aliases" doc:"other names"`
	Plan    string `yaml:"plan" doc:"the plan"`
}

var sourceName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,31}$`)

// checkSources judges what can be judged without opening a source.
func (p Process) checkSources(wrong func(path, format string, args ...any)) {
	seen := map[string]bool{}
	for i, s := range p.Sources {
		at := fmt.Sprintf("sources[%d]", i)
		if !sourceName.MatchString(s.Name) || s.Name == "database" {
			wrong(at+".name", "%q is not a source's name: use at most 32 of a-z, 0-9, - and _, and not the word database, which is our own", s.Name)
		}
		if seen[s.Name] {
			wrong(at+".name", "there is already a source %q", s.Name)
		}
		seen[s.Name] = true
		s.check(func(key, format string, args ...any) { wrong(at+key, format, args...) })
	}
}

func (s Source) check(wrong func(key, format string, args ...any)) {
	isSQL, isLDAP := s.SQL != (SQL{}), s.LDAP.isGiven()
	switch {
	case isSQL == isLDAP:
		wrong("", "a source is either sql or ldap: write one of them")
	case isSQL:
		s.SQL.check(wrong)
	default:
		s.LDAP.check(wrong)
	}
	for _, d := range []struct {
		key, text   string
		least, most time.Duration
	}{
		{".timeout", s.Timeout, 10 * time.Millisecond, 5 * time.Second},
		{".fresh", s.Fresh, time.Second, 24 * time.Hour},
		{".missing", s.Missing, time.Second, 24 * time.Hour},
		{".stale", s.Stale, time.Second, 30 * 24 * time.Hour},
		{".digests_every", s.DigestsEvery, time.Minute, 7 * 24 * time.Hour},
	} {
		if value, err := time.ParseDuration(d.text); d.text != "" && (err != nil || value < d.least || value > d.most) {
			wrong(d.key, "%q is not possible: write a time of %s to %s", d.text, d.least, d.most)
		}
	}
	if s.Connections < 0 || s.Connections > 1000 {
		wrong(".connections", "%d connections are not possible; use 1 to 1000", s.Connections)
	}
	if s.Digests != nil && (*s.Digests < 0 || *s.Digests > 20_000_000) {
		wrong(".digests", "%d is not possible; use 0 to 20000000", *s.Digests)
	}
}

func (s SQL) check(wrong func(key, format string, args ...any)) {
	switch {
	case s.DatabaseFile != "" && s.Database != "":
		wrong(".sql.database", "there is a database_file as well: write one of them")
	case s.DatabaseFile == "" && !isDatabase(s.Database):
		wrong(".sql.database", "this is not a database; write sqlite:FILE, postgres://USER:PASSWORD@HOST/NAME or mysql://USER:PASSWORD@HOST/NAME") // it may have a password in it
	}
	if s.Preset == "" && s.Account == "" {
		wrong(".sql", "what finds an account? Name a preset, or write the SELECT: account")
	}
}

func (l LDAP) isGiven() bool {
	return len(l.Servers) > 0 || l.Base != "" || l.Preset != "" || l.Filter != "" || l.BindDN != ""
}

func (l LDAP) check(wrong func(key, format string, args ...any)) {
	if len(l.Servers) == 0 {
		wrong(".ldap", "which server? Write servers: [ldaps://HOST]")
	}
	if l.Preset == "" && l.Filter == "" {
		wrong(".ldap", "what finds an account? Name a preset, or write the filter")
	}
	if (l.BindDN == "") != (l.PasswordFile == "") {
		wrong(".ldap", "bind_dn and password_file need each other")
	}
}

// Duration is a time of a source, 0 where nothing is said.
func (Source) Duration(text string) time.Duration {
	d, _ := time.ParseDuration(text) // checked when it was read
	return d
}
