package directory

import (
	"context"
	"errors"

	"autoconfig/policy"
)

// ErrNotFound means that a domain isn't served or an account isn't known. It is an
// answer, not a failure, and is cached.
var ErrNotFound = errors.New("not found")

// ErrUnusable means that a source answered, but the answer can't be served: because a
// domain's plan doesn't exist, for instance. The source is not down.
var ErrUnusable = errors.New("what is kept can't be served")

// Conflicts of a change with what is stored.
var (
	ErrExists       = errors.New("already taken")
	ErrNoSuchDomain = errors.New("there is no such domain")
	ErrHasAccounts  = errors.New("the domain has accounts")
)

// Kept is what our own database has under an address. The zero value means nothing.
type Kept struct {
	Account policy.Account
	Known   bool
	// Override applies to the account, whether it is ours or a source's; nil if there is
	// none.
	Override *policy.Override
}

// applyOverride applies the override to an account.
func (k Kept) applyOverride(f *Found) {
	if k.Override != nil {
		f.Override = *k.Override
		f.Account = k.Override.Over(f.Account)
	}
}

// Store is our own database. It must be safe for concurrent use. Errors other than
// ErrNotFound mean that it couldn't be asked.
type Store interface {
	// Terms returns the terms of a domain by its primary name or an alias (ASCII, lower
	// case).
	Terms(ctx context.Context, name string) (*policy.Terms, error)
	// PlanTerms returns the terms of a source's domain with one of our plans. A plan
	// that doesn't exist is [ErrUnusable].
	PlanTerms(ctx context.Context, domain policy.Domain) (*policy.Terms, error)
	// Lookup returns the account and the override under an address of an account, in
	// the form of settings.Address.Key and in its primary domain. It takes the same
	// steps whether there is one or not.
	Lookup(ctx context.Context, key string) (Kept, error)
	// LookupDigest does the same by the MD5, in lower-case hex, of an address in lower
	// case in a domain (a primary name or an alias).
	LookupDigest(ctx context.Context, domain, digest string) (Kept, error)
	// HasOwn reports whether any account of the domain has a protocol, a login or
	// another address of its own.
	HasOwn(ctx context.Context, domain string) (bool, error)
	// SearchAccounts finds up to limit accounts whose address or name contains the text,
	// within domains (nil for all).
	SearchAccounts(ctx context.Context, text string, domains []string, limit int) ([]policy.Account, error)
	// Document returns the PACC document that is served for a domain's name.
	Document(ctx context.Context, name string) ([]byte, error)
	// Generation returns a number that changes with every change of the site.
	Generation(ctx context.Context) (int64, error)
	// Listen calls heard when it begins to listen and after every change, until ctx ends
	// or the connection is lost. It returns nil at once if the database can't notify.
	Listen(ctx context.Context, heard func()) error
}
