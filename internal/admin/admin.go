// Package admin is what may be done to a site, each act once: who may do it, what is
// checked, the change, and its entry in the audit log, both or neither. The command
// line, the API and the help desk read what is asked for, call it, and say what came
// of it in their own words.
package admin

import (
	"context"
	"errors"
	"net/url"
	"time"

	"autoconfig/internal/directory"
	"autoconfig/internal/links"
	"autoconfig/internal/post"
	"autoconfig/internal/staff"
	"autoconfig/policy"
	"autoconfig/settings"
	"autoconfig/templates"
)

// Admin does what may be done. Links, Catalogue and PublicURL may be nil where no link
// is made, and Desk where no person is changed and no token made.
type Admin struct {
	Store     Store
	Directory *directory.Directory
	Links     *links.Keeper
	Desk      *staff.Desk
	// Catalogue has the languages of links' pages.
	Catalogue *templates.Catalogue
	// PublicURL is where links lead.
	PublicURL *url.URL
	// LinkLife and LinkUses are a link's where nothing else is asked for; 0 for those
	// of [links.Order].
	LinkLife time.Duration
	LinkUses int
	// Checks tells whether running services check domains.
	Checks bool
	// Outbox takes messages to people; nil where no mail server is configured.
	Outbox *post.Outbox
	// Now is time.Now if nil.
	Now func() time.Time
}

// Store is our own database. What isn't there is [directory.ErrNotFound].
type Store interface {
	staff.Journal
	// Hold lets nobody else change what is served until the context's transaction has
	// ended.
	Hold(ctx context.Context) error
	// Terms are those of a domain, by any of its names.
	Terms(ctx context.Context, name string) (*policy.Terms, error)
	// Generation is a number that changes with every change of the site.
	Generation(ctx context.Context) (int64, error)
	// Site is all of it.
	Site(ctx context.Context) (policy.Site, error)
	// Replace makes a checked site what is stored. One without overrides keeps those
	// that are there.
	Replace(ctx context.Context, site policy.Site) error
	// ChangeDomain lets f change one domain, and stores what it leaves of that. It may be
	// called again. It is given all providers and plans, the domain, its accounts, and
	// the domains that have a name which f would give it.
	ChangeDomain(ctx context.Context, name string, f func(*policy.Site) error) error
	// Domain is one by its primary name.
	Domain(ctx context.Context, name string) (policy.Domain, error)
	RemoveDomain(ctx context.Context, name string, withAccounts bool) error
	// Account is the one that has an address as its own or another one.
	Account(ctx context.Context, key string) (policy.Account, error)
	PutAccount(ctx context.Context, a policy.Account) error
	RemoveAccount(ctx context.Context, key string) error
	Override(ctx context.Context, key string) (policy.Override, error)
	// PutOverride removes one that says nothing.
	PutOverride(ctx context.Context, o policy.Override) error
	// Written are the addresses that links, messages and the audit log have of a
	// domain.
	Written(ctx context.Context, domain string) ([]settings.Address, error)
	// Forget puts a pseudonym in the place of a mailbox, withdraws its links and removes
	// what else names it, but not the account. It tells how many rows it found.
	Forget(ctx context.Context, who policy.Forms, pseudonym string, now time.Time) (found int64, err error)
	// OrderCertificate makes a certificate due now: of a domain's special name, or of the
	// service itself if domain is "".
	OrderCertificate(ctx context.Context, now time.Time, name, domain string) error
	// OrderCheck makes the check of a name due now.
	OrderCheck(ctx context.Context, name string, now time.Time) error
	// RemoveToken removes a token; one that isn't there is [staff.ErrUnknown].
	RemoveToken(ctx context.Context, id string) error
}

// CommandLine is who acts by commands.
func CommandLine() staff.Actor {
	return staff.Actor{Name: "command line", Admin: true, Domains: []string{staff.Everywhere}}
}

// Refusal is why an act that is understood isn't done. Kind is an error that tells
// programs which one it is; the text is for people.
type Refusal struct {
	Kind error
	Text string
}

// Error implements error.
func (r Refusal) Error() string { return r.Text }

// Unwrap gives the kind.
func (r Refusal) Unwrap() error { return r.Kind }

// NotServed is a domain that isn't served here, or not by who asks: Err is
// [directory.ErrNotFound], or says more.
type NotServed struct {
	Domain string
	Err    error
}

// Error implements error.
func (n NotServed) Error() string { return "the domain " + n.Domain + " is not served here" }

// Unwrap gives the reason.
func (n NotServed) Unwrap() error { return n.Err }

func (a *Admin) now() time.Time {
	if a.Now != nil {
		return a.Now()
	}
	return time.Now()
}

// act does something and writes it down, both or neither; see [staff.Act].
func (a *Admin) act(ctx context.Context, by staff.Actor, do func(ctx context.Context) (staff.Entry, error)) error {
	return staff.Act(ctx, a.Store, a.now(), by, do)
}

// change is act for what changes the site: the next answer here shows it, those of
// other processes within a second.
func (a *Admin) change(ctx context.Context, by staff.Actor, do func(ctx context.Context) (staff.Entry, error)) error {
	if err := a.act(ctx, by, do); err != nil {
		return err
	}
	_ = a.Directory.Refresh(ctx) // it is done: if this fails, the answer comes within a second here too
	return nil
}

// permits tells why a thing as it is now may not be removed; no function permits it.
func permits[T any](may func(now T) error, now T) error {
	if may == nil {
		return nil
	}
	return may(now)
}

// domain finds a domain by any of its names, if the actor serves it.
func (a *Admin) domain(ctx context.Context, by staff.Actor, name string) (*directory.Entry, error) {
	entry, err := a.Directory.Domain(ctx, name)
	switch {
	case err == nil && !by.Serves(entry.Terms.Name):
		return nil, NotServed{name, directory.ErrNotFound}
	case errors.Is(err, directory.ErrNotFound):
		return nil, NotServed{name, err}
	case err != nil:
		return nil, directory.Unavailable(err)
	}
	return entry, nil
}

// account finds the mailbox to which an address leads, if the actor serves both the
// domain that was asked for and the mailbox's own.
func (a *Admin) account(ctx context.Context, by staff.Actor, asked settings.Address) (directory.Found, error) {
	entry, err := a.domain(ctx, by, asked.Domain())
	if err != nil {
		return directory.Found{}, err
	}
	found, err := a.Directory.Lookup(ctx, entry, asked)
	switch {
	case err != nil:
		return found, directory.Unavailable(err)
	case !by.Serves(found.Home.Terms.Name):
		return found, NotServed{asked.Domain(), directory.ErrNotFound}
	}
	return found, nil
}
