package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"time"

	"autoconfig/internal/admin"
	"autoconfig/internal/directory"
	"autoconfig/internal/server"
	"autoconfig/internal/staff"
	"autoconfig/internal/store"
)

// staffURL is where the help desk is reached: as configured, or on the private
// listener.
func (s settled) staffURL(l server.Listeners) *url.URL {
	if s.StaffURL.IsGiven() {
		return s.StaffURL.URL
	}
	return &url.URL{Scheme: "http", Host: l.Private.Addr().String()}
}

// identityProvider is that of the help desk, nil if there is none.
func (s settled) identityProvider() (*server.OIDC, error) {
	o := s.OIDC
	if o.Issuer == "" {
		return nil, nil
	}
	secret, err := os.ReadFile(s.path(o.ClientSecretFile))
	if err != nil {
		return nil, fmt.Errorf("oidc.client_secret_file: %w", err)
	}
	provider := &server.OIDC{
		Issuer: string(o.Issuer), ClientID: o.ClientID, ClientSecret: strings.TrimSpace(string(secret)),
		RoleClaim: o.RoleClaim, DomainClaim: o.DomainClaim, Roles: map[string]staff.Role{}, Domains: map[string][]string{},
		Audiences: o.Audiences,
	}
	for value, role := range o.Roles {
		provider.Roles[value] = staff.Role(role)
	}
	for value, domains := range o.Domains {
		provider.Domains[value] = domains
	}
	return provider, nil
}

// What the demo's help desk is entered by. It is in memory and on loopback.
const (
	demoName     = "demo"
	demoPassword = "demo-password"
	demoToken    = "autoconfig_demo" //nolint:gosec // printed for everybody to try
)

// fillDesk gives the demo somebody who can sign in, and a token.
func fillDesk(ctx context.Context, site *opened, desk *staff.Desk) error {
	_, p, err := desk.Add(ctx, admin.CommandLine(), demoName, staff.Admin, []string{staff.Everywhere})
	if err != nil {
		return err
	}
	if err := desk.SetPassword(ctx, admin.CommandLine(), p, demoPassword, nil); err != nil {
		return err
	}
	hash := sha256.Sum256([]byte(demoToken))
	return site.store.PutToken(ctx, hash[:], staff.Token{
		ID: "demo", Name: "demo", Scopes: staff.Scopes, Domains: []string{staff.Everywhere}, MadeBy: "demo", MadeAt: time.Now(), ExpiresAt: time.Now().AddDate(0, 0, 1),
	})
}

// tidyEvery is how often what is over is removed.
const tidyEvery = time.Hour

// keepTidy removes what has been kept long enough: at the start, and every hour.
func keepTidy(ctx context.Context, site *opened, clock *clock, logger *slog.Logger) error {
	tick := time.NewTicker(tidyEvery)
	defer tick.Stop()
	for {
		tidy(ctx, site, clock, logger)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// tidy removes nothing while the clock isn't believed: a year of the audit log would
// go at once.
func tidy(ctx context.Context, site *opened, clock *clock, logger *slog.Logger) {
	if clock.jump() != 0 {
		return
	}
	now := time.Now()
	ago := func(days int) time.Time { return now.AddDate(0, 0, -days) }
	keep := site.process.Retention
	if err := markGone(ctx, site, now); err != nil && ctx.Err() == nil {
		logger.Error("whether overridden accounts are still there can't be found out", "error", err)
	}
	err := site.store.Expire(ctx, store.Expiry{Links: ago(keep.Links), Audit: ago(keep.Audit), Overrides: ago(keep.Overrides)}, now)
	if err != nil && ctx.Err() == nil {
		logger.Error("what has been kept long enough can't be removed", "error", err)
	}
}

// markGone notes since when overridden accounts have been gone from every source;
// what can't be asked now stays as it is.
func markGone(ctx context.Context, site *opened, now time.Time) error {
	for o, err := range site.store.AllOverrides(ctx) {
		if err != nil {
			return err
		}
		entry, err := site.directory.Domain(ctx, o.Address.Domain())
		known := false
		if err == nil {
			var found directory.Found
			found, err = site.directory.Lookup(ctx, entry, o.Address)
			known = found.Known && found.Account.Address.Key() == o.Address.Key()
		}
		switch {
		case err != nil && !errors.Is(err, directory.ErrNotFound):
			continue // a source is down
		case known && !o.GoneAt.IsZero():
			err = site.store.MarkGone(ctx, o.Address.Key(), time.Time{})
		case !known && o.GoneAt.IsZero():
			err = site.store.MarkGone(ctx, o.Address.Key(), now)
		default:
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}
