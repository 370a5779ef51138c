package settings

import (
	"strings"
)

// Username is a pattern for the login: text with {address}, {local}, {domain}
// and {login}. The empty pattern is {address}.
type Username string

// placeholders are the ones a pattern may have. {login} is the login that an
// account's source gives, or the address where it gives none.
var placeholders = []string{"{address}", "{local}", "{domain}", "{login}"}

// Check lists what is wrong with a pattern.
func (u Username) Check(path string) Problems {
	var problems Problems
	rest := string(u)
	for _, p := range placeholders {
		rest = strings.ReplaceAll(rest, p, "")
	}
	if strings.ContainsAny(rest, "{}") {
		problems.Add(path, "%q has an unknown placeholder: use {address}, {local}, {domain} or {login}", u)
	} else if u != "" && rest == string(u) {
		problems.Add(path, "%q has no placeholder, so every account would have the same login", u)
	}
	if err := CheckText(string(u)); err != nil {
		problems.Add(path, "%v", err)
	}
	return problems
}

// Login is the user name that an account has at a server.
type Login struct {
	// Literal is the name itself; "" in settings without an address.
	Literal string
	// Pattern is a name with {address}, {local} and {domain} from which a client
	// that knows the typed address derives the same name; "" if none does.
	Pattern string
}

// LoginFor derives the login from a pattern.
//
// mailbox is the account's primary address, own the login that the account's
// source gives ("" for none), and typed what the person typed, from which
// clients fill placeholders. An own login stands for itself, unless the pattern
// asks for it by {login}.
func LoginFor(pattern Username, mailbox, typed Address, own string) Login {
	text := string(pattern)
	if text == "" {
		text = "{address}"
	}
	if own != "" && !strings.Contains(text, "{login}") {
		text = "{login}"
	}
	login := Login{Literal: expand(text, mailbox.String(), mailbox.Local(), mailbox.Domain(), own)}
	login.Pattern = derive(text, login.Literal, mailbox, typed, own)
	return login
}

// derive finds the simplest pattern over the typed address. A bare {address} or
// {local} comes first: they are all that some readers understand (FairEmail
// takes any other text with placeholders literally).
func derive(text, literal string, mailbox, typed Address, own string) string {
	switch {
	case literal == typed.String():
		return "{address}"
	case literal == typed.Local():
		return "{local}"
	case own != "" || typed.Local() != mailbox.Local():
		return ""
	case typed.Domain() == mailbox.Domain():
		return strings.ReplaceAll(text, "{login}", "{address}")
	}
	// An alias domain: only the local part is the same.
	return expand(text, "{local}@"+mailbox.Domain(), "{local}", mailbox.Domain(), "")
}

// As is the login of who types another address, where it follows from what is typed.
func (l Login) As(typed Address) Login {
	if l.Pattern != "" {
		l.Literal = expand(l.Pattern, typed.String(), typed.Local(), typed.Domain(), "")
	}
	return l
}

// DefaultLogin is the login of settings without an address, for people whose
// addresses end in domain and whose mailboxes are in primary.
func DefaultLogin(pattern Username, primary, domain string) Login {
	text := string(pattern)
	if text == "" {
		text = "{address}"
	}
	if primary != domain {
		return Login{Pattern: expand(text, "{local}@"+primary, "{local}", primary, "")}
	}
	return Login{Pattern: strings.ReplaceAll(text, "{login}", "{address}")}
}

// expand fills a pattern in. It is on every request's way: a strings.Replacer costs
// more than all the rest of it.
func expand(text, address, local, domain, own string) string {
	if own == "" {
		own = address
	}
	values := [...]string{address, local, domain, own} // in the order of placeholders
	var out strings.Builder
scan:
	for text != "" {
		for i, p := range placeholders {
			rest, found := strings.CutPrefix(text, p)
			switch {
			case !found:
				continue
			case rest == "" && out.Len() == 0: // nothing but a placeholder, which is nearly every pattern
				return values[i]
			}
			out.WriteString(values[i])
			text = rest
			continue scan
		}
		next := 1 + strings.IndexByte(text[1:], '{')
		if next == 0 {
			next = len(text)
		}
		out.WriteString(text[:next])
		text = text[next:]
	}
	return out.String()
}
