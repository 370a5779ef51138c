package main

import (
	"errors"

	"autoconfig/internal/admin"
	"autoconfig/internal/directory"
	"autoconfig/internal/links"
	"autoconfig/internal/post"
	"autoconfig/internal/staff"
	"autoconfig/internal/store"
	"autoconfig/settings"
)

// admin makes changes to the site, but not of links, people and tokens.
func (s configuration) admin(db *store.Store, d *directory.Directory) *admin.Admin {
	return &admin.Admin{
		Store: db, Directory: d, PublicURL: s.PublicURL.URL, LinkLife: s.Links.Valid, LinkUses: s.Links.Uses, TellLinks: s.tellsLinks(),
	}
}

func (app *application) admin() *admin.Admin { return app.process.admin(app.store, app.directory) }

// linkAdmin makes links.
func (app *application) linkAdmin() (*admin.Admin, error) {
	secret, err := app.process.secret()
	acts := app.admin()
	acts.Links = &links.Keeper{Store: app.store, Secret: secret, Tell: app.process.tellsLinks()}
	return acts, err
}

// staffAdmin makes changes of people and tokens.
func (app *application) staffAdmin() (*admin.Admin, error) {
	secret, err := app.process.secret()
	if err != nil {
		return nil, err
	}
	acts := app.admin()
	acts.Desk, err = staff.NewDesk(app.store, secret, false)
	return acts, err
}

// said is an error of an act as it is said here: what is refused is an answer.
func said(err error) error {
	if without := (admin.NotServed{}); errors.As(err, &without) {
		return refusal{notServed{domain: without.Domain, why: without.Err}}
	}
	if errors.As(err, new(settings.Problems)) {
		return refusal{err}
	}
	return err
}

// isRefusal tells what is refused from what fails.
func isRefusal(err error) bool {
	for _, kind := range []error{
		store.ErrExists, store.ErrHasAccounts, store.ErrNoSuchDomain,
		post.ErrOff, post.ErrItself, post.ErrOften, post.ErrFull, post.ErrAgain,
		admin.ErrMeanwhile, links.ErrOrder, staff.ErrPerson, staff.ErrExists, staff.ErrForbidden, staff.ErrToken,
	} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return errors.As(err, new(admin.Refusal))
}
