package policy

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"autoconfig/settings"
)

// Forms are the ways in which a mailbox's addresses can be written: under each name
// of their domains, with a tag, in any letter case, with quotes. The zero Forms has
// none.
type Forms struct {
	names map[string]namesake
	keys  map[string]bool // of addresses in their primary domains
	other map[string]bool // of addresses that have a tag and are somebody else's
}

// namesake is what a domain's name stands for.
type namesake struct{ primary, delimiters string }

// Add adds one of the mailbox's addresses, which is in the domain of these terms.
func (f *Forms) Add(t *Terms, a settings.Address) {
	if f.names == nil {
		f.names, f.keys, f.other = map[string]namesake{}, map[string]bool{}, map[string]bool{}
	}
	for _, name := range append([]string{t.Name}, t.Aliases...) {
		f.names[name] = namesake{t.Name, t.Delimiters()}
	}
	f.keys[t.Primary(a).Key()] = true
}

// Domains are the primary names of the domains that the addresses are in, in order.
func (f Forms) Domains() []string {
	var all []string
	for _, name := range f.names {
		all = append(all, name.primary)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Except takes an address out, which has a tag and is an account of its own.
func (f *Forms) Except(a settings.Address) { f.other[f.whole(a).Key()] = true }

// Has tells whether an address is one of the mailbox's.
func (f Forms) Has(a settings.Address) bool {
	whole := f.whole(a)
	if f.other[whole.Key()] {
		return false
	}
	return f.keys[whole.Key()] || f.keys[whole.WithoutTag(f.names[a.Domain()].delimiters).Key()]
}

// whole is an address in its primary domain.
func (f Forms) whole(a settings.Address) settings.Address {
	if name, served := f.names[a.Domain()]; served {
		a = a.WithDomain(name.primary)
	}
	return a.Unquoted()
}

// In tells whether a text that somebody wrote has one of the mailbox's addresses in
// it.
func (f Forms) In(text string) bool {
	for i := range len(text) {
		if text[i] == '@' && slices.ContainsFunc(around(text, i), f.Has) {
			return true
		}
	}
	return false
}

// around are the addresses that a text may mean by the @ at an index: people write
// them in quotes, in brackets, and at a sentence's end.
func around(text string, at int) (all []settings.Address) {
	before, after := text[:at], text[at+1:]
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
