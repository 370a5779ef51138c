package settings

import (
	"errors"
	"net/url"
	"unicode/utf8"
)

// CheckText refuses what can't be handed out as a name or a sentence: text that
// is not UTF-8, control characters and line breaks, bidirectional overrides,
// private-use and non-characters.
func CheckText(s string) error {
	if !utf8.ValidString(s) {
		return errors.New("the text is not valid UTF-8")
	}
	for _, r := range s {
		if !legalRune(r) {
			return errors.New("the text has a control, private-use or formatting character")
		}
	}
	return nil
}

// checkURL refuses what isn't an absolute https URL. Where a client would send a
// password to it, nothing less will do.
func checkURL(problems *Problems, path, text string) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || CheckText(text) != nil {
		problems.Add(path, "%q is not an https URL", text)
		return
	}
	if _, err := ParseDomain(u.Hostname()); err != nil {
		problems.Add(path, "%q has no host name", text)
	}
}
