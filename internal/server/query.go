package server

import (
	"net/url"
	"strings"

	"autoconfig/settings"
)

// typedAddress reads the address out of a raw query, under the first of the
// names that is there. given is false if none is.
//
// FairEmail and Nextcloud Mail put the address into the URL as it is, so that a +
// arrives unencoded (Go's own parser would make it a blank) and an & cuts it in
// two. Thunderbird and the others encode it like a form.
func typedAddress(rawQuery string, names ...string) (address settings.Address, given bool, err error) {
	pieces := strings.Split(rawQuery, "&")
	for _, name := range names {
		for i, piece := range pieces {
			key, value, _ := strings.Cut(piece, "=")
			if !strings.EqualFold(key, name) {
				continue
			}
			for _, next := range pieces[i+1:] {
				if strings.ContainsAny(value, "@%") || strings.Contains(next, "=") {
					break
				}
				value += "&" + next
			}
			address, err = settings.ParseAddress(decodeAddress(value))
			return address, true, err
		}
	}
	return settings.Address{}, false, nil
}

// decodeAddress undoes percent-encoding. A + stays one, except between the quotes
// of an address that was encoded like a form: there it stands for a blank.
func decodeAddress(raw string) string {
	form := strings.Contains(raw, "%40")
	decoded, err := url.PathUnescape(raw)
	if err != nil { // a bare % of a client that doesn't encode
		return raw
	}
	if form && strings.HasPrefix(decoded, `"`) {
		if spaced, err := url.QueryUnescape(raw); err == nil {
			return spaced
		}
	}
	return decoded
}

// parameter is a query parameter by its name in any letter case, "" if absent.
func parameter(rawQuery, name string) string {
	for piece := range strings.SplitSeq(rawQuery, "&") {
		key, value, _ := strings.Cut(piece, "=")
		if strings.EqualFold(key, name) {
			if decoded, err := url.QueryUnescape(value); err == nil {
				return decoded
			}
			return value
		}
	}
	return ""
}
