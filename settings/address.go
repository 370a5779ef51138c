package settings

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Limits of an address in octets (RFC 5321, sections 4.5.3.1.1 to 4.5.3.1.3;
// the 254 of the whole is the forward-path of 256 without its brackets).
const (
	MaxLocalPart = 64
	MaxDomain    = 253
	MaxAddress   = 254
)

// Address is a mail address that has passed [ParseAddress]. The local part is
// kept as it was typed, letter case and quotes included; the domain is ASCII and
// in lower case. The zero Address means "no address".
type Address struct {
	local, domain string
}

// An AddressError says why a text is not a mail address. It never repeats the
// text: it may end up in a log.
type AddressError struct{ Reason string }

func (e *AddressError) Error() string { return "not a mail address: " + e.Reason }

// ErrAddress is what every [*AddressError] is, for errors.Is.
var ErrAddress = errors.New("not a mail address")

// Is makes an AddressError match [ErrAddress].
func (e *AddressError) Is(target error) bool { return target == ErrAddress }

func notAddress(reason string) (Address, error) { return Address{}, &AddressError{reason} }

// ParseAddress is the only door for a mail address. It accepts a dot-atom or a
// quoted string as the local part (RFC 5321, section 4.1.2; UTF-8 as in RFC 6531)
// and a host name in ASCII or Unicode as the domain. Dots may stand anywhere in
// an unquoted local part, since some providers' addresses have them doubled or
// last. Address literals, comments, control characters and characters that XML
// can't carry are not accepted.
//
// What stands around an address that is pasted or typed on a telephone is no part
// of it: blanks, marks that nobody sees, and a dot behind the domain.
func ParseAddress(text string) (Address, error) {
	text = strings.TrimFunc(text, isAround)
	switch {
	case text == "":
		return notAddress("it is empty")
	case len(text) > 4*MaxAddress: // a domain in Unicode may be longer than its ASCII form
		return notAddress("it is too long")
	case !utf8.ValidString(text):
		return notAddress("it is not valid UTF-8")
	}
	at := strings.LastIndexByte(text, '@')
	if at < 0 {
		return notAddress("there is no @")
	}
	local := text[:at]
	if err := checkLocalPart(local); err != nil {
		return Address{}, err
	}
	domain, err := ParseDomain(text[at+1:])
	if err != nil {
		return notAddress("the domain is not a host name")
	}
	if len(local)+1+len(domain) > MaxAddress {
		return notAddress("it is longer than 254 octets")
	}
	return Address{local, domain}, nil
}

// isAround tells whether a rune is a blank or a mark without a shape of its own, which
// people paste along with an address: zero-width space, word joiner, byte order mark,
// and what directs lines from right to left.
func isAround(r rune) bool {
	switch r {
	case '\u200B', '\u200E', '\u200F', '\u2060', '\uFEFF':
		return true
	}
	return unicode.IsSpace(r) || isDirection(r)
}

// isDirection tells whether a rune embeds, overrides or isolates a direction.
func isDirection(r rune) bool {
	return r >= '\u202A' && r <= '\u202E' || r >= '\u2066' && r <= '\u2069'
}

func checkLocalPart(local string) error {
	switch {
	case local == "":
		return &AddressError{"there is nothing before the @"}
	case len(local) > MaxLocalPart:
		return &AddressError{"the part before the @ is longer than 64 octets"}
	}
	for _, r := range local {
		if !legalRune(r) {
			return &AddressError{"it contains a control character"}
		}
	}
	if local[0] == '"' {
		if !isQuotedString(local) {
			return &AddressError{"the quotes before the @ are not balanced"}
		}
		return nil
	}
	if strings.ContainsAny(local, "@ ()<>[]:;,\\\"") {
		return &AddressError{"the part before the @ has a character that must be quoted"}
	}
	return nil
}

// legalRune tells whether a rune may stand in an address or in a text that we
// hand out: no control characters, none that XML 1.0 forbids, none that reorder
// or break lines, none of the private-use ones that mark the slots of a [Template].
func legalRune(r rune) bool {
	switch {
	case unicode.IsControl(r), r == '\u2028', r == '\u2029', r == '\uFEFF', r == utf8.RuneError:
		return false
	case isDirection(r):
		return false
	case r >= '\uFDD0' && r <= '\uFDEF', r&0xFFFE == 0xFFFE: // noncharacters
		return false
	case unicode.Is(unicode.Co, r):
		return false
	}
	return true
}

func isQuotedString(s string) bool {
	if len(s) < 3 || s[len(s)-1] != '"' {
		return false
	}
	inner := s[1 : len(s)-1]
	for i := 0; i < len(inner); i++ {
		switch inner[i] {
		case '"':
			return false
		case '\\':
			i++
			if i == len(inner) || inner[i] >= utf8.RuneSelf {
				return false
			}
		}
	}
	return true
}

// MustAddress is [ParseAddress] for addresses written in code; it panics on a
// malformed one.
func MustAddress(text string) Address {
	a, err := ParseAddress(text)
	if err != nil {
		panic(text + ": " + err.Error())
	}
	return a
}

// Local is the part before the @, as typed.
func (a Address) Local() string { return a.local }

// Domain is the part after the @: ASCII, lower case.
func (a Address) Domain() string { return a.domain }

// IsZero tells whether there is no address.
func (a Address) IsZero() bool { return a == Address{} }

// String is the whole address, with the local part as typed; "" for none.
func (a Address) String() string {
	if a.IsZero() {
		return ""
	}
	return a.local + "@" + a.domain
}

// Key is the form under which an address is looked up: the local part's meaning
// with ASCII letters in lower case, in quotes only where it needs them. Two
// addresses with one key are the same mailbox for us.
func (a Address) Key() string {
	if a.IsZero() {
		return ""
	}
	return LocalKey(a.local) + "@" + a.domain
}

// LocalKey is the local part's share of [Address.Key].
func LocalKey(local string) string {
	if isPlain(local) {
		return lowerASCII(local)
	}
	return spell(norm.NFC.String(lowerASCII(meaning(local))), lowerASCII(local))
}

// Same tells whether two addresses have the same key.
func (a Address) Same(b Address) bool {
	return a.domain == b.domain && LocalKey(a.local) == LocalKey(b.local)
}

// Unquoted is the address in the one spelling that we use of those that mean the
// same: "name"@D and "n\ame"@D are name@D (RFC 5321, section 4.1.2), and letters
// with marks are composed. Letter case stays.
func (a Address) Unquoted() Address {
	if isPlain(a.local) {
		return a
	}
	return Address{spell(meaning(a.local), a.local), a.domain}
}

// isPlain tells whether a local part has but one spelling: nearly every one.
func isPlain(local string) bool {
	for i := range len(local) {
		if local[i] >= utf8.RuneSelf {
			return false
		}
	}
	return local == "" || local[0] != '"'
}

// meaning is a local part without quotes and quoted pairs, which are no part of
// what they say (RFC 5321, section 4.1.2), in the composed form that user names
// are compared in (RFC 8265, section 3.3.2).
func meaning(local string) string {
	if local[0] != '"' {
		return norm.NFC.String(local)
	}
	inner := local[1 : len(local)-1]
	if strings.IndexByte(inner, '\\') >= 0 {
		var said strings.Builder
		for i := 0; i < len(inner); i++ {
			if inner[i] == '\\' {
				i++
			}
			said.WriteByte(inner[i])
		}
		inner = said.String()
	}
	return norm.NFC.String(inner)
}

// spell writes a meaning as a local part, with quotes only where it needs them.
// One that becomes longer than a local part may be stays as it was typed.
func spell(meaning, typed string) string {
	spelt := meaning
	if meaning[0] == '"' || checkLocalPart(meaning) != nil {
		spelt = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(meaning) + `"`
	}
	if len(spelt) > MaxLocalPart {
		return typed
	}
	return spelt
}

// WithDomain is the address with another domain, which must have come from
// [ParseDomain].
func (a Address) WithDomain(domain string) Address { return Address{a.local, domain} }

// WithoutTag is the address without its tag ("name+tag@D" gives "name@D"), where
// any one of the delimiters starts a tag, in quotes as well. An address without a
// tag or with nothing before it comes back unchanged.
func (a Address) WithoutTag(delimiters string) Address {
	if delimiters == "" || a.IsZero() {
		return a
	}
	said := a.local
	if said[0] == '"' {
		said = meaning(said)
	}
	if i := strings.IndexAny(said, delimiters); i > 0 {
		return Address{spell(said[:i], a.local), a.domain}
	}
	return a
}

// MarshalText and UnmarshalText let an address stand in YAML and JSON.
func (a Address) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText parses as [ParseAddress] does; an empty text is no address.
func (a *Address) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*a = Address{}
		return nil
	}
	parsed, err := ParseAddress(string(text))
	if err != nil {
		return err
	}
	*a = parsed
	return nil
}

func lowerASCII(s string) string {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c >= 'A' && c <= 'Z' {
			b := []byte(s)
			for ; i < len(b); i++ {
				if c := b[i]; c >= 'A' && c <= 'Z' {
					b[i] = c + 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return s
}
