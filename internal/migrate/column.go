package migrate

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"autoconfig/policy"
	"autoconfig/settings"
)

// column is a column of a CSV file and a key of a JSON line.
type column[T any] struct {
	name string // of the column; "" if CSV can't express it
	key  string // of JSON
	want string // describes the values, for people
	// cell parses a cell that isn't empty. An empty one means the zero value.
	cell func(to *T, text string) error
	// text formats what cell parses.
	text func(of *T) string
	// value returns what JSON is decoded into.
	value func(of *T) any
	// copy copies the value.
	copy func(to, from *T)
}

// patch is the content of one line: given are the bits of the columns that it has.
type patch[T any] struct {
	line    int
	given   uint32
	value   T
	refused []Refusal
}

func (p *patch[T]) refuse(line int, field, format string, args ...any) {
	p.refused = append(p.refused, Refusal{line, field, fmt.Sprintf(format, args...)})
}

// apply merges the line into what is stored; columns that aren't given stay.
func (p *patch[T]) apply(stored T, columns []column[T]) T {
	for i, c := range columns {
		if p.given&(1<<i) != 0 {
			c.copy(&stored, &p.value)
		}
	}
	return stored
}

// accountColumns are in the order in which an export writes them.
var accountColumns = []column[policy.Account]{
	{
		name: "address", key: "address", want: "a text",
		cell: func(to *policy.Account, text string) (err error) {
			to.Address, err = parseAddress(strings.TrimSpace(text))
			return err
		},
		text:  func(of *policy.Account) string { return of.Address.String() },
		value: func(of *policy.Account) any { return &of.Address },
		copy:  func(to, from *policy.Account) { to.Address = from.Address },
	},
	{
		name: "name", key: "name", want: "a text",
		cell:  func(to *policy.Account, text string) error { to.Name = text; return nil },
		text:  func(of *policy.Account) string { return of.Name },
		value: func(of *policy.Account) any { return &of.Name },
		copy:  func(to, from *policy.Account) { to.Name = from.Name },
	},
	{
		name: "login", key: "login", want: "a text",
		cell:  func(to *policy.Account, text string) error { to.Login = text; return nil },
		text:  func(of *policy.Account) string { return of.Login },
		value: func(of *policy.Account) any { return &of.Login },
		copy:  func(to, from *policy.Account) { to.Login = from.Login },
	},
	{
		name: "devices", key: "devices", want: "one or several as a text",
		cell: func(to *policy.Account, text string) error {
			to.Devices = policy.Devices(word(text))
			return nil
		},
		text:  func(of *policy.Account) string { return string(of.Devices) },
		value: func(of *policy.Account) any { return &of.Devices },
		copy:  func(to, from *policy.Account) { to.Devices = from.Devices },
	},
	{
		name: "quota", key: "quota", want: `a text such as "500MB"`,
		cell: func(to *policy.Account, text string) (err error) {
			if text = strings.TrimSpace(text); text != "" {
				to.Quota, err = policy.ParseBytes(text)
			}
			return err
		},
		text: func(of *policy.Account) string {
			if of.Quota == 0 {
				return ""
			}
			return of.Quota.String()
		},
		value: func(of *policy.Account) any { return &of.Quota },
		copy:  func(to, from *policy.Account) { to.Quota = from.Quota },
	},
	{
		name: "groups", key: "groups", want: "a list of texts",
		cell:  func(to *policy.Account, text string) (err error) { to.Groups, err = splitGroups(text); return err },
		text:  func(of *policy.Account) string { return joinGroups(of.Groups) },
		value: func(of *policy.Account) any { return &of.Groups },
		copy:  func(to, from *policy.Account) { to.Groups = from.Groups },
	},
	{
		name: "protocol", key: "protocol", want: "imap or pop3 as a text",
		cell: func(to *policy.Account, text string) error {
			to.Protocol = settings.Protocol(word(text))
			return nil
		},
		text:  func(of *policy.Account) string { return string(of.Protocol) },
		value: func(of *policy.Account) any { return &of.Protocol },
		copy:  func(to, from *policy.Account) { to.Protocol = from.Protocol },
	},
	{
		name: "addresses", key: "addresses", want: "a list of texts",
		cell: func(to *policy.Account, text string) error {
			for _, one := range splitAddresses(text) {
				a, err := parseAddress(one)
				if err != nil {
					return err
				}
				to.Addresses = append(to.Addresses, a)
			}
			return nil
		},
		text: func(of *policy.Account) string {
			words := make([]string, len(of.Addresses))
			for i, a := range of.Addresses {
				words[i] = a.String()
			}
			return strings.Join(words, " ")
		},
		value: func(of *policy.Account) any { return &of.Addresses },
		copy:  func(to, from *policy.Account) { to.Addresses = from.Addresses },
	},
}

// domainColumns describe a domain. A CSV has only the first four, JSON lines all.
var domainColumns = []column[policy.Domain]{
	{
		name: "domain", key: "name", want: "a text",
		cell:  func(to *policy.Domain, text string) error { to.Name = strings.TrimSpace(text); return nil },
		text:  func(of *policy.Domain) string { return of.Name },
		value: func(of *policy.Domain) any { return &of.Name },
		copy:  func(to, from *policy.Domain) { to.Name = from.Name },
	},
	{
		name: "aliases", key: "aliases", want: "a list of texts",
		cell:  func(to *policy.Domain, text string) error { to.Aliases = strings.Fields(text); return nil },
		text:  func(of *policy.Domain) string { return strings.Join(of.Aliases, " ") },
		value: func(of *policy.Domain) any { return &of.Aliases },
		copy:  func(to, from *policy.Domain) { to.Aliases = from.Aliases },
	},
	{
		name: "plan", key: "plan", want: "a text",
		cell:  func(to *policy.Domain, text string) error { to.Plan = text; return nil },
		text:  func(of *policy.Domain) string { return of.Plan },
		value: func(of *policy.Domain) any { return &of.Plan },
		copy:  func(to, from *policy.Domain) { to.Plan = from.Plan },
	},
	{
		name: "provider", key: "provider", want: "a text",
		cell:  func(to *policy.Domain, text string) error { to.Provider = text; return nil },
		text:  func(of *policy.Domain) string { return of.Provider },
		value: func(of *policy.Domain) any { return &of.Provider },
		copy:  func(to, from *policy.Domain) { to.Provider = from.Provider },
	},
	{
		key: "sources", want: "a list of texts", value: func(of *policy.Domain) any { return &of.Sources },
		copy: func(to, from *policy.Domain) { to.Sources = from.Sources },
	},
	{
		key: "servers", want: "servers by protocol", value: func(of *policy.Domain) any { return &of.Servers },
		copy: func(to, from *policy.Domain) { to.Servers = from.Servers },
	},
	{
		key: "services", want: "services by their names", value: func(of *policy.Domain) any { return &of.Services },
		copy: func(to, from *policy.Domain) { to.Services = from.Services },
	},
	{
		key: "username", want: "a text", value: func(of *policy.Domain) any { return &of.Username },
		copy: func(to, from *policy.Domain) { to.Username = from.Username },
	},
	{
		key: "policy", want: "a policy", value: func(of *policy.Domain) any { return &of.Policy },
		copy: func(to, from *policy.Domain) { to.Policy = from.Policy },
	},
	{
		key: "recipient_delimiter", want: "a text", value: func(of *policy.Domain) any { return &of.RecipientDelimiter },
		copy: func(to, from *policy.Domain) { to.RecipientDelimiter = from.RecipientDelimiter },
	},
	{
		key: "alias_login", want: "a text", value: func(of *policy.Domain) any { return &of.AliasLogin },
		copy: func(to, from *policy.Domain) { to.AliasLogin = from.AliasLogin },
	},
	{
		key: "public_answers", want: "a text", value: func(of *policy.Domain) any { return &of.PublicAnswers },
		copy: func(to, from *policy.Domain) { to.PublicAnswers = from.PublicAnswers },
	},
	{
		key: "profile", want: "a profile", value: func(of *policy.Domain) any { return &of.Profile },
		copy: func(to, from *policy.Domain) { to.Profile = from.Profile },
	},
}

// word undoes what spreadsheets do to words: blanks around them and capitals.
func word(text string) string { return strings.ToLower(strings.TrimSpace(text)) }

// parseAddress is settings.ParseAddress with the text in its error, as the file is the
// operator's own.
func parseAddress(text string) (settings.Address, error) {
	a, err := settings.ParseAddress(text)
	if err != nil {
		return a, fmt.Errorf("%q is %w", brief(text), err)
	}
	return a, nil
}

// brief shortens a text for a message.
func brief(text string) string {
	const most = 80
	if len(text) <= most {
		return text
	}
	cut := most
	for cut > most-utf8.UTFMax && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "..."
}
