// Package admin implements every change that may be made to a site once: who may make it, what is
// checked, the change, and its entry in the audit log, in one transaction. The command line, the API
// and the help desk parse requests, call it, and present the results.
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

// Admin makes changes. Links, Catalogue and PublicURL may be nil if no link is made, and Desk if no
// person is changed and no token made.
type Admin struct {
	Store     Store
	Directory *directory.Directory
	Links     *links.Keeper
	Desk      *staff.Desk
	// Catalogue has the languages of links' pages.
	Catalogue *templates.Catalogue
	// PublicURL is the base of links.
	PublicURL *url.URL
	// LinkLife and LinkUses are the defaults for links; 0 for those of [links.Order].
	LinkLife time.Duration
	LinkUses int
	// TellLinks is set if a program is told what happens to links.
	TellLinks bool
	// Checks is set if running services check domains.
	Checks bool
	// Outbox sends messages to people; nil if no mail server is configured.
	Outbox *post.Outbox
	// Now defaults to time.Now.
	Now func() time.Time
}

// Store is our own database. What doesn't exist is [directory.ErrNotFound].
type Store interface {
	staff.Journal
	// Hold locks the site until the context's transaction ends.
	Hold(ctx context.Context) error
	// Terms returns a domain's terms, by any of its names.
	Terms(ctx context.Context, name string) (*policy.Terms, error)
	// Generation returns a number that changes with every change of the site.
	Generation(ctx context.Context) (int64, error)
	// Site returns everything.
	Site(ctx context.Context) (policy.Site, error)
	// Replace replaces the site by a validated one. One without overrides keeps the
	// existing ones.
	Replace(ctx context.Context, site policy.Site) error
	// ChangeDomain calls f to change one domain, and stores what f leaves of it. f may be
	// called again. It gets all providers and plans, the domain, its accounts, and the
	// domains with names that f gives it.
	ChangeDomain(ctx context.Context, name string, f func(*policy.Site) error) error
	// ChangeShared lets f change providers and plans, and stores those that differ. It is
	// given all of them, all domains, and the accounts that a plan can be wrong for.
	ChangeShared(ctx context.Context, f func(*policy.Site) error) error
	// Domains returns up to limit domains in the order of their names, after one of them, and
	// within those given; nil is all.
	Domains(ctx context.Context, within []string, after string, limit int) ([]policy.Domain, error)
	// Domain is one by its primary name.
	Domain(ctx context.Context, name string) (policy.Domain, error)
	RemoveDomain(ctx context.Context, name string, withAccounts bool) error
	// Account returns the account that has an address, as its primary or another one.
	Account(ctx context.Context, key string) (policy.Account, error)
	PutAccount(ctx context.Context, a policy.Account) error
	RemoveAccount(ctx context.Context, key string) error
	Override(ctx context.Context, key string) (policy.Override, error)
	// PutOverride removes an override that is empty.
	PutOverride(ctx context.Context, o policy.Override) error
	// Written returns the addresses in links, messages and the audit log of a domain.
	Written(ctx context.Context, domain string) ([]settings.Address, error)
	// Forget replaces a mailbox by a pseudonym, revokes its links and removes what else
	// names it, except for the account. It returns the number of rows. tell has the end of
	// the links told.
	Forget(ctx context.Context, who policy.Forms, pseudonym string, now time.Time, tell bool) (found int64, err error)
	// OrderCertificate makes a certificate due now: of a domain's special name, or of the
	// service's own if domain is "".
	OrderCertificate(ctx context.Context, now time.Time, name, domain string) error
	// OrderCheck makes the check of a name due now.
	OrderCheck(ctx context.Context, name string, now time.Time) error
	// RemoveToken removes a token, or returns [staff.ErrUnknown].
	RemoveToken(ctx context.Context, id string) error
}

// CommandLine is the actor of commands.
func CommandLine() staff.Actor {
	return staff.Actor{Name: "command line", Admin: true, Domains: []string{staff.Everywhere}}
}

// Refusal is why a valid request is refused. Kind identifies the reason for programs; the text is for
// people.
type Refusal struct {
	Kind error
	Text string
}

// Error implements error.
func (r Refusal) Error() string { return r.Text }

// Unwrap gives the kind.
func (r Refusal) Unwrap() error { return r.Kind }

// NotServed is a domain that isn't served here, or not by the actor: Err is [directory.ErrNotFound], or
// says more.
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

// act makes a change and adds its audit entry; see [staff.Act].
func (a *Admin) act(ctx context.Context, by staff.Actor, do func(ctx context.Context) (staff.Entry, error)) error {
	return staff.Act(ctx, a.Store, a.now(), by, do)
}

// change is act for changes of the site, which are served here at once, and by other processes within a
// second.
func (a *Admin) change(ctx context.Context, by staff.Actor, do func(ctx context.Context) (staff.Entry, error)) error {
	if err := a.act(ctx, by, do); err != nil {
		return err
	}
	_ = a.Directory.Refresh(ctx) // if it fails, the change is served here within a second too
	return nil
}

// permits returns the reason why a thing, as it is now, may not be removed. A nil function permits everything.
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

// account finds the mailbox of an address, if the actor serves both the address's domain and the
// mailbox's.
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
