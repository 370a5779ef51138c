package main

import (
	"bytes"
	"context"
	"errors"

	"autoconfig/internal/admin"
	"autoconfig/internal/api"
	"autoconfig/internal/migrate"
	"autoconfig/internal/staff"
	"autoconfig/policy"
)

// servedReader is the store as an import of somebody reads it who doesn't serve all.
type servedReader struct {
	importReader
	by staff.Actor
}

// Terms are those of the domains that the actor serves: the others aren't there.
func (s servedReader) Terms(ctx context.Context, names []string) (map[string]*policy.Terms, error) {
	all, err := s.importReader.Terms(ctx, names)
	for name, terms := range all {
		if !s.by.Serves(terms.Name) {
			delete(all, name)
		}
	}
	return all, err
}

// importLines adds and changes the accounts of JSON lines, as the command does: all of
// them or none.
func (app *application) importLines(
	ctx context.Context, acts *admin.Admin, by staff.Actor, lines []byte, dryRun bool,
) (done api.Imported, err error) {
	work := migrate.AccountImport{
		Format: migrate.JSONL,
		Refused: func(r migrate.Refusal) {
			if len(done.Refused) < shown {
				done.Refused = append(done.Refused, api.RefusedLine{Line: r.Line, Field: r.Field, Text: r.Text})
			}
		},
		Changed: func(*policy.Account, policy.Account, *policy.Terms) {}, Read: func(int) {},
	}
	counts, err := work.Judge(ctx, servedReader{importReader{app.store}, by}, bytes.NewReader(lines))
	if err != nil {
		return done, err
	}
	if len(done.Refused) == 0 && !dryRun && !counts.Empty() {
		err = acts.ImportAccounts(ctx, by, func(ctx context.Context) (admin.Imported, error) {
			err := app.bulk(ctx, func(to migrate.Target) error {
				written, err := work.Write(ctx, to, bytes.NewReader(lines))
				if err == nil {
					counts = written
				}
				return err
			})
			return admin.Imported{Added: counts.Added, Changed: counts.Changed}, err
		})
		done.Applied = err == nil
		if errors.Is(err, migrate.ErrRefused) {
			err = admin.ErrMeanwhile
		}
	}
	done.Lines, done.Added, done.Changed, done.Same = counts.Lines, counts.Added, counts.Changed, counts.Same
	return done, err
}
