package admin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"autoconfig/internal/directory"
	"autoconfig/internal/links"
	"autoconfig/internal/post"
	"autoconfig/internal/staff"
	"autoconfig/settings"
	"autoconfig/templates"
)

// Sending says where to send a message.
type Sending struct {
	To settings.Address
	// ToItself permits an address of the mailbox that the message is about, which can't be
	// read before it is set up.
	ToItself bool
	// Again permits a second welcome message to a mailbox.
	Again bool
}

// Defaults of the link in a welcome message: people set up several devices, on several days.
const (
	WelcomeValid = 14 * 24 * time.Hour
	WelcomeUses  = 5
)

// MailLink makes a link and queues a message with it, both or neither. Errors are those of
// [Admin.MakeLink] and of [post.Outbox.Put], [post.ErrOff] and [post.ErrItself].
func (a *Admin) MailLink(ctx context.Context, by staff.Actor, o links.Order, s Sending) (
	MadeLink, post.Message, error,
) {
	return a.mail(ctx, by, o, s, post.SetupLink, "link made and sent")
}

// Welcome sends a welcome message for a mailbox, with a new setup link. Errors are those of
// [Admin.MailLink] and [post.ErrAgain].
func (a *Admin) Welcome(ctx context.Context, by staff.Actor, o links.Order, s Sending) (MadeLink, post.Message, error) {
	o.Valid, o.Uses = cmp.Or(o.Valid, WelcomeValid), cmp.Or(o.Uses, WelcomeUses)
	return a.mail(ctx, by, o, s, post.Welcome, "welcome sent")
}

// SendLink sends an existing link, by its token. Errors are those of [Admin.MailLink],
// [links.ErrUnknown] and [links.ErrSpent].
func (a *Admin) SendLink(ctx context.Context, by staff.Actor, token string, s Sending) (post.Message, error) {
	l, err := a.Links.Find(ctx, token)
	switch {
	case err != nil:
		return post.Message{}, err
	case !by.Serves(l.Domain):
		return post.Message{}, links.ErrUnknown
	case a.Links.StateOf(l) != links.Open:
		return post.Message{}, links.ErrSpent
	}
	address, err := settings.ParseAddress(l.Address)
	if err != nil { // its person has been forgotten
		return post.Message{}, links.ErrUnknown
	}
	found, err := a.receives(ctx, by, address, s)
	if err != nil {
		return post.Message{}, err
	}
	made := MadeLink{Link: l, URL: links.URL(a.PublicURL, token), Provider: found.Home.Terms.Brand()}
	letter := a.letter(found, address, made, s, post.SetupLink)
	letter.By = by.Name
	var sent post.Message
	err = a.act(ctx, by, func(ctx context.Context) (e staff.Entry, err error) {
		sent, err = a.Outbox.Put(ctx, letter)
		return mailEntry("link sent", l, s), err
	})
	return sent, err
}

// RenderWelcome renders a welcome message, and says why it wouldn't be sent. Nothing is made; the link
// in it is a placeholder.
func (a *Admin) RenderWelcome(ctx context.Context, by staff.Actor, o links.Order, s Sending) (post.Rendered, error) {
	found, err := a.receives(ctx, by, o.Address, s)
	if err != nil {
		return post.Rendered{}, err
	}
	o.Valid = cmp.Or(o.Valid, WelcomeValid)
	made := MadeLink{Provider: found.Home.Terms.Brand(), URL: links.URL(a.PublicURL, "example")}
	made.Language = a.Catalogue.Language(o.Language, made.Provider.Language)
	made.ExpiresAt = a.now().Add(o.Valid)
	letter := a.letter(found, o.Address, made, s, post.Welcome)
	letter.By = by.Name
	if err := a.Outbox.Check(ctx, letter); err != nil {
		return post.Rendered{}, err
	}
	return a.Outbox.Render(letter)
}

// mail makes a link and sends it in a message of a kind.
func (a *Admin) mail(ctx context.Context, by staff.Actor, o links.Order, s Sending, kind post.Kind, action string) (
	MadeLink, post.Message, error,
) {
	found, err := a.receives(ctx, by, o.Address, s)
	if err != nil {
		return MadeLink{}, post.Message{}, err
	}
	o.Request += fmt.Sprintf(" %s to %q", kind, s.To)
	var sent post.Message
	made, err := a.makeLink(ctx, by, o, found, func(ctx context.Context, made MadeLink) (e staff.Entry, err error) {
		letter := a.letter(found, o.Address, made, s, kind)
		letter.By = by.Name
		sent, err = a.Outbox.Put(ctx, letter)
		return mailEntry(action, made.Link, s), err
	})
	if err == nil && made.Again {
		sent, err = a.messageOf(ctx, made.Link)
	}
	return made, sent, err
}

// messageOf returns the message in which a link was sent when it was made.
func (a *Admin) messageOf(ctx context.Context, l links.Link) (post.Message, error) {
	all, err := a.Outbox.Store.Messages(ctx, post.Filter{Link: l.ID, Limit: listMost})
	if err != nil || len(all) == 0 {
		return post.Message{}, errors.Join(err, post.ErrUnknown)
	}
	return all[len(all)-1], nil
}

const listMost = 1000

// receives finds the mailbox that a message is about, and refuses to send the message to it.
func (a *Admin) receives(ctx context.Context, by staff.Actor, about settings.Address, s Sending) (
	directory.Found, error,
) {
	if a.Outbox == nil {
		return directory.Found{}, post.ErrOff
	}
	if s.To.IsZero() {
		return directory.Found{}, fmt.Errorf("%w: it needs an address to send it to", links.ErrOrder)
	}
	found, err := a.account(ctx, by, about)
	if err != nil || s.ToItself {
		return found, err
	}
	entry, err := a.Directory.Domain(ctx, s.To.Domain())
	if errors.Is(err, directory.ErrNotFound) {
		return found, nil
	} else if err != nil {
		return found, directory.Unavailable(err)
	}
	other, err := a.Directory.Lookup(ctx, entry, s.To)
	if err != nil {
		return found, directory.Unavailable(err)
	}
	if other.Account.Address.Key() == found.Account.Address.Key() {
		return found, fmt.Errorf("%w: %s", post.ErrItself, s.To)
	}
	return found, nil
}

// letter composes a message about a mailbox, with a link.
func (a *Admin) letter(
	found directory.Found, about settings.Address, made MadeLink, s Sending, kind post.Kind,
) post.Letter {
	own, _ := found.Personal(about)
	return post.Letter{
		Kind: kind, Address: found.Account.Address, Domain: found.Home.Terms.Name, To: s.To, Link: made.ID, Again: s.Again,
		Says: templates.Letter{
			Language: made.Language, Provider: made.Provider, Address: about.String(), URL: made.URL, Until: made.ExpiresAt,
			Start: a.PublicURL.Scheme + "://" + a.PublicURL.Host + "/", Settings: own,
		},
	}
}

func mailEntry(action string, l links.Link, s Sending) staff.Entry {
	e := linkEntry(action, l)
	e.Detail += ", to " + s.To.String()
	return e
}

// Message returns a message that the actor may see; others are [post.ErrUnknown].
func (a *Admin) Message(ctx context.Context, by staff.Actor, id string) (post.Message, error) {
	if a.Outbox == nil {
		return post.Message{}, post.ErrUnknown
	}
	m, err := a.Outbox.Store.Message(ctx, id)
	if err == nil && !by.Serves(m.Domain) {
		err = post.ErrUnknown
	}
	return m, err
}

// Messages returns the messages of the domains that the actor serves, latest first.
func (a *Admin) Messages(ctx context.Context, by staff.Actor, f post.Filter) ([]post.Message, error) {
	if a.Outbox == nil {
		return nil, nil
	}
	if f.Domains == nil {
		f.Domains = by.Bounds()
	}
	return a.Outbox.Store.Messages(ctx, f)
}
