package server

import (
	"errors"
	"net/url"
	"strings"

	"autoconfig/settings"
)

// asked is the address that a request names.
type asked struct {
	settings.Address
	// sent is the address as the program has it: what it puts in the place of placeholders.
	sent string
}

// respelled tells whether the program has the address in another spelling than ours.
func (a asked) respelled() bool { return a.sent != a.String() }

// What programs read differently is refused: one of them would set up another account.
var (
	errTwoAddresses = errors.New("the request names two addresses")
	errTwoValues    = errors.New("the request gives one parameter twice")
	errPlusInFront  = errors.New("the address begins with a + that may be a blank")
	errSeparator    = errors.New("another separator than & in the query")
)

// addressKeys are the names under which programs send the address, in any letter case:
// emailaddress to autoconfig, email to Autodiscover v2 and in links to profiles.
var addressKeys = []string{"emailaddress", "email"}

const digestKey = "emailmd5"

// addressIn reads the address out of a raw query. given is false if there is none.
//
// FairEmail and Nextcloud Mail put the address into the URL as it is, so that a +
// arrives unencoded (Go's own parser would make it a blank) and an & cuts it in
// two. Thunderbird and the others encode it like a form.
func addressIn(rawQuery string) (found asked, given bool, err error) {
	for rest := rawQuery; rest != ""; {
		var piece string
		piece, rest, _ = strings.Cut(rest, "&")
		if hidesParameter(piece) {
			return asked{}, true, errSeparator
		}
		key, value, _ := strings.Cut(piece, "=")
		if !isKey(key, addressKeys...) {
			continue
		}
		for rest != "" && !strings.ContainsAny(value, "@%") { // cut in two, at an & of its own?
			next, after, _ := strings.Cut(rest, "&")
			if strings.Contains(next, "=") {
				break
			}
			value, rest = value+"&"+next, after
		}
		one, err := readAddress(value)
		switch {
		case err != nil:
			return asked{}, true, err
		case given && !one.Same(found.Address):
			return asked{}, true, errTwoAddresses
		case !given:
			found, given = one, true
		}
	}
	return found, given, nil
}

// hidesParameter tells whether what is one parameter here is several for who takes ;
// for a separator, or ? for the beginning of a query.
func hidesParameter(piece string) bool {
	for {
		i := strings.IndexAny(piece, ";?")
		if i < 0 {
			return false
		}
		piece = piece[i+1:]
		if key, _, found := strings.Cut(piece, "="); found && (isKey(key, addressKeys...) || isKey(key, digestKey)) {
			return true
		}
	}
}

func isKey(key string, names ...string) bool {
	if strings.IndexByte(key, '%') >= 0 {
		if decoded, err := url.PathUnescape(key); err == nil {
			key = decoded
		}
	}
	for _, name := range names {
		if strings.EqualFold(key, name) {
			return true
		}
	}
	return false
}

// readAddress reads an address as it stands in a query.
func readAddress(raw string) (asked, error) {
	text, err := decodeAddress(raw)
	if err != nil {
		return asked{}, err
	}
	address, err := settings.ParseAddress(text)
	return asked{address, text}, err
}

// mostEncodings is how often an address may be encoded: each redirect by Apache's
// mod_rewrite without its flag NE encodes it once more.
const mostEncodings = 3

// decodeAddress undoes percent-encoding. A + stays one, but for two places where it
// stands for a blank: at the ends of an address that was encoded like a form, and
// between its quotes. One in front of an address that wasn't encoded may be either.
func decodeAddress(raw string) (string, error) {
	if strings.IndexByte(raw, '@') >= 0 {
		text := unescaped(strings.TrimRight(raw, "+"))
		if inFront := strings.TrimLeft(text, " \t"); strings.HasPrefix(inFront, "+") && !isEncodedPlus(raw) {
			return "", errPlusInFront
		}
		return text, nil
	}
	around := "" // a blank that the program may have in its own copy
	for range mostEncodings {
		if cut := trimBlanks(raw); cut != raw {
			raw, around = cut, " "
		}
		text := unescaped(raw)
		switch {
		case strings.IndexByte(text, '@') >= 0 && strings.HasPrefix(text, `"`):
			spaced, err := url.QueryUnescape(raw)
			return around + spaced, err
		case strings.IndexByte(text, '@') >= 0 || text == raw:
			return around + text, nil
		}
		raw = text
	}
	return around + raw, nil
}

func isEncodedPlus(raw string) bool { return len(raw) > 2 && strings.EqualFold(raw[:3], "%2B") }

// unescaped is the text itself where it has a bare %, of a program that doesn't encode.
func unescaped(text string) string {
	if decoded, err := url.PathUnescape(text); err == nil {
		return decoded
	}
	return text
}

// trimBlanks takes off the blanks at the ends of a text that is encoded like a form.
func trimBlanks(raw string) string {
	for _, blank := range []string{"+", "%20", "%09"} {
		if cut := strings.TrimSuffix(strings.TrimPrefix(raw, blank), blank); cut != raw {
			return trimBlanks(cut)
		}
	}
	return raw
}

// parameter is a query parameter by its name in any letter case, "" if absent.
func parameter(rawQuery, name string) (found string, err error) {
	given := false
	for piece := range strings.SplitSeq(rawQuery, "&") {
		key, value, _ := strings.Cut(piece, "=")
		if !isKey(key, name) {
			continue
		}
		if decoded, err := url.QueryUnescape(value); err == nil {
			value = decoded
		}
		if given && !strings.EqualFold(value, found) {
			return "", errTwoValues
		}
		found, given = value, true
	}
	return found, nil
}

// addressQuery is the query that names an address, written anew. Blanks are %20: a + stands for one
// only in some places, and is a letter of another address in the others (see decodeAddress).
func addressQuery(a asked, digest string) string {
	query := "?emailaddress=" + strings.ReplaceAll(url.QueryEscape(a.sent), "+", "%20")
	if digest != "" {
		query += "&" + digestKey + "=" + url.QueryEscape(digest)
	}
	return query
}
