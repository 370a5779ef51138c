package ldapdir

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"

	"autoconfig/policy"
	"autoconfig/settings"
)

const (
	// maxValue limits a value, in bytes. Longer ones are dropped before they are parsed.
	maxValue = 64 << 10
	// maxText limits a name, a login or a group, in bytes; maxName the distinguished name
	// of a group, and maxNumber a quota.
	maxText, maxName, maxNumber = 1024, 4096, 64
	// maxValues limits the groups, and the addresses, of an account.
	maxValues = 1000
)

// mailAddress is a value of an attribute with addresses.
type mailAddress struct {
	address settings.Address
	prefix  string // as written, without the colon
}

// parseMailAddress parses a value that may have a prefix as in Active Directory's
// proxyAddresses. The prefix smtp: is removed, in any letter case. other reports that the
// value has another prefix, such as X400: or sip:, and so isn't a mail address.
func parseMailAddress(value string) (m mailAddress, other bool, err error) {
	value = strings.TrimSpace(value)
	// A colon before the @ ends a prefix: in a local part it would be in quotes.
	if colon := strings.IndexByte(value, ':'); colon >= 0 && !strings.HasPrefix(value, `"`) {
		if at := strings.IndexByte(value, '@'); at < 0 || colon < at {
			m.prefix, value = value[:colon], value[colon+1:]
			if !strings.EqualFold(m.prefix, "smtp") {
				return mailAddress{}, true, nil
			}
		}
	}
	m.address, err = settings.ParseAddress(value)
	m.address = m.address.Unquoted()
	return m, false, err
}

// parseGroup parses a word, or takes the value of a distinguished name's first part: of its
// cn if that has several.
func parseGroup(value string) (string, bool) {
	if len(value) > maxName {
		return "", false
	}
	group := strings.TrimSpace(value)
	if strings.Contains(group, "=") {
		if dn, err := ldap.ParseDN(group); err == nil && len(dn.RDNs) > 0 && len(dn.RDNs[0].Attributes) > 0 {
			attributes := dn.RDNs[0].Attributes
			group = attributes[0].Value
			for _, a := range attributes {
				if strings.EqualFold(a.Type, "cn") {
					group = a.Value
					break
				}
			}
			group = strings.TrimSpace(group)
		}
	}
	return group, usableText(group)
}

// usableText reports whether a text may be handed out.
func usableText(text string) bool {
	return text != "" && len(text) <= maxText && settings.CheckText(text) == nil
}

// parseQuota parses a number in the given unit, or one with a unit of its own. Zero and
// negative numbers mean that there is no limit: the result is 0, for an unknown size.
func parseQuota(value string, unit string) (policy.Bytes, bool) {
	if len(value) > maxNumber {
		return 0, false
	}
	value = strings.TrimSpace(value)
	if strings.HasPrefix(value, "-") {
		_, err := policy.ParseBytes(value[1:])
		return 0, err == nil
	}
	if strings.Trim(value, "0123456789.") == "" {
		value += unit
	}
	size, err := policy.ParseBytes(value)
	return size, err == nil
}

// parseExpiry parses the time at which an account ends; the zero time is never. Active Directory's
// accountExpires counts 100 nanoseconds since 1601, with 0 and the largest number for
// never (MS-ADA1); shadowExpire of RFC 2307 counts days since 1970; others, such as
// krbPrincipalExpiration, are a generalized time (RFC 4517).
func parseExpiry(value string) (time.Time, bool) {
	const (
		unixIn1601 = 116_444_736_000_000_000
		mostDays   = 10_000_000
	)
	value = strings.TrimSpace(value)
	for _, layout := range []string{"20060102150405Z", "20060102150405.999Z", "20060102150405-0700"} {
		if at, err := time.Parse(layout, value); err == nil {
			return at, true
		}
	}
	n, err := strconv.ParseInt(value, 10, 64)
	switch {
	case err != nil:
		return time.Time{}, false
	case n <= 0 || n == math.MaxInt64:
		return time.Time{}, true
	case n < mostDays:
		return time.Unix(n*24*60*60, 0), true
	}
	return time.UnixMicro((n - unixIn1601) / 10), true
}

func parseDevices(value string) (policy.Devices, bool) {
	switch d := policy.Devices(strings.ToLower(strings.TrimSpace(value))); d {
	case policy.OneDevice, policy.SeveralDevices:
		return d, true
	}
	return "", false
}

func parseProtocol(value string) (settings.Protocol, bool) {
	switch p := settings.Protocol(strings.ToLower(strings.TrimSpace(value))); p {
	case settings.IMAP, settings.POP3:
		return p, true
	}
	return "", false
}
