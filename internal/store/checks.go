package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"autoconfig/internal/database"
	"autoconfig/internal/directory"
	"autoconfig/internal/doctor"
)

// TakeLease takes or renews a lease until a time, and reports whether the holder has it. One that
// lasts more than twice as long was taken by a wrong clock, and is ignored.
func (s *Store) TakeLease(ctx context.Context, name, holder string, now, until time.Time) (bool, error) {
	taken, err := s.changesOne(ctx, `UPDATE leases SET holder = ?, until = ? WHERE name = ? `+
		`AND (holder = ? OR until < ? OR until > ?)`,
		holder, until.Unix(), name, holder, now.Unix(), now.Add(2*until.Sub(now)+time.Minute).Unix())
	if err != nil || taken {
		return taken, err
	}
	// Somebody has it, or nobody ever had: if two insert it, one is refused.
	_, err = s.db.ExecContext(ctx, `INSERT INTO leases (name, holder, until) VALUES (?, ?, ?)`,
		name, holder, until.Unix())
	if database.IsTaken(err) {
		return false, nil
	}
	return err == nil, err
}

// clockSkew is the greatest expected difference between the clocks of replicas.
const clockSkew = 10 * time.Minute

// DueChecks returns up to limit names that are due, those never checked first. A check in the
// future was made by a wrong clock, and is due.
func (s *Store) DueChecks(ctx context.Context, now time.Time, limit int) ([]string, error) {
	type due struct {
		name string
		at   int64
	}
	var all []due
	for _, names := range []string{`domain_names n`, `source_names n`} {
		rows, err := s.db.QueryContext(ctx, `SELECT n.name, COALESCE(c.due_at, 0) FROM `+names+`
			LEFT JOIN checks c ON c.name = n.name
			WHERE c.due_at IS NULL OR c.due_at <= ? OR c.checked_at > ? ORDER BY COALESCE(c.due_at, 0), n.name LIMIT ?`,
			now.Unix(), now.Add(clockSkew).Unix(), limit)
		if err != nil {
			return nil, err
		}
		some, err := scanAll(rows, func(row scanner) (d due, err error) { return d, row.Scan(&d.name, &d.at) })
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	slices.SortFunc(all, func(a, b due) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.name, b.name)) })
	all = slices.Compact(all) // a name may be both ours and a source's
	var names []string
	for _, d := range all[:min(limit, len(all))] {
		names = append(names, d.name)
	}
	return names, nil
}

// OrderCheck makes the check of a name due now. One that was never made is due anyway.
func (s *Store) OrderCheck(ctx context.Context, name string, now time.Time) error {
	_, err := s.db.ExecContext(ctx, `UPDATE checks SET due_at = ? WHERE name = ?`, now.Unix(), name)
	return err
}

// PutCheck replaces the last result. Results aren't served, so caches stay valid.
func (s *Store) PutCheck(ctx context.Context, r doctor.Result) error {
	_, err := s.db.ExecContext(ctx, s.db.Kind.Upsert("checks", []string{"name"},
		[]string{"checked_at", "due_at", "failures", "report"}),
		r.Report.Domain, r.CheckedAt.Unix(), r.DueAt.Unix(), r.Failures, encode(r.Report))
	return err
}

// Check returns a name's last result, or [directory.ErrNotFound].
func (s *Store) Check(ctx context.Context, name string) (doctor.Result, error) {
	r, err := readCheck(s.db.QueryRowContext(ctx, `SELECT `+checkColumns+` FROM checks WHERE name = ?`, name))
	if errors.Is(err, sql.ErrNoRows) {
		err = directory.ErrNotFound
	}
	return r, err
}

// Checks returns up to limit last results after the given name, in order: those of domains, by
// their primary names, or all if it is nil.
func (s *Store) Checks(ctx context.Context, domains []string, after string, limit int) ([]doctor.Result, error) {
	bound, args := among("domain", domains)
	rows, err := s.db.QueryContext(ctx, `SELECT `+checkColumns+` FROM checks
		WHERE name > ? AND (name IN (SELECT name FROM domain_names WHERE 1 = 1`+bound+`)
			OR name IN (SELECT name FROM source_names WHERE 1 = 1`+bound+`)) ORDER BY name LIMIT ?`,
		append(slices.Concat([]any{after}, args, args), limit)...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var all []doctor.Result
	for rows.Next() {
		r, err := readCheck(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, rows.Err()
}

// checkColumns are the columns for readCheck. A name that is both ours and a source's is ours.
const checkColumns = `checked_at, due_at, failures, report, CASE WHEN name IN (SELECT name FROM domain_names) THEN ''
	ELSE COALESCE((SELECT s.source FROM source_names s WHERE s.name = checks.name), '') END`

func readCheck(row interface{ Scan(...any) error }) (doctor.Result, error) {
	var r doctor.Result
	var checked, due int64
	var text []byte
	if err := row.Scan(&checked, &due, &r.Failures, &text, &r.Source); err != nil {
		return r, err
	}
	r.CheckedAt, r.DueAt = time.Unix(checked, 0).UTC(), time.Unix(due, 0).UTC()
	return r, json.Unmarshal(text, &r.Report)
}
