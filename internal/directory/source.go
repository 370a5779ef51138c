package directory

import (
	"context"
	"errors"

	"autoconfig/policy"
)

// ErrNotFound means that a domain isn't served or an account isn't known. It is
// an answer, not a failure, and is cached like one.
var ErrNotFound = errors.New("not found")

// What a change would break.
var (
	ErrExists       = errors.New("already taken")
	ErrNoSuchDomain = errors.New("there is no such domain")
	ErrHasAccounts  = errors.New("the domain has accounts")
)

// Source is where domains and accounts are kept. It must be safe for concurrent
// use. Errors other than ErrNotFound mean that it couldn't be asked.
type Source interface {
	// Domain gives the terms of a domain by its primary name or an alias, in ASCII
	// and lower case.
	Domain(ctx context.Context, name string) (*policy.Terms, error)
	// Account finds the account that has the address, in the form of
	// settings.Address.Key and in its primary domain, as its own or another one.
	Account(ctx context.Context, key string) (policy.Account, error)
	// AccountByDigest finds the account with an address in domain (a primary name
	// or an alias) whose MD5 in lower-case hex this is, of the address in lower case.
	AccountByDigest(ctx context.Context, domain, digest string) (policy.Account, error)
	// HasOwn tells whether any account of the domain has a protocol, a login or
	// another address of its own.
	HasOwn(ctx context.Context, domain string) (bool, error)
	// Document gives the PACC document that is served for a domain's name.
	Document(ctx context.Context, name string) ([]byte, error)
	// Generation is a number that changes with every change of what is served.
	Generation(ctx context.Context) (int64, error)
}
