package sqldir

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"autoconfig/internal/directory"
	"autoconfig/policy"
	"autoconfig/settings"
)

// Limits of what is taken from a row.
const (
	maxText   = 1024 // bytes of a name or a login
	maxGroups = 256
	maxOthers = 1024 // other addresses of one account
)

// row is what the database says, by the columns' names in lower case.
type row map[string]any

// raw is a text as the database has it.
func (r row) raw(column string) string {
	switch v := r[column].(type) {
	case string:
		return v
	case []byte:
		return string(v)
	}
	return r.text(column)
}

// text is a value as text, without blanks around it; "" for NULL.
func (r row) text(column string) string {
	switch v := r[column].(type) {
	case nil:
		return ""
	case string:
		return strings.TrimSpace(v)
	case []byte:
		return strings.TrimSpace(string(v))
	case bool:
		if v {
			return "1"
		}
		return "0"
	default:
		return fmt.Sprint(v)
	}
}

// key is that of the row's address, or the text if it is none.
func (r row) key() string {
	text := r.text("address")
	if address, err := settings.ParseAddress(text); err == nil {
		return address.Key()
	}
	return text
}

// active tells whether the row is one of an account in use. NULL, and a query that
// doesn't ask, mean that it is.
func (r row) active() bool {
	if b, ok := r["active"].([]byte); ok && len(b) == 1 && b[0] == 0 { // BIT(1)
		return false
	}
	switch strings.ToLower(r.text("active")) {
	case "0", "n", "no", "f", "false", "off":
		return false
	}
	if n, err := strconv.ParseFloat(r.text("active"), 64); err == nil && n == 0 { // 0.0
		return false
	}
	return true
}

// words are the parts of a list with commas or blanks.
func (r row) words(column string) []string {
	return strings.FieldsFunc(r.text(column), func(c rune) bool { return c == ',' || c == ' ' || c >= '\t' && c <= '\r' })
}

// size reads a quota; 0 is not known. ok is false for what is no size.
func (r row) size(column string) (size policy.Bytes, ok bool) {
	text := r.text(column)
	if text == "" {
		return 0, true
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return policy.Bytes(max(n, 0)), true
	}
	if f, err := strconv.ParseFloat(text, 64); err == nil && !math.IsNaN(f) {
		if f >= math.MaxInt64 {
			return 0, false
		}
		return policy.Bytes(max(f, 0)), true
	}
	size, err := policy.ParseBytes(text)
	return size, err == nil
}

// usable tells whether a text may be handed out.
func usable(text string) bool {
	return len(text) <= maxText && utf8.ValidString(text) && settings.CheckText(text) == nil
}

// gather makes one account of the rows for one address. An error is a
// [directory.Discarded]: none is in use, or something that must be there can't be used.
func (s *Source) gather(rows []row) (account policy.Account, err error) {
	seenGroups, seenAddresses := map[string]bool{}, map[string]bool{}
	foreign := true // in all rows the domain is in its Unicode form
	for _, r := range rows {
		if !r.active() {
			return policy.Account{}, directory.Discarded{Why: "the account is out of use (active)"}
		}
		address, err := s.address(r)
		if err != nil {
			return policy.Account{}, err
		}
		if account.Address.IsZero() {
			account.Address = address
			seenAddresses[address.Key()] = true
		}
		if login := r.text("login"); account.Login == "" && login != "" {
			if !usable(login) {
				s.unusable.Add(1)
				return policy.Account{}, directory.Discarded{Why: "its login can't be used: it is too long, or has control " +
					"characters", Fault: true}
			}
			account.Login = login
		}
		foreign = foreign && isUnicodeDomain(r.text("address"))
		s.optional(&account, r)
		s.addLists(&account, r, seenGroups, seenAddresses)
	}
	if text := rows[0].text("address"); account.Login == "" && foreign && usable(text) {
		account.Login = text // the servers that read the same rows know no other name
	}
	return account, nil
}

// address is that of a row's account.
func (s *Source) address(r row) (settings.Address, error) {
	text := r.text("address")
	address, err := settings.ParseAddress(text)
	switch {
	case err == nil:
		return address, nil
	case isCatchAll(text):
		return address, directory.Discarded{Why: "a catch-all is no account"}
	}
	s.unusable.Add(1)
	if text == "" {
		return address, directory.Discarded{Why: "its address is NULL or empty", Fault: true}
	}
	return address, directory.Discarded{Why: "its address is no address", Fault: true}
}

// addLists adds a row's groups and other addresses, each once.
func (s *Source) addLists(account *policy.Account, r row, seenGroups, seenAddresses map[string]bool) {
	for _, group := range r.words("groups") {
		switch {
		case seenGroups[group]:
		case !usable(group) || len(account.Groups) == maxGroups:
			s.dropped.Add(1)
		default:
			seenGroups[group] = true
			account.Groups = append(account.Groups, group)
		}
	}
	for _, other := range r.words("addresses") {
		parsed, err := settings.ParseAddress(other)
		switch {
		case err == nil && seenAddresses[parsed.Key()]:
		case err != nil || len(account.Addresses) == maxOthers:
			s.dropped.Add(1)
		default:
			seenAddresses[parsed.Key()] = true
			account.Addresses = append(account.Addresses, parsed)
		}
	}
}

// isUnicodeDomain tells whether an address's domain has letters outside of ASCII.
func isUnicodeDomain(address string) bool {
	return !isASCII(address[strings.LastIndexByte(address, '@')+1:])
}

// optional fills in what the first row that says it says.
func (s *Source) optional(account *policy.Account, r row) {
	if name := r.text("name"); account.Name == "" && name != "" {
		if usable(name) {
			account.Name = name
		} else {
			s.dropped.Add(1)
		}
	}
	if account.Quota == 0 {
		size, ok := r.size("quota")
		if !ok {
			s.dropped.Add(1)
		}
		account.Quota = size
	}
	if devices := policy.Devices(strings.ToLower(r.text("devices"))); account.Devices == "" && devices != "" {
		if devices == policy.OneDevice || devices == policy.SeveralDevices {
			account.Devices = devices
		} else {
			s.dropped.Add(1)
		}
	}
	if protocol := settings.Protocol(strings.ToLower(r.text("protocol"))); account.Protocol == "" {
		switch protocol {
		case settings.IMAP, settings.POP3:
			account.Protocol = protocol
		case "":
		default:
			s.dropped.Add(1)
		}
	}
}
