package admin

import (
	"context"

	"autoconfig/internal/staff"
	"autoconfig/internal/suggest"
)

// Near looks at so many domains at most, and at so many at once.
const (
	nearMost = 20_000
	nearPage = 2_000
)

// Near is the domain that may have been meant by one that isn't served, of those that the actor
// serves; "" if none is near. It is a help: where the store fails, there is none.
func (a *Admin) Near(ctx context.Context, by staff.Actor, name string) string {
	var near []string // of each page
	for after, seen := "", 0; seen < nearMost; {
		page, err := a.Store.Domains(ctx, by.Bounds(), after, nearPage)
		if err != nil {
			return ""
		}
		var names []string
		for _, d := range page {
			names = append(append(names, d.Name), d.Aliases...)
		}
		if best := suggest.Nearest(name, names); best != "" {
			near = append(near, best)
		}
		if len(page) < nearPage {
			break
		}
		seen, after = seen+len(page), page[len(page)-1].Name
	}
	return suggest.Nearest(name, near)
}
