package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"time"

	"autoconfig/internal/directory"
	"autoconfig/policy"
)

// namesEvery is how often a running service looks whether a list is too old.
const namesEvery = time.Minute

// lister brings the names of domains that sources list up to date.
func (app *application) lister(logger *slog.Logger) *directory.Lister {
	host, _ := os.Hostname()
	return &directory.Lister{
		Store: app.store, Sources: app.sources, Logger: logger, Holder: fmt.Sprintf("%s %d", host, os.Getpid()),
		HasPlan: func(ctx context.Context, plan string) (bool, error) {
			if plan == "" {
				return false, nil
			}
			_, err := app.store.PlanTerms(ctx, policy.Domain{Name: "plan.invalid", Plan: plan})
			if errors.Is(err, directory.ErrUnusable) {
				return false, nil
			}
			return err == nil, err
		},
	}
}

// keepNames reads the lists of the sources now and then.
func keepNames(ctx context.Context, app *application, logger *slog.Logger) error {
	if len(app.sources) == 0 {
		return nil
	}
	lister := app.lister(logger)
	tick := time.NewTicker(namesEvery)
	defer tick.Stop()
	failing := map[string]bool{}
	for {
		failed, err := lister.Freshen(ctx)
		if err != nil && ctx.Err() == nil {
			logger.Error("the lists of the sources' domains can't be kept", "error", err)
		}
		for _, s := range app.sources {
			if err := failed[s.Name]; err != nil && !failing[s.Name] && ctx.Err() == nil {
				logger.Warn("a source's domains can't be listed; the last list stays", "source", s.Name, "error", err)
			}
			failing[s.Name] = failed[s.Name] != nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// namesTime bounds how long a command waits for the lists of the sources.
const namesTime = time.Minute

// freshen brings the lists up to date for a command, where no service does, and says
// which of them are old.
func (app *application) freshen(c *call) error {
	if len(app.sources) == 0 || !app.hasSite() {
		return nil
	}
	ctx, cancel := context.WithTimeout(c, namesTime)
	defer cancel()
	failed, err := app.lister(slog.New(slog.DiscardHandler)).Freshen(ctx)
	if err != nil {
		return err
	}
	for _, s := range app.sources {
		if err := failed[s.Name]; err != nil {
			fmt.Fprintf(c.std.err, "warning: the domains of the source %s are as they were last known: %v\n", s.Name, err)
		}
	}
	return nil
}

// planOf is the plan of a listed name.
func (app *application) planOf(n directory.ListedName) string {
	i := slices.IndexFunc(app.sources, func(s directory.SourceOptions) bool { return s.Name == n.Source })
	if i < 0 || n.Domain.Plan != "" {
		return n.Domain.Plan
	}
	return app.sources[i].Plan
}

// listedTerms are those of a name that a source lists, as the list last was.
func (app *application) listedTerms(ctx context.Context, name string) (*policy.Terms, error) {
	n, err := app.store.ListedName(ctx, name)
	if err != nil {
		return nil, err
	}
	all, err := app.store.ListedTerms(ctx, []directory.ListedName{n}, app.planOf)
	if err == nil && all[name] == nil {
		err = directory.ErrNotFound
	}
	return all[name], err
}
