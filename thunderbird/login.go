package thunderbird

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"unicode"

	"autoconfig/settings"
)

// ErrLogin means that the login can't be carried: it is one that Thunderbird's
// reader would change, and no placeholder stands for it.
var ErrLogin = errors.New("the login can't be written so that Thunderbird reads it unchanged")

// EvolutionUser is the local part that Evolution asks with instead of the real
// one. It puts the real one back wherever it finds it in the answer.
const EvolutionUser = "EVOLUTIONUSER"

// Resolve makes of s what is written. Each login's Literal is the text, and its
// Pattern tells why: it is the one whose placeholders are the text, or empty where
// the login is written as it is. The provider's names are those that can be shown.
//
// A bare %EMAILADDRESS% or %EMAILLOCALPART% is best: it can't be mangled. Any
// other pattern is written out where that is safe, since FairEmail takes text
// around a placeholder, and the placeholder in it, literally. So is every login
// that the program would make otherwise of its own copy of the address.
func Resolve(s settings.Settings) (settings.Settings, error) {
	for _, login := range []*settings.Login{&s.IncomingLogin, &s.OutgoingLogin} {
		if err := resolve(login, s); err != nil {
			return s, err
		}
	}
	// What stands beside mail isn't read by Thunderbird: a login that it would
	// mangle is written as it is.
	_ = resolve(&s.ServiceLogin, s)
	s.Provider.Name, s.Provider.ShortName = unmangled(s.Provider.Name, s.Domain), unmangled(s.Provider.Short(), s.Domain)
	return s, nil
}

func resolve(login *settings.Login, s settings.Settings) error {
	bare := login.Pattern == "{address}" || login.Pattern == "{local}"
	// In what Thunderbird puts in a placeholder's place, a $ means something: its text
	// goes through JavaScript's String.replace (AccountConfig.sys.mjs, replaceVariables).
	filledOtherwise := s.Respelled && login.Pattern == "{address}" || strings.Contains(s.Typed.Local(), "$")
	read := !Mangles(login.Literal) || s.StandIn && strings.TrimFunc(login.Literal,
		isBlank) == login.Literal // Evolution reads text
	safe := login.Literal != "" && read && !strings.Contains(login.Literal, "%EMAIL")
	switch {
	case safe && (filledOtherwise || s.Typed.Local() == EvolutionUser): // Evolution asked for a literal, and gets it back
		login.Pattern = ""
	case bare:
	case safe:
		login.Pattern = ""
	case login.Pattern == "":
		return ErrLogin
	}
	login.Literal = username(*login)
	return nil
}

// username is a login as it is written.
func username(login settings.Login) string {
	switch login.Pattern {
	case "":
		return login.Literal
	case "{address}": // nearly always
		return "%EMAILADDRESS%"
	}
	return placeholders.Replace(login.Pattern)
}

var placeholders = strings.NewReplacer(
	"{address}", "%EMAILADDRESS%", "{local}", "%EMAILLOCALPART%", "{domain}", "%EMAILDOMAIN%",
)

// unmangled is the text, or another one where Thunderbird would show something
// else than the text.
func unmangled(text, otherwise string) string {
	if text == "" || Mangles(text) {
		return otherwise
	}
	return text
}

// Mangles tells whether Thunderbird's reader (JXON.parseText) makes another text
// of this one: booleans lose their letter case, numbers their zeros. Blanks at
// the edges are kept by it but dropped by others, so they count as well.
func Mangles(text string) bool {
	if strings.EqualFold(text, "true") || strings.EqualFold(text, "false") {
		return true
	}
	trimmed := strings.TrimFunc(text, isBlank)
	return trimmed != text || isFinite(trimmed)
}

// isBlank is JavaScript's WhiteSpace and LineTerminator.
func isBlank(r rune) bool { return unicode.IsSpace(r) && r != '\u0085' || r == '\uFEFF' }

// isFinite is JavaScript's function of that name for a trimmed text.
func isFinite(text string) bool {
	if text == "" {
		return true
	}
	if len(text) > 2 && text[0] == '0' {
		if digits := map[byte]string{'x': hexDigits, 'o': "01234567", 'b': "01"}[text[1]|0x20]; digits != "" {
			return strings.Trim(text[2:], digits) == ""
		}
	}
	// Go's reader takes all that JavaScript's does, and a little more.
	if strings.Trim(text, "0123456789.eE+-") != "" {
		return false
	}
	value, err := strconv.ParseFloat(text, 64)
	return err == nil && !math.IsInf(value, 0)
}

const hexDigits = "0123456789abcdefABCDEF"
