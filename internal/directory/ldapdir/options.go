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

// Options configure a Source.
type Options struct {
	// Servers are ldaps://host[:port] or ldap://host[:port]. If one can't be reached, the
	// next one is asked.
	Servers []string
	// StartTLS encrypts connections to ldap:// before anything else. Without it, ldap:// is
	// refused unless the host is this machine.
	StartTLS bool
	// CAFile has certificates (PEM) to trust besides the system's.
	CAFile string
	// BindDN and Password are the reader's; both are empty for an anonymous bind.
	BindDN, Password string
	// Base is the entry below which the accounts are.
	Base string
	Mapping
	// Timeout limits each call; 2 s if 0. In Walk it limits connecting, and each page of 500
	// entries may take five times as long.
	Timeout time.Duration
	// Connections limits the open connections to all servers together; 4 if 0, and at least
	// 2, as Walk occupies one of them until it ends.
	Connections int
	// Now is time.Now if nil. It measures how long connections have been idle and servers
	// failing.
	Now func() time.Time
}

// Mapping says how accounts are found and read: the part of the options that a [Preset]
// has.
//
// Placeholders are only allowed as values of a filter. What replaces them is escaped.
type Mapping struct {
	// Scope is sub (also if empty), one or base.
	Scope string
	// Filter finds the entries with an address, the mailbox's own or another one, by
	// {address}, {local} and {domain}. ASCII letters in them are in lower case, and
	// needless quotes are removed.
	Filter string
	// AliasFilter, if not empty, finds entries that only lead to a mailbox, which
	// Attributes.Target names, by the same placeholders. It counts if Filter finds
	// nothing.
	AliasFilter string
	// SearchFilter finds accounts by a part of their address or name, {text}.
	SearchFilter string
	// ListFilter finds all accounts.
	ListFilter string
	Attributes Attributes
	// QuotaUnit is the unit of a quota without one, such as KiB or MB; bytes if empty.
	QuotaUnit string
	Enabled   Enabled
	// DomainFilter, if not empty, finds a domain by its name or an alias, {domain}, below
	// DomainBase, or Base if that is empty.
	DomainFilter, DomainBase string
	// DomainListFilter finds the entries of all domains; "" if they can't be listed.
	DomainListFilter string
	DomainAttributes DomainAttributes
}

// Attributes are names of attributes; "" where the directory has none.
type Attributes struct {
	// Address has the mailbox's primary address: the value of it or of Addresses with the
	// prefix SMTP: in capitals, or else the server's first value without a prefix. The
	// remaining values are other addresses of the mailbox. It may be a list of names,
	// separated by commas: the further ones are only used if neither the first nor
	// Addresses has a value.
	Address string
	// Login is the user name at the servers, unless it is derived from the address.
	Login string
	// Name is the person's name. Several names of attributes, separated by commas, are tried
	// in turn.
	Name string
	// Groups are words, or distinguished names, of which the first part's value is used.
	Groups string
	// Quota is a number, in QuotaUnit, or has a unit of its own.
	Quota string
	// Devices is one or several.
	Devices string
	// Protocol is imap or pop3.
	Protocol string
	// Addresses are other addresses of the mailbox, with or without the prefix smtp:; values
	// with other prefixes are ignored. It must be set if Filter finds accounts by it, as an
	// entry counts only if it contains the address.
	Addresses string
	// Target has the addresses to which an entry found by AliasFilter leads.
	Target string
}

// Enabled distinguishes enabled accounts from disabled ones, in addition to the filters. An
// entry without the attribute is disabled: the reader may not be allowed to see it.
type Enabled struct {
	// Attribute is its name; "" if the filters suffice.
	Attribute string
	// Values are those of an enabled account, in any letter case.
	Values []string
	// DisabledBit, if not 0, is set in the number of a disabled account.
	DisabledBit int64
	// Expires is an attribute with the time at which an account ends, "" for none: a
	// number as in Active Directory's accountExpires, days since 1970 as in
	// shadowExpire, or a generalized time.
	Expires string
}

// DomainAttributes are the attributes of a domain's entry; "" where there is none.
type DomainAttributes struct{ Name, Aliases, Plan string }

// Or fills the empty fields of m from a preset. A field "-" stays empty.
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

// accountTexts is the number of attributes of an account.
const accountTexts = 9

// attributes lists the names of all attributes, in the order of texts.
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

// prepared is the result of validating options.
type prepared struct {
	servers []*server
	scope   int
	filters filters
	// names is Attributes.Name, split, and addressNames is Attributes.Address, split;
	// allAddressNames adds Attributes.Addresses. The others are requested for an account,
	// and to find out whose an entry is.
	names, addressNames, allAddressNames, accountAttributes, addressAttributes []string
}

// filters are parsed filters; alias, domain and domainList may be nil.
type filters struct{ account, alias, search, list, domain, domainList *template }

// prepare validates the options, and returns everything that is wrong with them.
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
	// Active Directory also accepts user@domain, which isn't a distinguished name.
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

// mapping validates the bases and filters.
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

// attributes validates the attributes to read.
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

// unrepeated removes duplicates and keeps the order.
func unrepeated(names []string) (each []string) {
	for _, name := range names {
		if !slices.ContainsFunc(each, func(other string) bool { return strings.EqualFold(name, other) }) {
			each = append(each, name)
		}
	}
	return each
}

// wanted returns the attributes to request.
func wanted(names ...string) []string {
	names = slices.DeleteFunc(names, func(name string) bool { return name == "" })
	if len(names) == 0 {
		return []string{"1.1"} // none, for the server
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// readRoots returns the system's roots and those of the file; nil for the system's alone.
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

// reason returns a library's error without its code.
func reason(err error) error {
	var coded *ldap.Error
	if errors.As(err, &coded) && coded.Err != nil {
		return coded.Err
	}
	return err
}
