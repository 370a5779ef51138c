package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"autoconfig/internal/directory"
	"autoconfig/internal/store"
	"autoconfig/settings"
)

// tidyEvery is how often what is over is removed.
const tidyEvery = time.Hour

// keepTidy removes what has been kept long enough: at the start, and every hour.
func keepTidy(ctx context.Context, app *application, clock *clock, logger *slog.Logger) error {
	tick := time.NewTicker(tidyEvery)
	defer tick.Stop()
	for {
		tidy(ctx, app, clock, logger)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// tidy removes nothing while the clock isn't believed: a year of the audit log would
// go at once.
func tidy(ctx context.Context, app *application, clock *clock, logger *slog.Logger) {
	if clock.jump() != 0 {
		return
	}
	now := time.Now()
	ago := func(days int) time.Time { return now.AddDate(0, 0, -days) }
	keep := app.process.Retention
	if err := markGone(ctx, app, now); err != nil && ctx.Err() == nil {
		logger.Error("whether overridden accounts are still there can't be found out", "error", err)
	}
	err := app.store.Expire(ctx, store.Expiry{Links: ago(keep.Links), Audit: ago(keep.Audit), Overrides: ago(keep.Overrides)}, now)
	if err != nil && ctx.Err() == nil {
		logger.Error("what has been kept long enough can't be removed", "error", err)
	}
}

// markGone notes since when overridden accounts have been gone from every source;
// what can't be asked now stays as it is.
func markGone(ctx context.Context, app *application, now time.Time) error {
	for o, err := range app.store.AllOverrides(ctx) {
		if err != nil {
			return err
		}
		known, err := app.isKnown(ctx, o.Address)
		if err != nil || known == o.GoneAt.IsZero() { // a source is down, or it is as it was
			continue
		}
		since := now
		if known {
			since = time.Time{}
		}
		if err := app.store.MarkGone(ctx, o.Address.Key(), since); err != nil {
			return err
		}
	}
	return nil
}

// isKnown tells whether there is an account with the address as its own.
func (app *application) isKnown(ctx context.Context, address settings.Address) (bool, error) {
	entry, err := app.directory.Domain(ctx, address.Domain())
	var found directory.Found
	if err == nil {
		found, err = app.directory.Lookup(ctx, entry, address)
	}
	if errors.Is(err, directory.ErrNotFound) {
		return false, nil
	}
	return found.Known && found.Account.Address.Key() == address.Key(), err
}
