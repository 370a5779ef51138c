package admin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"autoconfig/internal/directory"
	"autoconfig/internal/links"
	"autoconfig/internal/staff"
	"autoconfig/settings"
)

// ErrLanguage means that there are no texts in a language; the error is a [Refusal].
var ErrLanguage = errors.New("no texts in this language")

// MadeLink is a new link, with what is only known when it is made.
type MadeLink struct {
	links.Link
	URL      string
	Provider settings.Provider
}

// MakeLink makes a link for an address. It sets the order's domain and actor. Errors are those of
// [links.Keeper.Make] and [NotServed].
func (a *Admin) MakeLink(ctx context.Context, by staff.Actor, o links.Order) (MadeLink, error) {
	found, err := a.account(ctx, by, o.Address)
	if err != nil {
		return MadeLink{}, err
	}
	return a.makeLink(ctx, by, o, found, func(_ context.Context, made MadeLink) (staff.Entry, error) {
		return linkEntry("link made", made.Link), nil
	})
}

// makeLink makes a link for an account. then does the rest of the act and returns the audit entry; it
// isn't called for a link that existed already.
func (a *Admin) makeLink(ctx context.Context, by staff.Actor, o links.Order, found directory.Found,
	then func(ctx context.Context, made MadeLink) (staff.Entry, error),
) (MadeLink, error) {
	terms := found.Home.Terms
	made := MadeLink{Provider: terms.Brand()}
	o.Domain, o.By = terms.Name, by.Name
	o.Valid, o.Uses = cmp.Or(o.Valid, a.LinkLife), cmp.Or(o.Uses, a.LinkUses)
	if o.Language != "" && !a.Catalogue.Speaks(o.Language) {
		return made, Refusal{ErrLanguage, fmt.Sprintf("there are no texts in %q: use one of %s", o.Language,
			strings.Join(a.Catalogue.Languages(), ", "))}
	}
	o.Language = a.Catalogue.Language(o.Language, made.Provider.Language)
	var err error
	for range 3 { // of concurrent orders with one key, one makes the link and the others find it
		err = a.act(ctx, by, func(ctx context.Context) (e staff.Entry, err error) {
			var token string
			if token, made.Link, err = a.Links.Make(ctx, o); err != nil {
				return e, err
			}
			if made.URL = links.URL(a.PublicURL, token); made.Again {
				return e, nil // the entry was added when the link was made
			}
			return then(ctx, made)
		})
		if !errors.Is(err, links.ErrTaken) {
			break
		}
	}
	if err != nil {
		return MadeLink{}, err
	}
	return made, nil
}

// Link returns a link that the actor may see; others are [links.ErrUnknown].
func (a *Admin) Link(ctx context.Context, by staff.Actor, id string) (links.Link, error) {
	l, err := a.Links.Store.Link(ctx, id)
	if err == nil && !by.Serves(l.Domain) {
		err = links.ErrUnknown
	}
	return l, err
}

// RevokeLink revokes a link, and returns it.
func (a *Admin) RevokeLink(ctx context.Context, by staff.Actor, id string) (links.Link, error) {
	l, err := a.Link(ctx, by, id)
	if err != nil {
		return l, err
	}
	err = a.act(ctx, by, func(ctx context.Context) (staff.Entry, error) {
		return linkEntry("link revoked", l), a.Links.Revoke(ctx, l, by.Name)
	})
	if err != nil {
		return l, directory.Unavailable(err)
	}
	return a.Links.Store.Link(ctx, id)
}

func linkEntry(action string, l links.Link) staff.Entry {
	return staff.Entry{Action: action, Subject: l.Address, Domain: l.Domain, Detail: "link " + l.ID}
}

// LinkTexts are texts to send a link with, in the link's language.
type LinkTexts struct {
	Subject string `json:"subject"`
	Mail    string `json:"mail"`
	SMS     string `json:"sms"`
	Ticket  string `json:"ticket"`
}

// Texts returns the texts for a new link; until is when it expires, in words for people.
func (a *Admin) Texts(l MadeLink, until string) LinkTexts {
	args := map[string]string{"address": l.Address, "url": l.URL, "until": until, "provider": l.Provider.Name}
	say := func(key string) string { return a.Catalogue.Text(settings.Message{Key: key, Args: args}, l.Language) }
	return LinkTexts{
		Subject: say("message.mail.subject"), Mail: say("message.mail.body"), SMS: say("message.sms"),
		Ticket: say("message.ticket"),
	}
}
