package settings

import (
	"errors"
	"net/netip"
	"strings"

	"golang.org/x/net/idna"
)

// ErrDomain is returned for a text that is not a host name.
var ErrDomain = errors.New("not a host name")

// hostNames maps what people type (upper case, full-width letters, Unicode) as
// UTS #46 says for look-ups. Hyphens in the third and fourth place are left
// alone: such names are registered and in use.
var hostNames = idna.New(
	idna.MapForLookup(),
	idna.BidiRule(),
	idna.StrictDomainName(true),
	idna.CheckHyphens(false),
)

// ParseDomain turns a host name as typed into its ASCII form in lower case,
// without a final dot. It accepts 1 to 253 octets, letters, digits and hyphens in
// labels of 1 to 63, and refuses IP addresses.
func ParseDomain(text string) (string, error) {
	text = strings.TrimSuffix(text, ".")
	if text == "" || len(text) > 4*MaxDomain {
		return "", ErrDomain
	}
	name := text
	if !isPlainHostName(text) {
		var err error
		if name, err = hostNames.ToASCII(text); err != nil || !comesBack(name) {
			return "", ErrDomain
		}
	}
	if len(name) > MaxDomain || !hasGoodLabels(name) {
		return "", ErrDomain
	}
	if _, err := netip.ParseAddr(name); err == nil {
		return "", ErrDomain
	}
	return name, nil
}

// isPlainHostName spots what idna would return unchanged, which is nearly every
// name that is asked for, without allocating.
func isPlainHostName(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '.' && c != '-' {
			return false
		}
	}
	return !strings.Contains(s, "xn--")
}

// comesBack tells whether a name in ASCII is accepted as it is: idna turns some labels
// with very many combining marks into a form that it then refuses.
func comesBack(name string) bool {
	if !strings.Contains(name, "xn--") {
		return true
	}
	again, err := hostNames.ToASCII(name)
	return err == nil && again == name
}

func hasGoodLabels(name string) bool {
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
	}
	return true
}

// UnicodeDomain is how a person may write a domain that is kept in ASCII; the
// name itself where there is no other way.
func UnicodeDomain(name string) string {
	if !strings.Contains(name, "xn--") {
		return name
	}
	if unicode, err := hostNames.ToUnicode(name); err == nil {
		return unicode
	}
	return name
}
