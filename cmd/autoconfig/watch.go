package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"autoconfig/internal/doctor"
)

// newWatcher checks the site's domains on the schedule of the configuration; nil if
// they aren't to be checked.
func newWatcher(c *call, app *application, logger *slog.Logger) (*doctor.Watcher, error) {
	check := app.process.Check
	if check.Every == 0 {
		return nil, nil
	}
	prober, err := newProber(app.process, resolverFlag{}, false, nil)
	if err != nil {
		return nil, fmt.Errorf("%w; or turn checks off: check: {every: \"0\"}", err)
	}
	hook, err := newWebhook(app)
	if err != nil {
		return nil, err
	}
	return &doctor.Watcher{
		Results: app.store, Checker: &doctor.Checker{Prober: *prober}, Every: check.Every, Logger: logger,
		Holder: holder(),
		Plan: func(ctx context.Context, name string) (*doctor.Plan, error) {
			plan, err := app.plan(&call{Context: ctx, std: c.std}, name)
			return &plan, err
		},
		Changed: func(ctx context.Context, before, after doctor.Result) {
			logger.Warn("a domain's state has changed", "domain", after.Report.Domain, "before", before.Report.State(), "after", after.Report.State())
			if hook == nil {
				return
			}
			if err := hook.Send(ctx, before, after); err != nil {
				logger.Error("the webhook wasn't told", "domain", after.Report.Domain, "error", err)
			}
		},
	}, nil
}

// holder names this process among the replicas.
func holder() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%s %d", host, os.Getpid())
}

func newWebhook(app *application) (*doctor.Webhook, error) {
	endpoint, err := app.process.endpoint("check.webhook", app.process.Check.Webhook)
	if endpoint == nil {
		return nil, err
	}
	return &doctor.Webhook{Endpoint: *endpoint}, nil
}
