package store

import (
	"context"
	"strings"

	"autoconfig/policy"
)

// SearchAccounts finds at most limit accounts that have the text anywhere in
// their address or name, in any letter case, within domains (nil for all).
func (s *Store) SearchAccounts(
	ctx context.Context, text string, domains []string, limit int,
) ([]policy.Account, error) {
	pattern := anywhere(text)
	bound, args := among("domain", domains)
	// The inner part reads an index alone: of a million accounts, that is all that
	// must be gone through.
	return documents[policy.Account](ctx, s.db, `SELECT a.document FROM
		(SELECT id FROM accounts WHERE search LIKE ? ESCAPE '!'`+bound+` ORDER BY search LIMIT ?) found
		JOIN accounts a ON a.id = found.id ORDER BY a.address`, // bound has question marks only
		append(append([]any{pattern}, args...), limit)...)
}

// anywhere is a pattern for LIKE ... ESCAPE '!' that a text in lower case matches which has
// the text in it. The escape is none that a kind of database reads in a literal.
func anywhere(text string) string {
	return "%" + strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(strings.ToLower(text)) + "%"
}
