package directory

import (
	"context"
	"errors"

	"autoconfig/policy"
	"autoconfig/settings"
)

// Forms are all ways to write the addresses of the mailbox to which an address leads,
// and the mailbox's own address. Of an account that isn't known any more they are
// those of its domain. What was written down may show more of them: addresses that
// only a source leads to the mailbox, and such as have a tag and are accounts
// of their own.
func (d *Directory) Forms(ctx context.Context, typed settings.Address, written []settings.Address) (policy.Forms, settings.Address, error) {
	var forms policy.Forms
	entry, err := d.Domain(ctx, typed.Domain())
	if errors.Is(err, ErrNotFound) { // it was removed; what was kept of the person wasn't
		alone := &policy.Terms{Name: typed.Domain(), Common: &policy.Common{}}
		forms.Add(alone, alone.Mailbox(typed))
		return forms, alone.Mailbox(typed), nil
	} else if err != nil {
		return forms, typed, err
	}
	found, err := d.Lookup(ctx, entry, typed)
	if err != nil {
		return forms, typed, err
	}
	untagged, err := d.Lookup(ctx, entry, entry.Terms.Mailbox(typed))
	if err != nil {
		return forms, typed, err
	}
	mailbox := found.Account.Address
	forms.Add(entry.Terms, typed)
	if untagged.Account.Address.Key() == mailbox.Key() { // else the tag belongs to the account's name
		forms.Add(entry.Terms, entry.Terms.Mailbox(typed))
	}
	forms.Add(found.Home.Terms, mailbox)
	for _, other := range found.Account.Addresses {
		if err := d.addForm(ctx, &forms, other); err != nil {
			return forms, mailbox, err
		}
	}
	for _, w := range written {
		if err := d.addWritten(ctx, &forms, mailbox, w); err != nil {
			return forms, mailbox, err
		}
	}
	return forms, mailbox, nil
}

func (d *Directory) addForm(ctx context.Context, forms *policy.Forms, a settings.Address) error {
	entry, err := d.Domain(ctx, a.Domain())
	switch {
	case err == nil:
		forms.Add(entry.Terms, a)
	case errors.Is(err, ErrNotFound):
		forms.Add(&policy.Terms{Name: a.Domain(), Common: &policy.Common{}}, a)
		err = nil
	}
	return err
}

// addWritten asks whose an address is that was written down, where that isn't plain.
func (d *Directory) addWritten(ctx context.Context, forms *policy.Forms, mailbox, w settings.Address) error {
	entry, err := d.Domain(ctx, w.Domain())
	if errors.Is(err, ErrNotFound) {
		return nil
	} else if err != nil {
		return err
	}
	has, tagged := forms.Has(w), entry.Terms.Mailbox(w).Key() != entry.Terms.Primary(w).Key()
	if has && !tagged || !has && !d.HasSources(entry.Terms) {
		return nil
	}
	found, err := d.Lookup(ctx, entry, w)
	if err != nil || !found.Known {
		return err
	}
	switch same := found.Account.Address.Key() == mailbox.Key(); {
	case has && !same:
		forms.Except(w)
	case same && !has:
		forms.Add(entry.Terms, w)
	}
	return nil
}
