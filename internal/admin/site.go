package admin

import (
	"context"
	"errors"
	"fmt"

	"autoconfig/internal/config"
	"autoconfig/internal/staff"
	"autoconfig/policy"
)

// Misplaced is an error of a site, with the path of what is wrong in its file.
type Misplaced struct {
	Path string
	Err  error
}

// Error implements error.
func (m Misplaced) Error() string { return m.Path + ": " + m.Err.Error() }

// Unwrap gives the error.
func (m Misplaced) Unwrap() error { return m.Err }

// Compare tells what applying a checked site would change: nothing is changed. An error
// is a [Misplaced].
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

// Apply makes a checked site what is served, and tells what has changed. Where nothing
// would, nothing is written down. An error is a [Misplaced].
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
		if err == nil && now != generation { // somebody has changed something meanwhile
			generation = now
			changes, err = a.compare(ctx, site)
		}
		if err != nil {
			return e, err
		}
		if !changes.Empty() { // else the order of domains may be another one
			e = staff.Entry{Action: "site applied", Detail: changes.Summary()}
		}
		return e, a.Store.Replace(ctx, site)
	})
	return changes, err
}

// ErrMeanwhile means that what was judged can't be written any more.
var ErrMeanwhile = errors.New("nothing was imported: the site has changed meanwhile; try again")

// Imported are the numbers of an import.
type Imported struct{ Added, Changed int }

// ImportAccounts lets write store accounts that were judged, in the context's
// transaction, and writes it down as one entry. write isn't run again: what it reads was
// read then. So where the database gives the transaction up for another's sake after it
// has ended, it is [ErrMeanwhile].
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
		case first == nil: // it is undone
			first = ErrMeanwhile
		}
		return staff.Entry{Action: action, Detail: fmt.Sprintf("%d added, %d changed", done.Added, done.Changed)}, first
	})
}

// PublishPACC lets publish change the PACC document of a domain's name, in the
// context's transaction.
func (a *Admin) PublishPACC(
	ctx context.Context, by staff.Actor, name string, publish func(ctx context.Context) error,
) error {
	return a.change(ctx, by, func(ctx context.Context) (staff.Entry, error) {
		return staff.Entry{Action: "PACC document changed", Subject: name, Domain: name}, publish(ctx)
	})
}
