package policy

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"autoconfig/settings"
)

// Forms are the ways to write a mailbox's addresses: under each name of their domains, with a tag, in any
// letter case, with quotes. The zero Forms has none.
type Forms struct {
	names map[string]namesake
	keys  map[string]bool // of addresses in their primary domains
	other map[string]bool // of addresses with a tag that are other accounts
}

// namesake is the domain of a name.
type namesake struct{ primary, delimiters string }

// Add adds an address of the mailbox, in the domain of these terms.
func (f *Forms) Add(t *Terms, a settings.Address) {
	if f.names == nil {
		f.names, f.keys, f.other = map[string]namesake{}, map[string]bool{}, map[string]bool{}
	}
	for _, name := range append([]string{t.Name}, t.Aliases...) {
		f.names[name] = namesake{t.Name, t.Delimiters()}
	}
	f.keys[t.Primary(a).Key()] = true
}

// Domains returns the primary names of the addresses' domains, sorted.
func (f Forms) Domains() []string {
	var all []string
	for _, name := range f.names {
		all = append(all, name.primary)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Except excludes an address with a tag that is an account of its own.
func (f *Forms) Except(a settings.Address) { f.other[f.whole(a).Key()] = true }

// Has reports whether an address is one of the mailbox's.
func (f Forms) Has(a settings.Address) bool {
	whole := f.whole(a)
	if f.other[whole.Key()] {
		return false
	}
	return f.keys[whole.Key()] || f.keys[whole.WithoutTag(f.names[a.Domain()].delimiters).Key()]
}

// whole returns an address in its primary domain.
func (f Forms) whole(a settings.Address) settings.Address {
	if name, served := f.names[a.Domain()]; served {
		a = a.WithDomain(name.primary)
	}
	return a.Unquoted()
}

// In reports whether a text contains one of the mailbox's addresses.
func (f Forms) In(text string) bool {
	for i := range len(text) {
		if text[i] == '@' && slices.ContainsFunc(around(text, i), f.Has) {
			return true
		}
	}
	return false
}

// around returns the addresses that may be meant around the @ at an index: people write them in quotes, in
// brackets, and at the end of a sentence.
func around(text string, at int) (all []settings.Address) {
	before := text[:at]
	after := text[at+1:]
	end := strings.IndexFunc(after, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r) && r != '-' && r != '.'
	})
	if end >= 0 {
		after = after[:end]
	}
	domain := strings.TrimRight(after, "-.")
	try := func(local string) {
		if a, err := settings.ParseAddress(local + "@" + domain); err == nil {
			all = append(all, a)
		}
	}
	if strings.HasSuffix(before, `"`) {
		for i := range len(before) - 1 {
			if before[i] == '"' {
				try(before[i:])
			}
		}
		return all
	}
	begin := strings.LastIndexFunc(before, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune(`@()<>[]:;,\"`, r)
	})
	local := before[begin+1:]
	if begin >= 0 { // the rune that ends it may have several bytes
		_, size := utf8.DecodeRuneInString(before[begin:])
		local = before[begin+size:]
	}
	for {
		try(local)
		shorter := strings.TrimLeft(local, "'`*_=/{|")
		if shorter == local {
			_, shorter, _ = strings.Cut(local, "=")
		}
		if shorter == "" || shorter == local {
			return all
		}
		local = shorter
	}
}
