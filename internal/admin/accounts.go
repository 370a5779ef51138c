package admin

import (
	"context"
	"errors"
	"fmt"

	"autoconfig/internal/directory"
	"autoconfig/internal/staff"
	"autoconfig/policy"
	"autoconfig/settings"
)

// ErrOutside means that an account belongs to a source, which is only read; the error is an [Outside].
var ErrOutside = errors.New("the account is kept in another source")

// Outside is an account of a source.
type Outside struct {
	Address settings.Address
	Source  string
}

// Error implements error.
func (o Outside) Error() string {
	return fmt.Sprintf("%s comes from the source %s, which this service only reads", o.Address, o.Source)
}

// Is makes it [ErrOutside].
func (o Outside) Is(target error) bool { return target == ErrOutside }

// LeadsTo is the [directory.ErrNotFound] of an address that isn't an account's primary one, but another
// one of an account.
type LeadsTo struct{ Asked, Account settings.Address }

// Error implements error.
func (l LeadsTo) Error() string { return fmt.Sprintf("%s leads to the account %s", l.Asked, l.Account) }

// Is makes it [directory.ErrNotFound].
func (l LeadsTo) Is(target error) bool { return target == directory.ErrNotFound }

// PutAccount stores what change makes of the account of our own database that has an address, and
// returns it with its domain's terms. before is nil if there is no such account. Errors are those of
// change and of [policy.Terms.CheckAccount], [NotServed], [Outside], [directory.ErrExists] and
// [directory.ErrNoSuchDomain].
func (a *Admin) PutAccount(ctx context.Context, by staff.Actor, address settings.Address,
	change func(before *policy.Account) (policy.Account, error),
) (account policy.Account, terms *policy.Terms, err error) {
	if err := a.notOutside(ctx, by, address); err != nil {
		return account, nil, err
	}
	err = a.change(ctx, by, func(ctx context.Context) (e staff.Entry, err error) {
		if err := a.Store.Hold(ctx); err != nil {
			return e, err
		}
		if terms, err = a.Store.Terms(ctx, address.Domain()); errors.Is(err, directory.ErrNotFound) {
			return e, fmt.Errorf("%w: %s", directory.ErrNoSuchDomain, address.Domain()) // it is a source's
		} else if err != nil {
			return e, err
		}
		before, err := a.stored(ctx, terms.Primary(address))
		if err != nil {
			return e, err
		}
		if account, err = change(before); err != nil {
			return e, err
		}
		if err := terms.CheckAccount(account); err != nil {
			return e, err
		}
		if err := a.free(ctx, account); err != nil {
			return e, err
		}
		e = staff.Entry{Action: "account changed", Subject: account.Address.String(), Domain: terms.Name}
		if before == nil || before.Address.Key() != account.Address.Key() {
			e.Action = "account added"
		}
		return e, a.Store.PutAccount(ctx, account)
	})
	return account, terms, err
}

// free says which of an account's addresses another account has: the database only knows that
// one of them can't be stored. All are of one domain, so nothing is told of any other.
func (a *Admin) free(ctx context.Context, account policy.Account) error {
	for _, address := range append([]settings.Address{account.Address}, account.Addresses...) {
		switch has, err := a.stored(ctx, address); {
		case err != nil:
			return err
		case has != nil && has.Address.Key() != account.Address.Key():
			return fmt.Errorf("%s belongs to the account %s: %w", address, has.Address, directory.ErrExists)
		}
	}
	return nil
}

// notOutside refuses an address that a source has, unless it is tagged: that may be an account of its
// own beside the mailbox.
func (a *Admin) notOutside(ctx context.Context, by staff.Actor, address settings.Address) error {
	found, err := a.account(ctx, by, address)
	if err != nil || found.Source == "" {
		return err
	}
	terms := found.Entry.Terms
	if terms.Mailbox(address) == terms.Primary(address) || found.Account.Address.Key() == address.Key() {
		return Outside{found.Account.Address, found.Source}
	}
	return nil
}

// stored returns the account of our own database that has an address, or nil.
func (a *Admin) stored(ctx context.Context, address settings.Address) (*policy.Account, error) {
	account, err := a.Store.Account(ctx, address.Key())
	if errors.Is(err, directory.ErrNotFound) {
		return nil, nil
	}
	return &account, err
}

// RemoveAccount removes an account from our own database, by its own address, if may
// permits it for the account as it is now; nil permits it. Errors are those of may,
// [NotServed], [directory.ErrNotFound] and [LeadsTo].
func (a *Admin) RemoveAccount(
	ctx context.Context, by staff.Actor, address settings.Address, may func(now policy.Account) error,
) error {
	entry, err := a.domain(ctx, by, address.Domain())
	if err != nil {
		return err
	}
	return a.change(ctx, by, func(ctx context.Context) (e staff.Entry, err error) {
		if err := a.Store.Hold(ctx); err != nil {
			return e, err
		}
		account, err := a.Store.Account(ctx, entry.Terms.Primary(address).Key())
		if err != nil {
			return e, err
		}
		if account.Address.Key() != address.Key() {
			return e, LeadsTo{address, account.Address}
		}
		if err := permits(may, account); err != nil {
			return e, err
		}
		e = staff.Entry{Action: "account removed", Subject: account.Address.String(), Domain: entry.Terms.Name}
		return e, a.Store.RemoveAccount(ctx, account.Address.Key())
	})
}
