package policy

import (
	"slices"
	"strings"

	"autoconfig/settings"
)

// Rule is a condition on an account, and what holds if it is met. Rules don't depend on the client, which
// would mix protocols on one account.
type Rule struct {
	Name  string `yaml:"name" json:"name" doc:"what the rule is called in explanations"`
	Match Match  `yaml:"match" json:"match" doc:"the condition; all that is stated must hold"`
	// Protocol may be empty in a rule that only has servers; the domain's default then
	// applies.
	Protocol settings.Protocol `yaml:"protocol,omitempty" json:"protocol,omitempty" doc:"imap or pop3; may be left out in a rule that only names servers"`
	POP3     POP3              `yaml:"pop3,omitzero" json:"pop3,omitzero" doc:"what POP3 programs leave on the server, where it differs from the policy's"`
	// Servers replace the domain's, protocol by protocol (mailbox shards). They also apply to
	// accounts with a protocol set by hand, as they say where the mailbox is.
	Servers Servers `yaml:"servers,omitzero" json:"servers,omitzero" doc:"servers for these accounts, where they differ from the domain's"`
}

// Match is a condition; all given parts must hold. What isn't known about an account never matches.
type Match struct {
	// Address is a pattern with * (any characters) and ? (one character). Without an @ it
	// applies to the local part.
	Address    string  `yaml:"address,omitempty" json:"address,omitempty" doc:"pattern with * and ?, compared with the primary address, or with the local part if it has no @"`
	Group      string  `yaml:"group,omitempty" json:"group,omitempty" doc:"a group that the account is in"`
	Devices    Devices `yaml:"devices,omitempty" json:"devices,omitempty" doc:"one or several"`
	QuotaBelow Bytes   `yaml:"quota_below,omitempty" json:"quota_below,omitempty" doc:"mailbox smaller than this size"`
	QuotaAbove Bytes   `yaml:"quota_above,omitempty" json:"quota_above,omitempty" doc:"mailbox larger than this size"`
}

// Matches reports whether the condition holds for an account. Addresses and groups are compared without
// regard to the case of ASCII letters.
func (m Match) Matches(a Account) bool { return m.matches(&a) }

func (m *Match) matches(a *Account) bool {
	switch {
	case m.Address != "" && !m.matchesAddress(a.Address):
		return false
	case m.Group != "" && !slices.ContainsFunc(a.Groups, func(g string) bool { return strings.EqualFold(g, m.Group) }):
		return false
	case m.Devices != "" && a.Devices != m.Devices:
		return false
	case m.QuotaBelow != 0 && (a.Quota == 0 || a.Quota >= m.QuotaBelow):
		return false
	case m.QuotaAbove != 0 && a.Quota <= m.QuotaAbove: // an unknown quota is 0
		return false
	}
	return true
}

func (m *Match) matchesAddress(address settings.Address) bool {
	pattern := strings.ToLower(m.Address)
	if !strings.Contains(pattern, "@") {
		return glob(pattern, strings.ToLower(settings.LocalKey(address.Local())))
	}
	return glob(pattern, strings.ToLower(address.Key()))
}

// glob takes at most len(pattern) * len(text) steps, as it only ever returns to the last star.
func glob(pattern, text string) bool {
	p, t := []rune(pattern), []rune(text)
	star, mark := -1, 0 // the last star, and where its text ends
	i, j := 0, 0
	for j < len(t) {
		switch {
		case i < len(p) && p[i] == '*':
			star, mark = i, j
			i++
		case i < len(p) && (p[i] == '?' || p[i] == t[j]):
			i++
			j++
		case star >= 0:
			mark++
			i, j = star+1, mark
		default:
			return false
		}
	}
	for i < len(p) && p[i] == '*' {
		i++
	}
	return i == len(p)
}
