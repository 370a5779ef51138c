package admin

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"autoconfig/internal/directory"
	"autoconfig/internal/staff"
	"autoconfig/policy"
)

// AliasOf is the [directory.ErrNotFound] of a name that is an alias of a domain.
type AliasOf struct{ Alias, Domain string }

// Error implements error.
func (a AliasOf) Error() string { return a.Alias + " is an alias of " + a.Domain }

// Is makes it [directory.ErrNotFound].
func (a AliasOf) Is(target error) bool { return target == directory.ErrNotFound }

// PutDomain stores what change makes of the domain with a primary name, and returns it. before is nil if
// there is none. An actor who doesn't serve everything can't add names that others have. Errors are
// those of change and of [policy.Site.Check], [staff.ErrForbidden], [ErrNoSource] and
// [directory.ErrExists].
func (a *Admin) PutDomain(
	ctx context.Context, by staff.Actor, name string, change func(before *policy.Domain) (policy.Domain, error),
) (domain policy.Domain, err error) {
	if !by.Serves(name) {
		return domain, staff.ErrForbidden
	}
	err = a.change(ctx, by, func(ctx context.Context) (e staff.Entry, err error) {
		e = staff.Entry{Subject: name, Domain: name}
		err = a.Store.ChangeDomain(ctx, name, func(site *policy.Site) (err error) {
			var was policy.Domain
			var before *policy.Domain
			i := slices.IndexFunc(site.Domains, func(d policy.Domain) bool { return d.Name == name })
			e.Action = "domain changed"
			if i >= 0 {
				was = site.Domains[i]
				before = &site.Domains[i]
			} else {
				e.Action = "domain added"
				i, site.Domains = len(site.Domains), append(site.Domains, policy.Domain{})
			}
			if domain, err = change(before); err != nil {
				return err
			}
			site.Domains[i] = domain.Normalize()
			if err := a.mayPut(by, was, site.Domains, i); err != nil {
				return err
			}
			*site = site.Normalize()
			domain = site.Domains[i]
			return site.Check().Err()
		})
		return e, err
	})
	return domain, err
}

// mayPut returns what forbids an actor to put domains[i] in the place of was.
func (a *Admin) mayPut(by staff.Actor, was policy.Domain, domains []policy.Domain, i int) error {
	domain := domains[i]
	for _, alias := range domain.Aliases { // a new one is a name that the actor must serve too
		if !by.Serves(alias) && !slices.Contains(was.Aliases, alias) {
			return fmt.Errorf("%w: the alias %s", staff.ErrForbidden, alias)
		}
	}
	for _, other := range domains { // the error would reveal other people's domains
		if other.Name != domain.Name && !by.Serves(other.Name) && sharesName(other, domain) {
			return fmt.Errorf("%w: a name of %s", directory.ErrExists, domain.Name)
		}
	}
	added := slices.DeleteFunc(slices.Clone(domain.Sources),
		func(s string) bool { return slices.Contains(was.Sources, s) })
	return a.CheckSources(added)
}

// sharesName reports whether two domains have a name in common.
func sharesName(a, b policy.Domain) bool {
	names := append([]string{a.Name}, a.Aliases...)
	return slices.ContainsFunc(append([]string{b.Name}, b.Aliases...),
		func(name string) bool { return slices.Contains(names, name) })
}

// RemoveDomain removes a domain by its primary name, and its accounts if told so, if may
// permits it for the domain as it is now; nil permits it. Errors are those of may,
// [NotServed], [AliasOf], [directory.ErrNoSuchDomain] for one that another source has,
// and [directory.ErrHasAccounts].
func (a *Admin) RemoveDomain(
	ctx context.Context, by staff.Actor, name string, withAccounts bool, may func(now policy.Domain) error,
) error {
	entry, err := a.domain(ctx, by, name)
	switch {
	case err != nil:
		return err
	case entry.Terms.Name != name:
		return AliasOf{name, entry.Terms.Name}
	}
	return a.change(ctx, by, func(ctx context.Context) (e staff.Entry, err error) {
		if err := a.Store.Hold(ctx); err != nil {
			return e, err
		}
		now, err := a.Store.Domain(ctx, name)
		if errors.Is(err, directory.ErrNotFound) { // another source has it
			err = fmt.Errorf("%w: %s", directory.ErrNoSuchDomain, name)
		}
		if err == nil {
			err = permits(may, now)
		}
		if err != nil {
			return e, err
		}
		return staff.Entry{Action: "domain removed", Subject: name, Domain: name},
			a.Store.RemoveDomain(ctx, name, withAccounts)
	})
}

// ErrNoSource means that a source isn't configured; the error is a [NoSource].
var ErrNoSource = errors.New("there is no such source")

// NoSource is a source that isn't configured; Known are the configured ones.
type NoSource struct {
	Name  string
	Known []string
}

// Error implements error.
func (n NoSource) Error() string { return fmt.Sprintf("there is no source %q", n.Name) }

// Is makes it [ErrNoSource].
func (n NoSource) Is(target error) bool { return target == ErrNoSource }

// CheckSources refuses sources that aren't configured, as [NoSource].
func (a *Admin) CheckSources(named []string) error {
	known := a.Directory.SourceNames()
	for _, name := range named {
		if !slices.Contains(known, name) {
			return NoSource{name, known}
		}
	}
	return nil
}
