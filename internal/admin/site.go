package admin

import (
	"context"
	"errors"
	"fmt"

	"autoconfig/internal/config"
	"autoconfig/internal/staff"
	"autoconfig/policy"
)

// Misplaced is an error of a site, with the path of its key in the file.
type Misplaced struct {
	Path string
	Err  error
}

// Error implements error.
func (m Misplaced) Error() string { return m.Path + ": " + m.Err.Error() }

// Unwrap gives the error.
func (m Misplaced) Unwrap() error { return m.Err }

// Compare returns what applying a validated site would change. Errors are [Misplaced].
func (a *Admin) Compare(ctx context.Context, site policy.Site) (config.Changes, error) {
	for i, p := range site.Plans {
		if err := a.CheckSources(p.Sources); err != nil {
			return nil, Misplaced{fmt.Sprintf("plans[%d].sources", i), err}
		}
	}
	for i, d := range site.Domains {
		if err := a.CheckSources(d.Sources); err != nil {
			return nil, Misplaced{fmt.Sprintf("domains[%d].sources", i), err}
		}
	}
	return a.compare(ctx, site)
}

func (a *Admin) compare(ctx context.Context, site policy.Site) (config.Changes, error) {
	old, err := a.Store.Site(ctx)
	if site.ID == "" {
		site.ID = old.ID
	}
	return config.Compare(old, site), err
}

// Apply replaces the site by a validated one, and returns the changes. Without changes there is no audit
// entry. Errors are [Misplaced].
func (a *Admin) Apply(ctx context.Context, by staff.Actor, site policy.Site) (config.Changes, error) {
	generation, err := a.Store.Generation(ctx)
	if err != nil {
		return nil, err
	}
	changes, err := a.Compare(ctx, site)
	if err != nil {
		return nil, err
	}
	err = a.change(ctx, by, func(ctx context.Context) (e staff.Entry, err error) {
		if err := a.Store.Hold(ctx); err != nil {
			return e, err
		}
		now, err := a.Store.Generation(ctx)
		if err == nil && now != generation { // the site has changed since it was compared
			generation = now
			changes, err = a.compare(ctx, site)
		}
		if err != nil {
			return e, err
		}
		if !changes.Empty() { // otherwise only the order of domains may have changed
			e = staff.Entry{Action: "site applied", Detail: changes.Summary()}
		}
		return e, a.Store.Replace(ctx, site)
	})
	return changes, err
}

// ErrMeanwhile means that the site has changed since an import was validated.
var ErrMeanwhile = errors.New("nothing was imported: the site has changed meanwhile; try again")

// Imported counts the changes of an import.
type Imported struct{ Added, Changed int }

// ImportAccounts calls write, which stores validated accounts in the context's transaction, and adds one
// audit entry. write can't be called again, as its input has been read: if the database gives the
// transaction up because of a deadlock, the error is [ErrMeanwhile].
func (a *Admin) ImportAccounts(
	ctx context.Context, by staff.Actor, write func(ctx context.Context) (Imported, error),
) error {
	return a.importOnce(ctx, by, "accounts imported", write)
}

// ImportDomains is [Admin.ImportAccounts] for providers, plans and domains.
func (a *Admin) ImportDomains(
	ctx context.Context, by staff.Actor, write func(ctx context.Context) (Imported, error),
) error {
	return a.importOnce(ctx, by, "domains imported", write)
}

func (a *Admin) importOnce(
	ctx context.Context, by staff.Actor, action string, write func(ctx context.Context) (Imported, error),
) error {
	ran := false
	var first error
	var done Imported
	return a.change(ctx, by, func(ctx context.Context) (staff.Entry, error) {
		switch {
		case !ran:
			ran = true
			done, first = write(ctx)
		case first == nil: // write has succeeded, but was rolled back
			first = ErrMeanwhile
		}
		return staff.Entry{Action: action, Detail: fmt.Sprintf("%d added, %d changed", done.Added, done.Changed)}, first
	})
}

// PublishPACC calls publish, which changes the PACC document of a domain's name in the context's
// transaction.
func (a *Admin) PublishPACC(
	ctx context.Context, by staff.Actor, name string, publish func(ctx context.Context) error,
) error {
	return a.change(ctx, by, func(ctx context.Context) (staff.Entry, error) {
		return staff.Entry{Action: "PACC document changed", Subject: name, Domain: name}, publish(ctx)
	})
}
