package admin

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"autoconfig/internal/directory"
	"autoconfig/internal/staff"
)

// ErrItself means that somebody would remove themselves.
var ErrItself = errors.New("you can't remove yourself")

// AddPerson adds a local person who serves these domains, by their primary names, and returns the
// password, which isn't kept. Errors are [staff.ErrForbidden], [staff.ErrPerson], [staff.ErrExists] and
// [NotServed].
func (a *Admin) AddPerson(
	ctx context.Context, by staff.Actor, name string, role staff.Role, domains []string,
) (password string, p staff.Person, err error) {
	if !governs(by, domains) {
		return "", p, staff.ErrForbidden
	}
	for _, d := range domains {
		if d == staff.Everywhere {
			continue
		}
		entry, err := a.domain(ctx, by, d)
		if err != nil {
			return "", p, err
		}
		if primary := entry.Terms.Name; primary != d {
			return "", p, Refusal{staff.ErrPerson, fmt.Sprintf("%s is an alias; name the primary domain %s", d, primary)}
		}
	}
	return a.Desk.Add(ctx, by, name, role, domains)
}

// People returns the people whom the actor may change.
func (a *Admin) People(ctx context.Context, by staff.Actor) ([]staff.Person, error) {
	people, err := a.Desk.Store.People(ctx)
	return slices.DeleteFunc(people, func(p staff.Person) bool { return !governs(by, p.Domains) }), err
}

// RemovePerson removes a person and their sessions. Errors are [staff.ErrUnknown] and [ErrItself].
func (a *Admin) RemovePerson(ctx context.Context, by staff.Actor, id string) error {
	p, err := a.person(ctx, by, id)
	switch {
	case err != nil:
		return err
	case p.ID == by.ID:
		return ErrItself
	}
	return directory.Unavailable(a.Desk.Remove(ctx, by, p))
}

// ResetPerson gives a local person a new password, and removes the second factor, the lock and all
// sessions. Errors are [staff.ErrUnknown] and [staff.ErrForbidden]: people change their own password with
// the old one.
func (a *Admin) ResetPerson(
	ctx context.Context, by staff.Actor, id string,
) (password string, p staff.Person, err error) {
	p, err = a.person(ctx, by, id)
	switch {
	case err != nil:
		return "", p, err
	case p.Issuer != "":
		return "", p, Refusal{staff.ErrForbidden, fmt.Sprintf("%s signs in by %s, which has the password", p.Name, p.Issuer)}
	case p.ID == by.ID:
		return "", p, staff.ErrForbidden
	}
	password, err = a.Desk.Reset(ctx, by, p)
	return password, p, err
}

// person finds a person whom the actor may change; others are [staff.ErrUnknown].
func (a *Admin) person(ctx context.Context, by staff.Actor, id string) (staff.Person, error) {
	p, err := a.Desk.Store.Person(ctx, id)
	if err == nil && !governs(by, p.Domains) {
		err = staff.ErrUnknown
	}
	return p, err
}

// governs reports whether an actor is an administrator of all these domains.
func governs(by staff.Actor, domains []string) bool {
	return by.Admin && !slices.ContainsFunc(domains, func(d string) bool { return !by.Serves(d) })
}
