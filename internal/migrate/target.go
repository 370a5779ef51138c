package migrate

import (
	"context"
	"errors"
	"iter"
	"strconv"

	"autoconfig/policy"
)

// Reader reads one consistent state of the site, for validation and export.
type Reader interface {
	// SiteConfig returns the site without its accounts.
	SiteConfig(ctx context.Context) (policy.Site, error)
	// Terms returns the terms of the domains with these names or aliases, by all of their
	// names.
	Terms(ctx context.Context, names []string) (map[string]*policy.Terms, error)
	// Accounts returns the accounts that have one of the addresses, in the form of
	// settings.Address.Key; each once, in any order. keys are at most [MaxKeys].
	Accounts(ctx context.Context, keys []string) ([]policy.Account, error)
	// AllAccounts yields the accounts of a domain (of all if it is ""), sorted by key. It
	// ends after an error.
	AllAccounts(ctx context.Context, domain string) iter.Seq2[policy.Account, error]
}

// Target is one transaction. It reads what it has written, and changes nothing unless it is
// completed.
type Target interface {
	Reader
	// PutAccounts stores validated accounts, replacing those with the same primary
	// addresses. accounts are at most [Batch].
	PutAccounts(ctx context.Context, accounts []policy.Account) error
	// PutSiteConfig replaces all providers, plans and domains by validated ones. Accounts
	// stay.
	PutSiteConfig(ctx context.Context, config policy.Site) error
}

// Bounds of one call of a Target.
const (
	Batch   = 500
	MaxKeys = 5000
)

// ErrRefused ends a transaction in which something was refused, which has been reported.
var ErrRefused = errors.New("refused")

// Refusal is something in a file that can't be imported.
type Refusal struct {
	Line  int    `json:"line,omitempty"`  // from 1; 0 if it isn't about a line
	Field string `json:"field,omitempty"` // column or key; "" for the whole line
	Text  string `json:"text"`            // what is wrong, and what to do
}

// String returns the refusal for people, to follow a file's name.
func (r Refusal) String() string {
	text := r.Text
	if r.Field != "" {
		text = r.Field + ": " + text
	}
	if r.Line > 0 {
		text = strconv.Itoa(r.Line) + ": " + text
	}
	return text
}
