package ldapdir

import (
	"slices"
	"strconv"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"autoconfig/policy"
	"autoconfig/settings"
)

// values are those of an attribute, in the server's order, but for those that are
// too long. Active Directory names an attribute with very many values
// memberOf;range=0-1499: these are the ones that we take.
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

// first is the first value of an attribute, or "".
func (d *Source) first(e *ldap.Entry, name string) string {
	if values := d.values(e, name); len(values) > 0 {
		return values[0]
	}
	return ""
}

// enabled tells whether an account may be used, as far as an attribute says it.
// The bit is judged here also where the filter has Active Directory's matching rule
// for it: servers without that rule find nothing by it, and their operators leave
// it out of the filter.
func (d *Source) enabled(e *ldap.Entry) bool {
	rule := d.options.Enabled
	if rule.Attribute == "" {
		return true
	}
	value := d.first(e, rule.Attribute)
	if value == "" {
		return false
	}
	if rule.DisabledBit != 0 {
		flags, err := strconv.ParseInt(value, 10, 64)
		if err != nil || flags&rule.DisabledBit != 0 {
			return false
		}
	}
	return len(rule.Values) == 0 || slices.ContainsFunc(rule.Values, func(good string) bool { return strings.EqualFold(good, value) })
}

// addresses are an entry's primary address and its other ones. ok is false if the
// primary one can't be used.
func (d *Source) addresses(e *ldap.Entry) (primary settings.Address, others []settings.Address, ok bool) {
	own := d.values(e, d.options.Attributes.Address)
	at := slices.IndexFunc(own, func(value string) bool { return strings.HasPrefix(strings.TrimSpace(value), "SMTP:") })
	if at < 0 {
		at = slices.IndexFunc(own, func(value string) bool {
			m, other, _ := parseMailAddress(value)
			return !other && m.prefix == ""
		})
	}
	if at < 0 {
		return settings.Address{}, nil, false
	}
	first, _, err := parseMailAddress(own[at])
	if err != nil {
		return settings.Address{}, nil, false
	}
	values := slices.Delete(own, at, at+1)
	if name := d.options.Attributes.Addresses; !strings.EqualFold(name, d.options.Attributes.Address) {
		values = append(values, d.values(e, name)...)
	}
	for _, value := range values {
		m, other, err := parseMailAddress(value)
		switch {
		case other:
		case err != nil:
			d.counters.dropped.Add(1)
		case m.address.Key() != first.address.Key():
			others = append(others, m.address)
		}
	}
	slices.SortFunc(others, func(a, b settings.Address) int { return strings.Compare(a.Key(), b.Key()) })
	others = slices.CompactFunc(others, func(a, b settings.Address) bool { return a.Key() == b.Key() })
	return first.address, atMost(d, others), true
}

// atMost drops what is too much.
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

// read makes an account of an entry; false if it is disabled, or if what makes it
// an account can't be used.
func (d *Source) read(e *ldap.Entry) (policy.Account, bool) {
	if !d.enabled(e) {
		return policy.Account{}, false
	}
	var account policy.Account
	var ok bool
	if account.Address, account.Addresses, ok = d.addresses(e); !ok {
		d.counters.badAddress.Add(1)
		return policy.Account{}, false
	}
	return account, true
}

// fill adds what else is known of an account; false if its login can't be used.
func (d *Source) fill(account *policy.Account, e *ldap.Entry) bool {
	names := d.options.Attributes
	if account.Login = d.first(e, names.Login); account.Login != "" && (!usableText(account.Login) || strings.TrimSpace(account.Login) != account.Login) {
		d.counters.badLogin.Add(1)
		return false
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
	account.Quota = optional(d, e, names.Quota, func(value string) (policy.Bytes, bool) { return parseQuota(value, d.options.QuotaUnit) })
	account.Devices = optional(d, e, names.Devices, parseDevices)
	account.Protocol = optional(d, e, names.Protocol, parseProtocol)
	return true
}

// optional reads a value that an account can do without.
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
