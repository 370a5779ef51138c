package ldapdir

import (
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"

	"autoconfig/policy"
)

// Options are what a directory server is asked with.
type Options struct {
	// Servers are ldaps://host[:port] or ldap://host[:port]; with several, the next
	// one is asked when one can't be.
	Servers []string
	// StartTLS encrypts connections to ldap:// before anything is said. Without it
	// they are refused unless the host is this machine.
	StartTLS bool
	// CAFile has certificates (PEM) that are trusted beside the system's.
	CAFile string
	// BindDN and Password are the reader's; both are empty for an anonymous one.
	BindDN, Password string
	// Base is the entry below which accounts are.
	Base string
	Mapping
	// Timeout bounds each call, but for Walk, of which it bounds making the
	// connection, and five of it each page of 500 entries; 2 s if 0.
	Timeout time.Duration
	// Connections bounds the open ones, to all servers together; 4 if 0, and 2 at
	// least: Walk has one of them for as long as it takes.
	Connections int
	// Now is time.Now if nil. It judges how long connections are idle and servers
	// have been failing.
	Now func() time.Time
}

// Mapping is how accounts are found and read: the part of the options that
// [Preset] knows.
//
// Placeholders stand only where a filter has a value, and are escaped.
type Mapping struct {
	// Scope is sub (also if empty), one or base.
	Scope string
	// Filter finds the entries that have an address, as the mailbox's own or another
	// one, with {address}, {local} and {domain}: in lower case as far as ASCII goes,
	// and without quotes that aren't needed.
	Filter string
	// AliasFilter, if not empty, finds entries that only lead to a mailbox, with the
	// same placeholders; Attributes.Target has where to. It is asked when Filter
	// finds nothing.
	AliasFilter string
	// SearchFilter finds accounts by a part of their address or name, with {text}.
	SearchFilter string
	// ListFilter finds all accounts.
	ListFilter string
	Attributes Attributes
	// QuotaUnit is what a quota without a unit is in, such as KiB or MB; bytes if empty.
	QuotaUnit string
	Enabled   Enabled
	// DomainFilter, if not empty, finds a domain by its name or an alias, with
	// {domain}; below DomainBase, or Base if that is empty.
	DomainFilter, DomainBase string
	// DomainListFilter finds the entries of all domains; "" if they can't be listed.
	DomainListFilter string
	DomainAttributes DomainAttributes
}

// Attributes are names of attributes; "" where the directory has none.
type Attributes struct {
	// Address has the mailbox's primary address: the value of it or of Addresses with
	// the prefix SMTP: in capitals, else the first without a prefix that the server
	// names. The rest are other addresses of the mailbox. Further names, with commas
	// between, are tried in turn where neither it nor Addresses has any; where they
	// aren't needed, what they have is no address.
	Address string
	// Login is the name at the servers, where it isn't made from the address.
	Login string
	// Name is the person's; several names of attributes, with commas between, are
	// tried in turn.
	Name string
	// Groups are words, or distinguished names of which the first part's value counts.
	Groups string
	// Quota is a number, in QuotaUnit, or has a unit of its own.
	Quota string
	// Devices is one or several.
	Devices string
	// Protocol is imap or pop3.
	Protocol string
	// Addresses are other addresses of the mailbox, perhaps with the prefix smtp:;
	// values with other prefixes are left out. It must be named if Filter finds
	// accounts by it, for an entry counts only if it names the address.
	Addresses string
	// Target has the addresses that an entry of AliasFilter leads to.
	Target string
}

// Enabled tells accounts that may be used from disabled ones, beside what the
// filters say. Without the attribute an entry is disabled: its reader may not be
// allowed to see it.
type Enabled struct {
	// Attribute is its name; "" to leave it to the filters.
	Attribute string
	// Values are those of an account that may be used, in any letter case.
	Values []string
	// DisabledBit, if not 0, is set in the number of an account that is disabled.
	DisabledBit int64
	// Expires is an attribute with the time at which an account ends, "" for none: a
	// number as in Active Directory's accountExpires, days since 1970 as in
	// shadowExpire, or a generalized time.
	Expires string
}

// DomainAttributes are the attributes of a domain's entry; "" where there is none.
type DomainAttributes struct{ Name, Aliases, Plan string }

// Or fills what m leaves empty from a preset. "-" in m leaves it empty.
func (m Mapping) Or(preset Mapping) Mapping {
	if m.DomainFilter != "" {
		preset.DomainListFilter = "" // it belongs to the preset's filter for one
	}
	text := func(mine *string, other string) {
		switch *mine {
		case "":
			*mine = other
		case "-":
			*mine = ""
		}
	}
	mine, other := m.texts(), preset.texts()
	for i := range mine {
		text(mine[i].value, *other[i].value)
	}
	if m.Enabled.Attribute == preset.Enabled.Attribute && m.Enabled.Values == nil && m.Enabled.DisabledBit == 0 {
		m.Enabled.Values, m.Enabled.DisabledBit = preset.Enabled.Values, preset.Enabled.DisabledBit
	}
	return m
}

type namedText struct {
	name  string
	value *string
}

// accountTexts is how many of the attributes are an account's.
const accountTexts = 9

// attributes are all names of attributes, in the order of texts.
func (m *Mapping) attributes() []namedText {
	a, d := &m.Attributes, &m.DomainAttributes
	return []namedText{
		{"the address attribute", &a.Address},
		{"the login attribute", &a.Login},
		{"the name attribute", &a.Name},
		{"the groups attribute", &a.Groups},
		{"the quota attribute", &a.Quota},
		{"the devices attribute", &a.Devices},
		{"the protocol attribute", &a.Protocol},
		{"the addresses attribute", &a.Addresses},
		{"the target attribute", &a.Target},
		{"the enabled attribute", &m.Enabled.Attribute},
		{"the expires attribute", &m.Enabled.Expires},
		{"the domain's name attribute", &d.Name},
		{"the domain's aliases attribute", &d.Aliases},
		{"the domain's plan attribute", &d.Plan},
	}
}

func (m *Mapping) texts() []namedText {
	return append(m.attributes(),
		namedText{"the scope", &m.Scope}, namedText{"the filter", &m.Filter}, namedText{"the alias filter", &m.AliasFilter},
		namedText{"the search filter", &m.SearchFilter}, namedText{"the list filter", &m.ListFilter},
		namedText{"the quota unit", &m.QuotaUnit},
		namedText{"the domain filter", &m.DomainFilter}, namedText{"the domain base", &m.DomainBase},
		namedText{"the domain list filter", &m.DomainListFilter})
}

const (
	defaultTimeout     = 2 * time.Second
	defaultConnections = 4
	maxConnections     = 64
	leastConnections   = 2
)

var attributeName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.-]*(;[A-Za-z0-9-]+)*$`)

// prepared are options that have passed the checks.
type prepared struct {
	servers []*server
	scope   int
	filters filters
	// names is Attributes.Name, split, and addressNames Attributes.Address;
	// allAddressNames are those and Attributes.Addresses. The others are what is asked
	// for of an account, and to tell whose an entry is.
	names, addressNames, allAddressNames, accountAttributes, addressAttributes []string
}

// filters are the parsed ones; alias, domain and domainList may be nil.
type filters struct{ account, alias, search, list, domain, domainList *template }

// prepare reads the options and says all that is wrong with them.
func (o *Options) prepare() (*prepared, error) {
	p := &prepared{}
	var problems []error
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	if o.Connections == 0 {
		o.Connections = defaultConnections
	}
	if o.Timeout < 0 {
		wrong("the timeout is negative")
	}
	if o.Connections < 0 || o.Connections > maxConnections {
		wrong("%d connections is not valid: use 1 to %d", o.Connections, maxConnections)
	}
	roots, err := readRoots(o.CAFile)
	if err != nil {
		wrong("%w", err)
	}
	if len(o.Servers) == 0 {
		wrong("there is no server: write ldaps://host")
	}
	for _, text := range o.Servers {
		s, err := parseServer(text, o.StartTLS, roots)
		if err != nil {
			wrong("%w", err)
			continue
		}
		p.servers = append(p.servers, s)
	}
	switch {
	case o.BindDN == "" && o.Password != "":
		wrong("there is a password, but no name to bind with")
	case o.BindDN != "" && o.Password == "":
		wrong("there is a name to bind with, but no password: servers take that for nobody")
	}
	// Active Directory also takes user@domain, which isn't a distinguished name.
	if _, err := ldap.ParseDN(o.BindDN); err != nil && !strings.ContainsAny(o.BindDN, `@\`) {
		wrong("the name to bind with is not a distinguished name: %w", reason(err))
	}
	for _, base := range []namedText{{"the base", &o.Base}, {"the domain base", &o.DomainBase}} {
		if _, err := ldap.ParseDN(*base.value); err != nil {
			wrong("%s is not a distinguished name: %w", base.name, reason(err))
		}
	}
	if strings.TrimSpace(o.Base) == "" {
		wrong("there is no base: write the name of the entry below which accounts are, such as ou=people,dc=example,dc=com")
	}
	if o.DomainBase == "" {
		o.DomainBase = o.Base
	}
	problems = append(problems, p.mapping(&o.Mapping)...)
	return p, errors.Join(problems...)
}

// mapping reads where and by which filters entries are found.
func (p *prepared) mapping(m *Mapping) (problems []error) {
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	scopes := map[string]int{
		"": ldap.ScopeWholeSubtree, "sub": ldap.ScopeWholeSubtree, "one": ldap.ScopeSingleLevel,
		"base": ldap.ScopeBaseObject,
	}
	scope, ok := scopes[m.Scope]
	if !ok {
		wrong("the scope %q is not valid: use sub, one or base", m.Scope)
	}
	p.scope = scope
	filter := func(into **template, name, text string, needed bool, oneOf, others []string) {
		if text == "" {
			if needed {
				wrong("there is no %s", name)
			}
			return
		}
		t, err := parseTemplate(text, oneOf, others)
		if err != nil {
			wrong("the %s: %w", name, err)
			return
		}
		*into = t
	}
	filter(&p.filters.account, "filter", m.Filter, true, []string{"address", "local"}, []string{"domain"})
	filter(&p.filters.alias, "alias filter", m.AliasFilter, false, []string{"address", "local"}, []string{"domain"})
	filter(&p.filters.search, "search filter", m.SearchFilter, true, []string{"text"}, nil)
	filter(&p.filters.list, "list filter", m.ListFilter, true, nil, nil)
	filter(&p.filters.domain, "domain filter", m.DomainFilter, false, []string{"domain"}, nil)
	filter(&p.filters.domainList, "domain list filter", m.DomainListFilter, false, nil, nil)
	if m.DomainListFilter != "" && m.DomainFilter == "" {
		wrong("a domain list filter needs a domain filter: what is listed must be found by its name as well")
	}
	return append(problems, p.attributes(m)...)
}

// attributes are those that are read of entries.
func (p *prepared) attributes(m *Mapping) (problems []error) {
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	p.names = strings.Split(m.Attributes.Name, ",")
	p.addressNames = strings.Split(m.Attributes.Address, ",")
	for _, attribute := range m.attributes() {
		names := []string{*attribute.value}
		switch attribute.value {
		case &m.Attributes.Name:
			names = p.names
		case &m.Attributes.Address:
			names = p.addressNames
		}
		for _, name := range names {
			if *attribute.value != "" && !attributeName.MatchString(name) {
				wrong("%s: %q is not the name of an attribute", attribute.name, name)
			}
		}
	}
	if m.Attributes.Address == "" {
		wrong("there is no address attribute")
	}
	if m.AliasFilter != "" && m.Attributes.Target == "" {
		wrong("an alias filter needs a target attribute")
	}
	if m.DomainFilter != "" && m.DomainAttributes.Name == "" {
		wrong("a domain filter needs the domain's name attribute")
	}
	if e := m.Enabled; (e.Attribute != "") != (len(e.Values) > 0 || e.DisabledBit != 0) {
		wrong("an enabled attribute needs values or a bit, and they need it")
	}
	if _, err := policy.ParseBytes("1" + m.QuotaUnit); err != nil || strings.ContainsAny(m.QuotaUnit, "0123456789.") {
		wrong("the quota unit %q is not valid: use B, KB, MB, GB, KiB, MiB or GiB", m.QuotaUnit)
	}
	a := m.Attributes
	p.allAddressNames = slices.DeleteFunc(append(slices.Clone(p.addressNames), a.Addresses),
		func(name string) bool { return name == "" })
	p.allAddressNames = unrepeated(p.allAddressNames)
	p.addressAttributes = wanted(slices.Concat(p.allAddressNames, []string{m.Enabled.Attribute, m.Enabled.Expires})...)
	p.accountAttributes = wanted(slices.Concat(p.addressAttributes, p.names,
		[]string{a.Login, a.Groups, a.Quota, a.Devices, a.Protocol, a.Target})...)
	return problems
}

// unrepeated are the names, each once, in their order.
func unrepeated(names []string) (each []string) {
	for _, name := range names {
		if !slices.ContainsFunc(each, func(other string) bool { return strings.EqualFold(name, other) }) {
			each = append(each, name)
		}
	}
	return each
}

// wanted are the attributes to ask for.
func wanted(names ...string) []string {
	names = slices.DeleteFunc(names, func(name string) bool { return name == "" })
	if len(names) == 0 {
		return []string{"1.1"} // none, for the server
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// readRoots are the system's roots and those of the file; nil for the system's alone.
func readRoots(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("the CA file: %w", err)
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("the CA file %s has no certificate in PEM", file)
	}
	return roots, nil
}

// reason is a library's error without its code.
func reason(err error) error {
	var coded *ldap.Error
	if errors.As(err, &coded) && coded.Err != nil {
		return coded.Err
	}
	return err
}
