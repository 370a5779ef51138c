package store

import (
	"context"
	"strings"

	"autoconfig/policy"
)

// SearchAccounts finds up to limit accounts whose address or name contains the text, in any letter
// case, within domains (nil for all).
func (s *Store) SearchAccounts(
	ctx context.Context, text string, domains []string, limit int,
) ([]policy.Account, error) {
	pattern := anywhere(text)
	bound, args := among("domain", domains)
	// The inner query reads only an index, so that searching a million accounts is cheap.
	return documents[policy.Account](ctx, s.db, `SELECT a.document FROM
		(SELECT id FROM accounts WHERE search LIKE ? ESCAPE '!'`+bound+` ORDER BY search LIMIT ?) found
		JOIN accounts a ON a.id = found.id ORDER BY a.address`, // bound has question marks only
		append(append([]any{pattern}, args...), limit)...)
}

// anywhere is a pattern for LIKE ... ESCAPE '!' that matches lower-case texts that contain the text.
// In literals, no kind of database treats ! specially.
func anywhere(text string) string {
	return "%" + strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(strings.ToLower(text)) + "%"
}
