package ldapdir

import (
	"strings"

	"github.com/go-ldap/ldap/v3"

	"autoconfig/policy"
	"autoconfig/settings"
)

const (
	// maxValue bounds a value, in bytes. Longer ones are dropped before they are read.
	maxValue = 64 << 10
	// maxText bounds a name, a login or a group, in bytes.
	maxText = 1024
	// maxValues bounds how many groups or addresses an account may have.
	maxValues = 1000
)

// mailAddress is one value of an attribute with addresses.
type mailAddress struct {
	address settings.Address
	prefix  string // as written, without the colon
}

// parseMailAddress reads a value that may have a prefix as in Active Directory's
// proxyAddresses: smtp: in any letter case is dropped. other means that the value
// has another prefix, such as X400: or sip:, and isn't a mail address at all.
func parseMailAddress(value string) (m mailAddress, other bool, err error) {
	value = strings.TrimSpace(value)
	// A colon before the @ is a prefix's: in a local part it would be in quotes.
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

// parseGroup reads a word, or the value of a distinguished name's first part: of
// its cn if it has several.
func parseGroup(value string) (string, bool) {
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

// usableText tells whether a text can be handed out.
func usableText(text string) bool {
	return text != "" && len(text) <= maxText && settings.CheckText(text) == nil
}

// parseQuota reads a number, in the given unit, or a number with a unit of its own.
// Zero and less mean that there is no limit, which is not known.
func parseQuota(value string, unit string) (policy.Bytes, bool) {
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
