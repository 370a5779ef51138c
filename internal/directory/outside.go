package directory

import (
	"context"

	"autoconfig/policy"
	"autoconfig/settings"
)

// Outside is a place outside of our own database where accounts are kept: a
// panel's database, a directory server. It is only ever read. It must be safe for
// concurrent use, and end each call when its context does. Errors other than
// [ErrNotFound] mean that it couldn't be asked.
type Outside interface {
	// Account finds the account that an address leads to, be it the mailbox's own or
	// an alias of it. The address is in the form of settings.Address.Key. The
	// account's Address is the mailbox's primary one, which may be in another domain.
	// An account that is disabled, a catch-all, and an alias that leads to several
	// mailboxes or to none of this source are ErrNotFound.
	Account(ctx context.Context, address settings.Address) (policy.Account, error)
	// Domain finds a domain that the source serves, by its primary name or an alias
	// (ASCII, lower case). A source that knows no domains says ErrNotFound.
	Domain(ctx context.Context, name string) (OutsideDomain, error)
	// Search finds at most limit accounts with the text anywhere in their address or
	// name, in any ASCII letter case, within domains (nil for all).
	Search(ctx context.Context, text string, domains []string, limit int) ([]policy.Account, error)
	// Walk calls each for every account with its addresses, for an index of digests;
	// an error of each ends it and is returned. Of the account only the addresses
	// need to be set.
	Walk(ctx context.Context, each func(policy.Account) error) error
	// Ping tells whether it can be asked now.
	Ping(ctx context.Context) error
	// Close ends its connections.
	Close() error
}

// OutsideDomain is what a source says of a domain that our own site doesn't have.
type OutsideDomain struct {
	Name string // the primary name
	Plan string // the plan that it has; "" for the one that is configured for the source
}
