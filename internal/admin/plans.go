package admin

import (
	"context"
	"errors"
	"slices"

	"autoconfig/internal/staff"
	"autoconfig/policy"
	"autoconfig/settings"
)

// PutPlan stores what change makes of the plan with a name, as it is now, and gives it.
// before is nil where there is none. All domains that refer to it must be right with it.
// Who doesn't serve everything can't: [staff.ErrForbidden].
func (a *Admin) PutPlan(
	ctx context.Context, by staff.Actor, name string, change func(before *policy.Plan) (policy.Plan, error),
) (plan policy.Plan, err error) {
	err = a.changeShared(ctx, by, func(site *policy.Site) (e staff.Entry, err error) {
		i := slices.IndexFunc(site.Plans, func(p policy.Plan) bool { return p.Name == name })
		e = staff.Entry{Action: "plan changed", Subject: name}
		var before *policy.Plan
		if i >= 0 {
			before = &site.Plans[i]
		} else {
			e.Action = "plan added"
			i, site.Plans = len(site.Plans), append(site.Plans, policy.Plan{})
		}
		if plan, err = change(before); err != nil {
			return e, err
		}
		plan.Offer = plan.Normalize() // as it is kept, and shown the next time
		site.Plans[i] = plan
		return e, a.CheckSources(plan.Sources)
	})
	return plan, err
}

// PutProvider is [Admin.PutPlan] for a provider, by its identity.
func (a *Admin) PutProvider(
	ctx context.Context, by staff.Actor, id string, change func(before *settings.Provider) (settings.Provider, error),
) (provider settings.Provider, err error) {
	err = a.changeShared(ctx, by, func(site *policy.Site) (e staff.Entry, err error) {
		i := slices.IndexFunc(site.Providers, func(p settings.Provider) bool { return p.ID == id })
		e = staff.Entry{Action: "provider changed", Subject: id}
		var before *settings.Provider
		if i >= 0 {
			before = &site.Providers[i]
		} else {
			e.Action = "provider added"
			i, site.Providers = len(site.Providers), append(site.Providers, settings.Provider{})
		}
		if provider, err = change(before); err != nil {
			return e, err
		}
		site.Providers[i] = provider
		return e, nil
	})
	return provider, err
}

// changeShared stores what change makes of providers and plans, if all domains and
// accounts are right with it.
func (a *Admin) changeShared(
	ctx context.Context, by staff.Actor, change func(site *policy.Site) (staff.Entry, error),
) error {
	if by.Bounds() != nil {
		return staff.ErrForbidden
	}
	return a.change(ctx, by, func(ctx context.Context) (e staff.Entry, err error) {
		err = a.Store.ChangeShared(ctx, func(site *policy.Site) (err error) {
			if e, err = change(site); err != nil {
				return err
			}
			*site = site.Normalize()
			return site.Check().Err()
		})
		return e, err
	})
}

// ErrNoChecks means that the service checks no domains.
var ErrNoChecks = errors.New("this service checks no domains (check.every)")

// OrderCheck has a name of a domain checked now: the running services do it in the
// background. It gives the name in its one form.
func (a *Admin) OrderCheck(ctx context.Context, by staff.Actor, name string) (string, error) {
	if !a.Checks {
		return "", ErrNoChecks
	}
	parsed, err := settings.ParseDomain(name)
	if err != nil {
		return "", NotServed{name, err}
	}
	entry, err := a.domain(ctx, by, parsed)
	if err != nil {
		return "", err
	}
	return entry.Name, a.act(ctx, by, func(ctx context.Context) (staff.Entry, error) {
		return staff.Entry{Action: "check ordered", Subject: entry.Name, Domain: entry.Terms.Name},
			a.Store.OrderCheck(ctx, entry.Name, a.now())
	})
}
