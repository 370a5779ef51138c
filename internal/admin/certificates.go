package admin

import (
	"context"
	"errors"

	"autoconfig/internal/directory"
	"autoconfig/internal/lookup"
	"autoconfig/internal/staff"
)

// OrderCertificate makes a certificate due now, for a special name of a served domain or the service's
// own name, even if there is one or the last tries have failed. The running service orders it. Errors
// are [NotServed], or failures to find out.
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

// RevokeCertificate calls revoke, which revokes a certificate at the authority, and makes another one
// due.
func (a *Admin) RevokeCertificate(ctx context.Context, by staff.Actor, name string,
	revoke func(ctx context.Context) error,
) error {
	domain, err := a.certified(ctx, by, name)
	if err != nil {
		return err
	}
	if err := revoke(ctx); err != nil { // outside the transaction, as it contacts another server
		return err
	}
	return a.act(ctx, by, func(ctx context.Context) (staff.Entry, error) {
		return staff.Entry{Action: "certificate revoked", Subject: name, Domain: domain}, a.Store.OrderCertificate(ctx,
			a.now(), name, domain)
	})
}

// certified finds the domain of a name that may have a certificate; "" for the service's own name.
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
