package store

import (
	"context"
	"crypto/md5" // Evolution sends the MD5 of the address; nothing is secured by it
	"errors"
	"fmt"
	"slices"
	"strings"

	"autoconfig/internal/database"
	"autoconfig/internal/directory"
	"autoconfig/policy"
	"autoconfig/settings"
)

// batch inserts rows of a table, many with one statement.
type batch struct {
	kind    database.Kind
	table   string
	columns []string
	ignore  bool // skips existing rows
	args    []any
}

// batchRows is the number of rows per statement. All databases allow more than 30,000 values in one.
const batchRows = 500

func (b *batch) add(ctx context.Context, tx database.Queryer, values ...any) error {
	b.args = append(b.args, values...)
	if len(b.args) < batchRows*len(b.columns) {
		return nil
	}
	return b.flush(ctx, tx)
}

func (b *batch) flush(ctx context.Context, tx database.Queryer) error {
	if len(b.args) == 0 {
		return nil
	}
	args := b.args
	b.args = b.args[:0]
	_, err := tx.ExecContext(ctx, b.kind.Insert(b.table, b.columns, len(args)/len(b.columns), b.ignore), args...)
	if database.IsTaken(err) {
		return fmt.Errorf("%s is %w", b.culprit(args), ErrExists)
	}
	return err
}

// culprit names what can't be inserted: the only row, or a duplicate. The databases' errors have no
// common form.
func (b *batch) culprit(args []any) string {
	first := fmt.Sprint(args[0])
	if b.table == "accounts" {
		first = fmt.Sprint(args[1])
	}
	seen := map[string]bool{}
	for i := 0; i < len(args); i += len(b.columns) {
		key := fmt.Sprint(args[i])
		if seen[key] {
			return key
		}
		seen[key] = true
	}
	if len(seen) == 1 {
		return first
	}
	return fmt.Sprintf("one of the %d %s that begin with %s", len(seen), strings.ReplaceAll(b.table, "_", " "), first)
}

// writer writes accounts in one transaction.
type writer struct {
	tx                           database.Queryer
	next                         int64 // the next account's id; changes are serialised
	accounts, addresses, digests *batch
}

func (s *Store) newWriter(ctx context.Context, tx database.Queryer) (*writer, error) {
	w := &writer{
		tx: tx,
		accounts: &batch{
			kind: s.db.Kind, table: "accounts",
			columns: []string{"id", "address", "domain", "own", "search", "document"},
		},
		addresses: &batch{kind: s.db.Kind, table: "addresses", columns: []string{"address", "account"}},
		digests:   &batch{kind: s.db.Kind, table: "digests", columns: []string{"digest", "account"}, ignore: true},
	}
	return w, tx.QueryRowContext(ctx, `SELECT COALESCE(MAX(id), 0) + 1 FROM accounts`).Scan(&w.next)
}

// put inserts a new account, whose domain has these names.
func (w *writer) put(ctx context.Context, a policy.Account, names []string) error {
	own := 0
	if hasOwn(a) {
		own = 1
	}
	id := w.next
	w.next++
	if err := w.accounts.add(ctx, w.tx, id, a.Address.Key(), a.Address.Domain(), own, searchText(a),
		encode(a)); err != nil {
		return err
	}
	for _, address := range append([]settings.Address{a.Address}, a.Addresses...) {
		if err := w.addresses.add(ctx, w.tx, address.Key(), id); err != nil {
			return err
		}
		for _, name := range names {
			for _, digest := range digests(address, name) {
				if err := w.digests.add(ctx, w.tx, digest, id); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// flush inserts the buffered rows.
func (w *writer) flush(ctx context.Context) error {
	for _, b := range []*batch{w.accounts, w.addresses, w.digests} {
		if err := b.flush(ctx, w.tx); err != nil {
			return err
		}
	}
	return nil
}

// hasOwn reports whether an account differs from the domain's default.
func hasOwn(a policy.Account) bool { return a.Protocol != "" || a.Login != "" || len(a.Addresses) > 0 }

// searchMost bounds the searchable text of an account, in bytes, as indexes bound their rows.
const searchMost = 1000

// searchText is the text that a search looks in.
func searchText(a policy.Account) string {
	text := strings.ToLower(a.Address.Key() + "\n" + a.Name)
	if len(text) > searchMost {
		text = strings.ToValidUTF8(text[:searchMost], "")
	}
	return text
}

func namesOf(d policy.Domain) []string { return append([]string{d.Name}, d.Aliases...) }

func providerID(p settings.Provider) string { return p.ID }

func planName(p policy.Plan) string { return p.Name }

// digests are the MD5s of an address in a domain, for each way to type the domain.
func digests(a settings.Address, domain string) [][]byte {
	var all [][]byte
	for _, name := range slices.Compact([]string{domain, settings.UnicodeDomain(domain)}) {
		sum := md5.Sum([]byte(strings.ToLower(a.Local() + "@" + name)))
		all = append(all, sum[:])
	}
	return all
}

// taken turns the violation of a unique key into ErrExists.
func taken(err error, what string) error {
	if database.IsTaken(err) {
		return fmt.Errorf("%s is %w", what, ErrExists)
	}
	return err
}

func isNotFound(err error) bool { return errors.Is(err, directory.ErrNotFound) }
