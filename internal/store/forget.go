package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"autoconfig/internal/database"
	"autoconfig/internal/links"
	"autoconfig/internal/webhook"
	"autoconfig/policy"
	"autoconfig/settings"
)

// Written returns the addresses in links, messages and the audit log of a domain, by its primary
// name; each once, in no particular order. Duplicates are removed here, because MySQL's DISTINCT
// ignores accents.
func (s *Store) Written(ctx context.Context, domain string) ([]settings.Address, error) {
	var all []settings.Address
	seen := map[settings.Address]bool{}
	for _, query := range []string{
		`SELECT address FROM links WHERE domain = ?`,
		`SELECT subject FROM audit WHERE domain = ?`,
		`SELECT address FROM messages WHERE domain = ?`,
	} {
		rows, err := s.db.QueryContext(ctx, query, domain)
		if err != nil {
			return nil, err
		}
		_, err = scanAll(rows, func(row scanner) (none struct{}, err error) {
			var text string
			err = row.Scan(&text)
			if a, wrong := settings.ParseAddress(text); wrong == nil && !seen[a] {
				seen[a] = true
				all = append(all, a)
			}
			return none, err
		})
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(all, func(a, b settings.Address) int { return cmp.Compare(a.String(), b.String()) })
	return all, nil
}

// Forget replaces a mailbox's addresses by a pseudonym wherever links and the audit log name them,
// revokes its links, and removes what else is kept about it: overrides, events of its links,
// notes and check results that name it. It returns the number of rows. The account itself stays.
// tell stores notices of the links that it revokes.
func (s *Store) Forget(
	ctx context.Context, who policy.Forms, pseudonym string, now time.Time, tell bool,
) (found int64, err error) {
	// Concurrent uses and entries lock the same rows in another order.
	err = s.Together(ctx, func(ctx context.Context) error {
		found = 0
		return s.change(ctx, func(tx database.Queryer) (bool, error) {
			f := forgetting{tx, who, pseudonym, now, tell}
			for _, step := range []func(context.Context) (int64, error){
				f.links, f.messages, f.notes, f.entries, f.details, f.checks,
			} {
				n, err := step(ctx)
				if err != nil {
					return false, err
				}
				found += n
			}
			overridden, err := f.overrides(ctx)
			found += overridden
			return overridden > 0, err
		})
	})
	return found, err
}

// forgetting is a mailbox that is being forgotten. Texts are compared here, because the databases
// have rules of their own for letter case, and none for quotes and tags.
type forgetting struct {
	tx        database.Queryer
	who       policy.Forms
	pseudonym string
	now       time.Time
	tell      bool
}

// named reports whether a text is or contains one of the addresses.
func (f forgetting) named(text string) bool {
	if a, err := settings.ParseAddress(text); err == nil {
		return f.who.Has(a)
	}
	return f.who.In(text)
}

// rowsWith returns the keys of the rows with a text that matches.
func rowsWith[K any](ctx context.Context, f forgetting, query string, matches func(string) bool) ([]K, error) {
	rows, err := f.tx.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var keys []K
	for rows.Next() {
		var key K
		var text string
		if err := rows.Scan(&key, &text); err != nil {
			return nil, err
		}
		if matches(text) {
			keys = append(keys, key)
		}
	}
	return keys, rows.Err()
}

// each runs a statement that ends in a list of keys for these keys.
func each[K any](ctx context.Context, f forgetting, keys []K, statement string, args ...any) (found int64, err error) {
	for part := range slices.Chunk(keys, batchRows) {
		var result sql.Result
		result, err = f.tx.ExecContext(ctx, fmt.Sprintf("%s (%s)", statement, database.Marks(len(part))),
			append(slices.Clone(args), arguments(part)...)...)
		if err != nil {
			return found, err
		}
		n, err := result.RowsAffected()
		if err != nil {
			return found, err
		}
		found += n
	}
	return found, nil
}

// links revokes the mailbox's links, and removes their events and notices, which tell of its devices and days.
func (f forgetting) links(ctx context.Context) (int64, error) {
	ids, err := rowsWith[string](ctx, f, `SELECT id, address FROM links`, f.named)
	if err != nil {
		return 0, err
	}
	for _, statement := range []string{`DELETE FROM link_events WHERE link IN`, `DELETE FROM link_notices WHERE link IN`} {
		if _, err := each(ctx, f, ids, statement); err != nil {
			return 0, err
		}
	}
	if f.tell {
		if err := f.noticeEnds(ctx, ids); err != nil {
			return 0, err
		}
	}
	return each(ctx, f, ids, `UPDATE links SET address = ?, address_key = ?, note = '', ordered = NULL,
		revoked_by = CASE WHEN revoked_at = 0 THEN 'forgotten' ELSE revoked_by END,
		revoked_at = CASE WHEN revoked_at = 0 THEN ? ELSE revoked_at END WHERE id IN`, f.pseudonym, f.pseudonym, unix(f.now))
}

// noticeEnds stores notices of the links that are about to be revoked.
func (f forgetting) noticeEnds(ctx context.Context, ids []string) error {
	now := unix(f.now)
	_, err := each(ctx, f, ids, `INSERT INTO link_notices (`+noticeColumns+`, holder, held_until)
		SELECT id, ?, 1, domain, ?, ?, 0, ?, 0, '', '', 0 FROM links WHERE revoked_at = 0 AND id IN`,
		string(links.NoticeRevoked), now, string(webhook.Queued), now)
	return err
}

// messages removes the messages about the mailbox and to it, including queued ones.
func (f forgetting) messages(ctx context.Context) (int64, error) {
	about, err := rowsWith[string](ctx, f, `SELECT id, address FROM messages`, f.named)
	if err != nil {
		return 0, err
	}
	to, err := rowsWith[string](ctx, f, `SELECT id, recipient FROM messages`, f.named)
	if err != nil {
		return 0, err
	}
	all := slices.Compact(slices.Sorted(slices.Values(append(about, to...))))
	return each(ctx, f, all, `DELETE FROM messages WHERE id IN`)
}

// notes empties the notes of other links and overrides that name the mailbox.
func (f forgetting) notes(ctx context.Context) (int64, error) {
	ids, err := rowsWith[string](ctx, f, `SELECT id, note FROM links WHERE note <> ''`, f.who.In)
	if err != nil {
		return 0, err
	}
	of, err := each(ctx, f, ids, `UPDATE links SET note = '', ordered = NULL WHERE id IN`)
	if err != nil {
		return 0, err
	}
	keys, err := rowsWith[string](ctx, f, `SELECT address, note FROM overrides WHERE note <> ''`, f.who.In)
	if err != nil {
		return 0, err
	}
	over, err := each(ctx, f, keys, `UPDATE overrides SET note = '' WHERE address IN`)
	return of + over, err
}

func (f forgetting) entries(ctx context.Context) (int64, error) {
	ids, err := rowsWith[int64](ctx, f, `SELECT id, subject FROM audit WHERE subject LIKE '%@%'`, f.named)
	if err != nil {
		return 0, err
	}
	return each(ctx, f, ids, `UPDATE audit SET subject = ?, detail = '' WHERE id IN`, f.pseudonym)
}

func (f forgetting) details(ctx context.Context) (int64, error) {
	ids, err := rowsWith[int64](ctx, f, `SELECT id, detail FROM audit WHERE detail LIKE '%@%'`, f.who.In)
	if err != nil {
		return 0, err
	}
	return each(ctx, f, ids, `UPDATE audit SET detail = '' WHERE id IN`)
}

// checks removes results that name the mailbox; they are made again when they are due.
func (f forgetting) checks(ctx context.Context) (int64, error) {
	names, err := rowsWith[string](ctx, f, `SELECT name, report FROM checks WHERE report LIKE '%@%'`, f.who.In)
	if err != nil {
		return 0, err
	}
	return each(ctx, f, names, `DELETE FROM checks WHERE name IN`)
}

func (f forgetting) overrides(ctx context.Context) (int64, error) {
	keys, err := rowsWith[string](ctx, f, `SELECT address, address FROM overrides`, f.named)
	if err != nil {
		return 0, err
	}
	return each(ctx, f, keys, `DELETE FROM overrides WHERE address IN`)
}

// Scrub removes changed and deleted content from the files too, if they are ours: SQLite leaves old
// bytes in its pages and its log. It blocks other changes. A server's files, logs and backups are
// the operator's business.
func (s *Store) Scrub(ctx context.Context) error {
	if s.db.Kind != database.SQLite || s.db.Folder == "" {
		return nil
	}
	if _, err := s.db.ExecContext(ctx, `VACUUM`); err != nil {
		return err
	}
	var busy, pages, done int
	if err := s.db.QueryRowContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &pages, &done); err != nil {
		return err
	}
	if busy != 0 {
		return errors.New("somebody has been reading the database for long: the log beside it may still have what was " +
			"forgotten; try again")
	}
	return nil
}
