package directory

import (
	"context"
	"errors"

	"autoconfig/policy"
)

// ErrNotFound means that a domain isn't served or an account isn't known. It is
// an answer, not a failure, and is cached like one.
var ErrNotFound = errors.New("not found")

// ErrUnusable means that a source answered, and that what it said can't be served:
// a domain's plan that isn't there, for instance. The source is not down.
var ErrUnusable = errors.New("what is kept can't be served")

// What a change would break.
var (
	ErrExists       = errors.New("already taken")
	ErrNoSuchDomain = errors.New("there is no such domain")
	ErrHasAccounts  = errors.New("the domain has accounts")
)

// Kept is what our own database has under an address. The zero value is nothing.
type Kept struct {
	Account policy.Account
	Known   bool
	// Override is what is laid over the account, be it one that is known here or
	// elsewhere; nil for nothing.
	Override *policy.Override
}

// applyOverride lays the override over an account.
func (k Kept) applyOverride(f *Found) {
	if k.Override != nil {
		f.Override = *k.Override
		f.Account = k.Override.Over(f.Account)
	}
}

// Store is our own database. It must be safe for concurrent use. Errors other
// than ErrNotFound mean that it couldn't be asked.
type Store interface {
	// Terms gives those of a domain by its primary name or an alias, in ASCII and lower
	// case.
	Terms(ctx context.Context, name string) (*policy.Terms, error)
	// PlanTerms gives the terms of a domain that is kept elsewhere and has one of our
	// plans. A plan that isn't there is a failure.
	PlanTerms(ctx context.Context, domain policy.Domain) (*policy.Terms, error)
	// Lookup gives what is kept under an address, in the form of settings.Address.Key
	// and in its primary domain: the account that has it as its own or another one,
	// and the override. It takes the same steps whatever that is.
	Lookup(ctx context.Context, key string) (Kept, error)
	// LookupDigest gives the same of the account with an address in domain (a primary
	// name or an alias) whose MD5 in lower-case hex this is, of the address in lower
	// case.
	LookupDigest(ctx context.Context, domain, digest string) (Kept, error)
	// HasOwn tells whether any account of the domain has a protocol, a login or
	// another address of its own.
	HasOwn(ctx context.Context, domain string) (bool, error)
	// SearchAccounts finds at most limit accounts by any part of address or name,
	// within domains (nil for all).
	SearchAccounts(ctx context.Context, text string, domains []string, limit int) ([]policy.Account, error)
	// Document gives the PACC document that is served for a domain's name.
	Document(ctx context.Context, name string) ([]byte, error)
	// Generation is a number that changes with every change of what is served.
	Generation(ctx context.Context) (int64, error)
	// Listen calls heard once it listens and then after every change, until ctx ends
	// or the connection is lost. It returns nil at once if this database tells of
	// nothing.
	Listen(ctx context.Context, heard func()) error
}
