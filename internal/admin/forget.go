package admin

import (
	"context"
	"crypto/rand"
	"strings"

	"autoconfig/internal/staff"
	"autoconfig/policy"
	"autoconfig/settings"
)

// Forgotten is the result of forgetting a mailbox.
type Forgotten struct {
	Pseudonym string
	// Found is the number of links, entries and other rows that named it.
	Found int64
}

// Forget replaces all addresses of the mailbox to which asked leads by a pseudonym, wherever links and
// the audit log name them; see [Store]. The account itself is removed if withAccount is set. The
// database's file may still have old bytes of it: [Store.Scrub].
func (a *Admin) Forget(
	ctx context.Context, by staff.Actor, asked settings.Address, withAccount bool,
) (Forgotten, error) {
	forms, mailbox, err := a.forms(ctx, asked)
	if err != nil {
		return Forgotten{}, err
	}
	for _, d := range forms.Domains() {
		if !by.Serves(d) {
			return Forgotten{}, staff.ErrForbidden
		}
	}
	done := Forgotten{Pseudonym: "forgotten-" + strings.ToLower(rand.Text()[:10])}
	err = a.change(ctx, by, func(ctx context.Context) (e staff.Entry, err error) {
		e = staff.Entry{Action: "address forgotten", Subject: done.Pseudonym, Domain: mailbox.Domain()}
		if withAccount {
			e.Detail = "with its account"
			if err := a.Store.RemoveAccount(ctx, mailbox.Key()); err != nil {
				return e, err
			}
		}
		done.Found, err = a.Store.Forget(ctx, forms, done.Pseudonym, a.now(), a.TellLinks)
		return e, err
	})
	return done, err
}

// forms returns all addresses of a mailbox, including those recorded in each of its domains.
func (a *Admin) forms(ctx context.Context, asked settings.Address) (policy.Forms, settings.Address, error) {
	forms, mailbox, err := a.Directory.Forms(ctx, asked, nil)
	if err != nil {
		return forms, mailbox, err
	}
	var written []settings.Address
	for _, domain := range forms.Domains() {
		some, err := a.Store.Written(ctx, domain)
		if err != nil {
			return forms, mailbox, err
		}
		written = append(written, some...)
	}
	return a.Directory.Forms(ctx, asked, written)
}
