package migrate

import (
	"context"
	"errors"
	"iter"
	"strconv"

	"autoconfig/policy"
)

// Reader is what an import is held against and an export is made of: one state of
// the site.
type Reader interface {
	// SiteConfig is the site without its accounts.
	SiteConfig(ctx context.Context) (policy.Site, error)
	// Terms are those of the domains that have these names, as their own or an alias, by
	// all of their names.
	Terms(ctx context.Context, names []string) (map[string]*policy.Terms, error)
	// Accounts are those that have one of the addresses, in the form of
	// settings.Address.Key, as their own or another one; each once, in any order. At
	// most [MaxKeys] are asked for at once.
	Accounts(ctx context.Context, keys []string) ([]policy.Account, error)
	// AllAccounts are the accounts of a domain (of all if it is ""), by their keys. An
	// error is the last that is yielded.
	AllAccounts(ctx context.Context, domain string) iter.Seq2[policy.Account, error]
}

// Target is one transaction: what was put is read back from it, and if it isn't
// brought to its end, nothing has happened.
type Target interface {
	Reader
	// PutAccounts stores checked accounts, each in the place of one with the same
	// primary address. At most [Batch] come at once.
	PutAccounts(ctx context.Context, accounts []policy.Account) error
	// PutSiteConfig stores checked providers, plans and domains in the place of all that
	// are there. Accounts stay.
	PutSiteConfig(ctx context.Context, config policy.Site) error
}

// How much a Target is asked at once.
const (
	Batch   = 500
	MaxKeys = 5000
)

// ErrRefused ends a transaction in which something was refused. What and where
// has been reported.
var ErrRefused = errors.New("refused")

// Refusal is something in a file that can't be imported.
type Refusal struct {
	Line  int    `json:"line,omitempty"`  // from 1; 0 if it isn't about a line
	Field string `json:"field,omitempty"` // column or key; "" for the whole line
	Text  string `json:"text"`            // what is wrong, and what to do
}

// String is the refusal as people read it behind a file's name.
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
