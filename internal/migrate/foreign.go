package migrate

import (
	"fmt"
	"reflect"
	"slices"

	"autoconfig/policy"
	"autoconfig/settings"
)

// Foreign is another system's configuration as a site of ours.
type Foreign struct {
	Site    policy.Site
	Skipped []Skipped // what has no equivalent, and what to do about it
}

// Change adds another system's providers, plans and domains to a site. What exists already and
// differs is refused unless replace is set. Of an existing domain, only plan and provider
// change.
func (f Foreign) Change(replace bool) SiteChange {
	return SiteChange{Apply: func(site *policy.Site) []Refusal {
		providers := put(&site.Providers, f.Site.Providers, replace, "provider",
			func(p settings.Provider) string { return p.ID },
			func(_, after settings.Provider) settings.Provider { return after })
		plans := put(&site.Plans, f.Site.Plans, replace, "plan",
			func(p policy.Plan) string { return p.Name }, func(_, after policy.Plan) policy.Plan { return after })
		domains := put(&site.Domains, f.Site.Domains, replace, "domain",
			func(d policy.Domain) string { return d.Name }, func(before, after policy.Domain) policy.Domain {
				before.Plan = after.Plan
				before.Provider = after.Provider
				return before
			})
		return slices.Concat(providers, plans, domains)
	}}
}

// put adds items to a list, or merges them into those with the same names. Changing one is
// refused unless replace is set.
func put[T any](
	list *[]T, items []T, replace bool, kind string, name func(T) string, over func(before, after T) T,
) (refused []Refusal) {
	at := make(map[string]int, len(*list))
	for i, item := range *list {
		at[name(item)] = i
	}
	for _, item := range items {
		i, known := at[name(item)]
		if !known {
			at[name(item)] = len(*list)
			*list = append(*list, item)
			continue
		}
		merged := over((*list)[i], item)
		if !replace && !reflect.DeepEqual(merged, (*list)[i]) {
			refused = append(refused, Refusal{Text: fmt.Sprintf("there is already a %s %s, which differs; to have it "+
				"changed, use --replace", kind, name(item))})
			continue
		}
		(*list)[i] = merged
	}
	return refused
}
