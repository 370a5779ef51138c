package policy

import (
	"slices"

	"autoconfig/settings"
)

// Given returns the incoming protocols that somebody in the domain may have besides the default: those of
// its rules, and those that accounts have set by hand. A protocol without a server is left out.
func (t *Terms) Given(byHand ...settings.Protocol) []settings.Protocol {
	given := []settings.Protocol{t.DefaultProtocol()}
	for _, rule := range t.Policy.Rules {
		byHand = append(byHand, rule.Protocol)
	}
	for _, p := range byHand {
		if p != "" && !slices.Contains(given, p) && len(t.Servers.Of(p)) > 0 {
			given = append(given, p)
		}
	}
	return given
}
