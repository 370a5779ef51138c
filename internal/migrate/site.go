package migrate

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"

	"autoconfig/policy"
	"autoconfig/settings"
)

// SiteChange changes providers, plans and domains.
type SiteChange struct {
	// Apply changes the site, and returns what it refuses. The result is then normalised
	// and checked.
	Apply func(site *policy.Site) []Refusal
	// Lines are the lines in the file of the domains in it, by primary name.
	Lines map[string]int
}

// maxAccountsShown bounds the accounts of one domain that are named because a change breaks
// them.
const maxAccountsShown = 10

// Judge returns the site before and after the change, and what is refused. It also validates the
// accounts of changed domains. It changes nothing.
func (c SiteChange) Judge(ctx context.Context, from Reader) (before, after policy.Site, refused []Refusal, err error) {
	before, err = from.SiteConfig(ctx)
	if err != nil {
		return before, after, nil, err
	}
	after = clone(before)
	refused = c.Apply(&after)
	after = after.Normalize()
	for _, p := range after.Check().Errors() {
		refused = append(refused, c.place(after, p))
	}
	if len(refused) > 0 {
		return before, after, refused, nil
	}
	oldTerms, newTerms := before.AllTerms(), after.AllTerms()
	for _, d := range after.Domains {
		was := oldTerms[d.Name]
		is := newTerms[d.Name]
		if was == nil || reflect.DeepEqual(was, is) {
			continue
		}
		broken, err := c.accounts(ctx, from, is)
		if err != nil {
			return before, after, nil, err
		}
		refused = append(refused, broken...)
	}
	return before, after, refused, nil
}

// Write validates again in a transaction and stores the result. It returns [ErrRefused] if
// something is refused.
func (c SiteChange) Write(ctx context.Context, to Target) (before, after policy.Site, err error) {
	before, after, refused, err := c.Judge(ctx, to)
	switch {
	case err != nil:
		return before, after, err
	case len(refused) > 0:
		return before, after, ErrRefused
	}
	return before, after, to.PutSiteConfig(ctx, after)
}

// clone copies the lists of a site, so that the copy can be changed.
func clone(s policy.Site) policy.Site {
	s.Providers = append([]settings.Provider(nil), s.Providers...)
	s.Plans = append([]policy.Plan(nil), s.Plans...)
	s.Domains = append([]policy.Domain(nil), s.Domains...)
	return s
}

var domainPath = regexp.MustCompile(`^domains\[(\d+)\]\.?(.*)$`)

// place turns a problem of the site into a refusal of the file's line.
func (c SiteChange) place(site policy.Site, p settings.Problem) Refusal {
	m := domainPath.FindStringSubmatch(p.Path)
	if m == nil {
		return Refusal{Field: p.Path, Text: p.Text}
	}
	n, err := strconv.Atoi(m[1])
	if err != nil || n >= len(site.Domains) {
		return Refusal{Field: p.Path, Text: p.Text}
	}
	name := site.Domains[n].Name
	if line := c.Lines[name]; line > 0 {
		return Refusal{line, m[2], p.Text}
	}
	return Refusal{c.claimed(site, n, m[2]), m[2], name + ": " + p.Text}
}

// claimed returns the line that claims a name of another domain that isn't in the file, or 0.
func (c SiteChange) claimed(site policy.Site, n int, field string) int {
	name := site.Domains[n].Name
	if i := 0; field != "name" {
		if _, err := fmt.Sscanf(field, "aliases[%d]", &i); err != nil || i >= len(site.Domains[n].Aliases) {
			return 0
		}
		name = site.Domains[n].Aliases[i]
	}
	for _, d := range site.Domains {
		if line := c.Lines[d.Name]; line > 0 && slices.Contains(d.Aliases, name) {
			return line
		}
	}
	return 0
}

// accounts refuses the accounts of a domain that its new terms break.
func (c SiteChange) accounts(ctx context.Context, from Reader, t *policy.Terms) ([]Refusal, error) {
	var broken []Refusal
	more := 0
	for a, err := range from.AllAccounts(ctx, t.Name) {
		if err != nil {
			return nil, err
		}
		var problems settings.Problems
		if !errors.As(t.CheckAccount(a), &problems) {
			continue
		}
		if len(broken) == maxAccountsShown {
			more++
			continue
		}
		broken = append(broken, Refusal{Line: c.Lines[t.Name], Text: fmt.Sprintf("the account %s is there already, and "+
			"then: %s", a.Address, problems[0].Text)})
	}
	if more > 0 {
		broken = append(broken, Refusal{
			Line: c.Lines[t.Name],
			Text: fmt.Sprintf("and so for %d more accounts of %s", more, t.Name),
		})
	}
	return broken, nil
}
