package directory

import (
	"context"
	"errors"

	"autoconfig/policy"
	"autoconfig/settings"
)

// Forms returns all addresses of the mailbox to which the typed address leads, and the
// mailbox's primary address. They serve to find what is recorded about a person. If the
// account is no longer known, they are the forms of the typed address in its domain.
// written are recorded addresses that may be the mailbox's too: an alias that only a
// source knows, or an address with a tag, which may be an account of its own.
func (d *Directory) Forms(
	ctx context.Context, typed settings.Address, written []settings.Address,
) (policy.Forms, settings.Address, error) {
	var forms policy.Forms
	entry, err := d.Domain(ctx, typed.Domain())
	if errors.Is(err, ErrNotFound) { // the domain was removed, but not the records about the person
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
	if untagged.Account.Address.Key() == mailbox.Key() { // otherwise the tag is part of the account's name
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

// addWritten adds or excludes a recorded address, and looks it up where that is needed.
func (d *Directory) addWritten(ctx context.Context, forms *policy.Forms, mailbox, w settings.Address) error {
	entry, err := d.Domain(ctx, w.Domain())
	if errors.Is(err, ErrNotFound) {
		return nil
	} else if err != nil {
		return err
	}
	has := forms.Has(w)
	tagged := entry.Terms.Mailbox(w).Key() != entry.Terms.Primary(w).Key()
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
