package config

import (
	"time"

	"autoconfig/internal/database"
)

// Source is an external source of accounts.
type Source struct {
	Name string `yaml:"name" doc:"what it is called: in explanations, logs, metrics, and in the sources of a domain"`
	SQL  SQL    `yaml:"sql" doc:"a database with its own accounts; only read"`
	LDAP LDAP   `yaml:"ldap" doc:"a directory server; only read"`
	// Plan is for domains that only the source knows.
	Plan        string        `yaml:"plan" doc:"plan of the domains that it knows and site.yaml doesn't, where it names none itself"`
	Timeout     time.Duration `yaml:"timeout" min:"10ms" max:"5s" doc:"time for one question; 2s by default"`
	Connections int           `yaml:"connections" min:"1" max:"1000" unit:"connections" doc:"connections to it at once: 8 by default to a database, 4 to a directory server, where one of at least two reads the list of the digests"`
	Fresh       time.Duration `yaml:"fresh" min:"1s" max:"24h" doc:"how long an answer is good, also that an address isn't there; 1m by default. A change in the source is served after that time at the latest"`
	Missing     time.Duration `yaml:"missing" min:"1s" max:"24h" doc:"how long it is believed that a domain isn't there; 1m by default"`
	Stale       time.Duration `yaml:"stale" min:"1s" max:"720h" doc:"how long the last good answers serve on while it is down; 24h by default"`
	// Digests is a pointer to tell 0 from a missing key.
	Digests      *int          `yaml:"digests" min:"0" max:"20000000" unit:"addresses" doc:"addresses that are kept in memory for Evolution, which sends a digest of the address; 200000 by default, 0 for none"`
	DigestsEvery time.Duration `yaml:"digests_every" min:"1m" max:"168h" doc:"how often they are read anew; 1h by default"`
	DomainsEvery time.Duration `yaml:"domains_every" min:"1m" max:"168h" doc:"how often the list of its domains is read anew; 10m by default"`
}

// SQL is a database with queries.
type SQL struct {
	Database     database.Address `yaml:"database" doc:"sqlite:FILE, postgres://USER:PASSWORD@HOST/NAME or mysql://USER:PASSWORD@HOST/NAME"`
	DatabaseFile string           `yaml:"database_file" doc:"file whose first line is the database, where that has a password in it"`
	Preset       string           `yaml:"preset" doc:"queries for a known system (docs/sources.md); the ones below take their place one by one, - for none"`
	Account      string           `yaml:"account" doc:"SELECT that finds a mailbox by :address (or :local and :domain)"`
	Alias        string           `yaml:"alias" doc:"SELECT that finds where an address leads that is no mailbox"`
	Domain       string           `yaml:"domain" doc:"SELECT that finds a domain by :domain; with it, domains needn't stand in site.yaml"`
	Domains      string           `yaml:"domains" doc:"SELECT of all names of domains, with :after and :limit in pages; with it, domains are listed, checked and have PACC documents"`
	Search       string           `yaml:"search" doc:"SELECT that finds accounts by :pattern, for the help desk"`
	List         string           `yaml:"list" doc:"SELECT that lists all accounts, for the digests"`
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
	DomainList   string         `yaml:"domain_list_filter" doc:"finds all domains; with it, domains are listed, checked and have PACC documents"`
	DomainNames  LDAPDomain     `yaml:"domain_attributes" doc:"names of a domain's attributes"`
}

// LDAPAttributes are the names of an account's attributes.
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

// LDAPEnabled distinguishes usable accounts from disabled ones.
type LDAPEnabled struct {
	Attribute   string   `yaml:"attribute" doc:"its name"`
	Values      []string `yaml:"values" doc:"its values in accounts that may be used"`
	DisabledBit int      `yaml:"disabled_bit" doc:"bit of its number that is set in a disabled account (2 for userAccountControl)"`
	Expires     string   `yaml:"expires" doc:"an attribute with the time at which the account ends, as accountExpires, shadowExpire or a generalized time"`
}

// LDAPDomain are the names of a domain's attributes.
type LDAPDomain struct {
	Name    string `yaml:"name" doc:"the primary name"`
	Aliases string `yaml:"aliases" doc:"other names"`
	Plan    string `yaml:"plan" doc:"the plan"`
}

// IsSQL reports whether the source is a database, not a directory server.
func (s Source) IsSQL() bool { return s.SQL != SQL{} }

func (l LDAP) isGiven() bool {
	return len(l.Servers) > 0 || l.Base != "" || l.Preset != "" || l.Filter != "" || l.BindDN != ""
}
