package admin

import (
	"context"
	"errors"

	"autoconfig/internal/directory"
	"autoconfig/internal/lookup"
	"autoconfig/internal/staff"
)

// OrderCertificate has a certificate ordered now for a special name of a served domain,
// or for the service's own name: also where there is one, or where the last tries have
// failed. The running service orders it. An error is [NotServed], or why nobody can say.
func (a *Admin) OrderCertificate(ctx context.Context, by staff.Actor, name string) error {
	domain, err := a.certified(ctx, by, name)
	if err != nil {
		return err
	}
	return a.act(ctx, by, func(ctx context.Context) (staff.Entry, error) {
		return staff.Entry{Action: "certificate ordered", Subject: name, Domain: domain}, a.Store.OrderCertificate(ctx,
			a.now(), name, domain)
	})
}

// RevokeCertificate lets revoke tell the authority that a certificate is not to be
// trusted any more, and has another one ordered.
func (a *Admin) RevokeCertificate(ctx context.Context, by staff.Actor, name string,
	revoke func(ctx context.Context) error,
) error {
	domain, err := a.certified(ctx, by, name)
	if err != nil {
		return err
	}
	if err := revoke(ctx); err != nil { // not within a transaction: it asks another server
		return err
	}
	return a.act(ctx, by, func(ctx context.Context) (staff.Entry, error) {
		return staff.Entry{Action: "certificate revoked", Subject: name, Domain: domain}, a.Store.OrderCertificate(ctx,
			a.now(), name, domain)
	})
}

// certified finds the domain of a name that may have a certificate, "" for the service's
// own.
func (a *Admin) certified(ctx context.Context, by staff.Actor, name string) (domain string, err error) {
	if a.PublicURL != nil && name == a.PublicURL.Hostname() && by.Admin {
		return "", nil
	}
	entry, err := (&lookup.Lookup{Directory: a.Directory}).SpecialDomain(ctx, name)
	switch {
	case err == nil && !by.Serves(entry.Terms.Name), errors.Is(err, directory.ErrNotFound):
		return "", Refusal{
			directory.ErrNotFound,
			name + " is not a name for which this service has certificates: those are autoconfig.DOMAIN, " +
				"autodiscover.DOMAIN and ua-auto-config.DOMAIN of a served domain",
		}
	case err != nil:
		return "", err
	}
	return entry.Terms.Name, nil
}
