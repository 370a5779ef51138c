package admin

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"autoconfig/internal/directory"
	"autoconfig/internal/staff"
	"autoconfig/policy"
	"autoconfig/settings"
)

// Errors of overrides.
var (
	// ErrNothingKnown means that no source knows an account. It is
	// [directory.ErrNotFound].
	ErrNothingKnown = fmt.Errorf("nothing is known of the account: %w", directory.ErrNotFound)
	// ErrOurs means that an account is in our own database, where it is changed itself.
	ErrOurs = errors.New("the account is in our own database: change the account itself")
	// ErrNoServer means that a domain has no server for a protocol.
	ErrNoServer = errors.New("there is no such server")
)

// PutOverride stores what change makes of the override of an account that another source
// has, and gives it with the account as it is then. now has only the mailbox's address
// where there is none. Errors are those of change and of [policy.Override.Check],
// [NotServed], [ErrNothingKnown], [ErrOurs] and [ErrNoServer].
func (a *Admin) PutOverride(ctx context.Context, by staff.Actor, asked settings.Address,
	change func(now policy.Override) (policy.Override, error),
) (o policy.Override, found directory.Found, err error) {
	found, err = a.known(ctx, by, asked)
	if err == nil && found.Source == "" {
		err = ErrOurs
	}
	if err != nil {
		return o, found, err
	}
	terms, address := found.Home.Terms, found.Account.Address
	err = a.change(ctx, by, func(ctx context.Context) (e staff.Entry, err error) {
		if err := a.Store.Hold(ctx); err != nil {
			return e, err
		}
		now, err := a.Store.Override(ctx, address.Key())
		if err != nil && !errors.Is(err, directory.ErrNotFound) {
			return e, err
		}
		now.Address = address
		if o, err = change(now.Normalize()); err != nil {
			return e, err
		}
		o.Address, o.GoneAt = address, time.Time{}
		o.ChangedBy, o.ChangedAt = by.Name, a.now()
		o = o.Normalize()
		if err := o.Check().Err(); err != nil {
			return e, err
		}
		if o.Protocol != "" && terms.Decide(o.Over(found.Account)).Refused != "" {
			return e, Refusal{ErrNoServer, terms.Name + " has no " + strings.ToUpper(string(o.Protocol)) + " server"}
		}
		return overrideEntry("override changed", found), a.Store.PutOverride(ctx, o)
	})
	found.Account = o.Over(found.Account)
	return o, found, err
}

// RemoveOverride removes an account's override, if may permits it for the override as it
// is now; nil permits it. Errors are those of may, [NotServed], [ErrNothingKnown] and
// [directory.ErrNotFound].
func (a *Admin) RemoveOverride(
	ctx context.Context, by staff.Actor, asked settings.Address, may func(now policy.Override) error,
) error {
	found, err := a.known(ctx, by, asked)
	if err != nil {
		return err
	}
	address := found.Account.Address
	return a.change(ctx, by, func(ctx context.Context) (e staff.Entry, err error) {
		if err := a.Store.Hold(ctx); err != nil {
			return e, err
		}
		now, err := a.Store.Override(ctx, address.Key())
		if err == nil {
			err = permits(may, now)
		}
		if err != nil {
			return e, err
		}
		return overrideEntry("override removed", found), a.Store.PutOverride(ctx, policy.Override{Address: address})
	})
}

// known finds an account of which more is known than its address.
func (a *Admin) known(ctx context.Context, by staff.Actor, asked settings.Address) (directory.Found, error) {
	found, err := a.account(ctx, by, asked)
	if err == nil && !found.Known {
		err = ErrNothingKnown
	}
	return found, err
}

func overrideEntry(action string, found directory.Found) staff.Entry {
	return staff.Entry{Action: action, Subject: found.Account.Address.String(), Domain: found.Home.Terms.Name}
}
