package ldapdir

import (
	"slices"
	"strconv"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"autoconfig/internal/directory"
	"autoconfig/policy"
	"autoconfig/settings"
)

// values returns an attribute's values in the server's order, except for those that are
// too long. Active Directory returns the first of very many values as
// memberOf;range=0-1499; only these are used.
func (d *Source) values(e *ldap.Entry, name string) []string {
	if name == "" {
		return nil
	}
	var values []string
	for _, attribute := range e.Attributes {
		base, _, _ := strings.Cut(attribute.Name, ";range=")
		if !strings.EqualFold(base, name) {
			continue
		}
		for _, value := range attribute.Values {
			switch {
			case len(value) > maxValue:
				d.counters.dropped.Add(1)
			case value != "":
				values = append(values, value)
			}
		}
	}
	return values
}

// first returns the first value of an attribute, or "".
func (d *Source) first(e *ldap.Entry, name string) string {
	if values := d.values(e, name); len(values) > 0 {
		return values[0]
	}
	return ""
}

// disabled returns the reason why an account may not be used, or nil. The bit is tested
// here even if the filter tests it by Active Directory's matching rule: servers without
// that rule find nothing by it, so their operators leave it out of the filter.
func (d *Source) disabled(e *ldap.Entry) error {
	rule := d.options.Enabled
	if rule.Expires != "" {
		if at := optional(d, e, rule.Expires, parseExpiry); !at.IsZero() && at.Before(d.now()) {
			return directory.Discarded{Why: "the account has expired (" + rule.Expires + ")"}
		}
	}
	if rule.Attribute == "" {
		return nil
	}
	value := d.first(e, rule.Attribute)
	if value == "" {
		return directory.Discarded{Why: "the account counts as disabled: it has no " + rule.Attribute +
			", or the reader may not see it", Fault: true}
	}
	off := directory.Discarded{Why: "the account is disabled (" + rule.Attribute + ")"}
	if rule.DisabledBit != 0 {
		flags, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return directory.Discarded{
				Why:   "the account counts as disabled: its " + rule.Attribute + " is not a number",
				Fault: true,
			}
		}
		if flags&rule.DisabledBit != 0 {
			return off
		}
	}
	if len(rule.Values) > 0 && !slices.ContainsFunc(rule.Values,
		func(good string) bool { return strings.EqualFold(good, value) }) {
		return off
	}
	return nil
}

// named holds the addresses of an entry, by how they indicate the primary one.
type named struct {
	capital   []settings.Address // with the prefix SMTP:
	bare      []settings.Address // in the first attribute, without a prefix
	others    []settings.Address
	fallbacks []settings.Address // in the further attributes, which count where nothing else does
	catchAll  bool
}

func (d *Source) named(e *ldap.Entry) (n named) {
	names := append([]string{d.addressNames[0]}, d.options.Attributes.Addresses)
	if strings.EqualFold(names[0], names[1]) {
		names = names[:1]
	}
	for i, name := range names {
		for _, value := range d.values(e, name) {
			m, other, err := parseMailAddress(value)
			switch {
			case other:
			case err != nil && isCatchAll(value):
				n.catchAll = true
			case err != nil:
				d.counters.dropped.Add(1)
			case m.prefix == "SMTP":
				n.capital = append(n.capital, m.address)
			case i == 0 && m.prefix == "":
				n.bare = append(n.bare, m.address)
			default:
				n.others = append(n.others, m.address)
			}
		}
	}
	for _, name := range d.addressNames[1:] {
		for _, value := range d.values(e, name) {
			if m, _, err := parseMailAddress(value); err == nil && m.prefix == "" {
				n.fallbacks = append(n.fallbacks, m.address)
			}
		}
	}
	return n
}

// isCatchAll reports whether a value stands for a whole domain.
func isCatchAll(value string) bool {
	domain, found := strings.CutPrefix(strings.TrimSpace(value), "@")
	_, err := settings.ParseDomain(domain)
	return found && err == nil
}

// primary returns the mailbox's own address. Active Directory marks it by the prefix SMTP:
// in capitals; its attribute mail may be empty or outdated. If there are only other
// addresses, and several, the primary one is the one that is also the login: their order
// is random.
func (n named) primary() (settings.Address, bool) {
	hints := slices.Concat(n.bare, n.fallbacks)
	for _, list := range [][]settings.Address{n.capital, n.bare, n.others} {
		for _, hint := range hints {
			if slices.ContainsFunc(list, hint.Same) {
				return hint, true
			}
		}
		if len(distinct(list)) == 1 {
			return list[0], true
		}
		if len(list) > 0 {
			return settings.Address{}, false
		}
	}
	if len(n.fallbacks) > 0 {
		return n.fallbacks[0], true
	}
	return settings.Address{}, false
}

// distinct sorts addresses and removes duplicates.
func distinct(list []settings.Address) []settings.Address {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b settings.Address) int { return strings.Compare(a.Key(), b.Key()) })
	return slices.CompactFunc(list, settings.Address.Same)
}

// addresses returns an entry's primary address and its other ones.
func (d *Source) addresses(e *ldap.Entry) (primary settings.Address, others []settings.Address, err error) {
	n := d.named(e)
	all := distinct(slices.Concat(n.capital, n.bare, n.others))
	primary, ok := n.primary()
	where := strings.Join(d.allAddressNames, ", ")
	switch {
	case ok:
	case len(all) > 0:
		return primary, nil, directory.Discarded{Why: "the entry has several addresses, and none is the mailbox's own: " +
			"give one the prefix SMTP:, or write it into " + d.addressNames[0], Fault: true}
	case n.catchAll:
		return primary, nil, directory.Discarded{Why: "a catch-all is no account"}
	default:
		return primary, nil, directory.Discarded{
			Why:   "the entry has no address that can be used (" + where + ")",
			Fault: true,
		}
	}
	others = slices.DeleteFunc(all, primary.Same)
	return primary, atMost(d, others), nil
}

// atMost drops the values beyond a limit.
func atMost[T any](d *Source, list []T) []T {
	if len(list) > maxValues {
		d.counters.dropped.Add(int64(len(list) - maxValues))
		list = list[:maxValues]
	}
	if len(list) == 0 {
		return nil
	}
	return list
}

// read converts an entry to an account. An error is [directory.Discarded].
func (d *Source) read(e *ldap.Entry) (account policy.Account, err error) {
	if err := d.disabled(e); err != nil {
		return policy.Account{}, err
	}
	if account.Address, account.Addresses, err = d.addresses(e); err != nil {
		d.counters.badAddress.Add(1)
		return policy.Account{}, err
	}
	return account, nil
}

// fill adds the other attributes to an account. An error is [directory.Discarded].
func (d *Source) fill(account *policy.Account, e *ldap.Entry) error {
	names := d.options.Attributes
	// The server ignores leading and trailing blanks when it compares (RFC 4518, section 2.6.1).
	if account.Login = strings.TrimSpace(d.first(e, names.Login)); account.Login != "" && !usableText(account.Login) {
		d.counters.badLogin.Add(1)
		return directory.Discarded{Why: "its login can't be used (" + names.Login +
			"): it is too long, or has control characters", Fault: true}
	}
	for _, name := range d.names {
		if text := strings.TrimSpace(d.first(e, name)); text != "" {
			if usableText(text) {
				account.Name = text
				break
			}
			d.counters.dropped.Add(1)
		}
	}
	for _, value := range d.values(e, names.Groups) {
		if group, ok := parseGroup(value); ok {
			account.Groups = append(account.Groups, group)
		} else {
			d.counters.dropped.Add(1)
		}
	}
	slices.Sort(account.Groups)
	account.Groups = atMost(d, slices.Compact(account.Groups))
	account.Quota = optional(d, e, names.Quota, func(value string) (policy.Bytes, bool) {
		return parseQuota(value, d.options.QuotaUnit)
	})
	account.Devices = optional(d, e, names.Devices, parseDevices)
	account.Protocol = optional(d, e, names.Protocol, parseProtocol)
	return nil
}

// optional reads a value that an account may lack.
func optional[T any](d *Source, e *ldap.Entry, name string, parse func(string) (T, bool)) (result T) {
	value := d.first(e, name)
	if value == "" {
		return result
	}
	parsed, ok := parse(value)
	if !ok {
		d.counters.dropped.Add(1)
		return result
	}
	return parsed
}
