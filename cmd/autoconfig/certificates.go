package main

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"

	"autoconfig/internal/certificates"
	"autoconfig/internal/config"
	"autoconfig/internal/directory"
	"autoconfig/internal/doctor/probe"
	names "autoconfig/internal/lookup"
	"autoconfig/internal/store"
)

// stagingDirectory is Let's Encrypt's server for trying things out.
const stagingDirectory = "https://acme-staging-v02.api.letsencrypt.org/directory"

// keeperBasis is what getting certificates stands on.
type keeperBasis struct {
	store  *store.Store
	secret []byte
	own    []string // the service's own names
	logger *slog.Logger
}

// newKeeper is what gets certificates, or nil in another mode.
func newKeeper(basis keeperBasis, process configuration, found *directory.Directory) (*certificates.Keeper, error) {
	if process.TLS.Effective() != config.TLSACME {
		return nil, nil
	}
	a := process.ACME
	o := certificates.Options{
		Store: basis.store, Secret: basis.secret, Own: basis.own, Labels: names.SpecialNames,
		Served:    servedName(found),
		Directory: string(a.Directory), Agreed: a.AgreeToTerms, Contact: a.Contact, PerHour: a.OrdersPerHour,
		Challenges: challengesOf(process), Holder: holder(), UserAgent: "autoconfig/" + version, Logger: basis.logger,
	}
	if a.Staging {
		o.Directory = stagingDirectory
	}
	var err error
	if o.External, err = process.externalAccount(); err != nil {
		return nil, err
	}
	if a.CA != "" {
		text, err := os.ReadFile(process.path(a.CA))
		if err != nil {
			return nil, fmt.Errorf("acme.ca: %w", err)
		}
		if o.Roots = x509.NewCertPool(); !o.Roots.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("acme.ca: %s has no certificate (PEM, BEGIN CERTIFICATE)", process.path(a.CA))
		}
	}
	if a.CheckDNS {
		resolver, err := resolverFlag{}.resolver(process)
		if err != nil {
			return nil, fmt.Errorf("acme: %w; or turn it off: acme: {check_dns: false}", err)
		}
		here := &here{resolver: resolver, addresses: a.Addresses, own: process.PublicURL.Hostname()}
		o.LeadsHere = here.leads
	}
	return certificates.New(o)
}

// ownNames are those of the service itself, which need certificates too. Addresses have
// none.
func (s configuration) ownNames() (own []string) {
	for _, host := range slices.Sorted(maps.Values(s.ownHosts())) {
		if _, err := netip.ParseAddr(host); err != nil && !slices.Contains(own, strings.ToLower(host)) {
			own = append(own, strings.ToLower(host))
		}
	}
	return own
}

// ownHosts are the hosts of the service's own URLs, by their keys.
func (s configuration) ownHosts() map[string]string {
	hosts := map[string]string{"public_url": s.PublicURL.Hostname()}
	if s.StaffListen.IsGiven() && s.StaffURL.IsGiven() {
		hosts["staff_url"] = s.StaffURL.Hostname()
	}
	return hosts
}

// servedName finds the domain whose special name a name is.
func servedName(found *directory.Directory) func(context.Context, string) (string, error) {
	all := &names.Lookup{Directory: found}
	return func(ctx context.Context, name string) (string, error) {
		entry, err := all.SpecialDomain(ctx, name)
		if errors.Is(err, directory.ErrNotFound) {
			return "", certificates.ErrNotServed
		} else if err != nil {
			return "", err
		}
		return entry.Terms.Name, nil
	}
}

// challengesOf are the configured ones, or what the listeners allow.
func challengesOf(process configuration) (kinds []string) {
	if len(process.ACME.Challenges) == 0 {
		kinds = []string{string(config.ChallengeTLSALPN)}
		if process.HTTPListen.IsGiven() {
			kinds = append(kinds, string(config.ChallengeHTTP))
		}
	}
	for _, c := range process.ACME.Challenges {
		kinds = append(kinds, string(c))
	}
	return kinds
}

// externalAccount is the account that the authority knows already; the zero one if none
// is configured.
func (s configuration) externalAccount() (certificates.External, error) {
	e := s.ACME.External
	if e.KeyID == "" {
		return certificates.External{}, nil
	}
	key, err := config.ReadFirstLine(s.path(e.KeyFile))
	if err != nil {
		return certificates.External{}, fmt.Errorf("acme.external_account.key_file: %w", err)
	}
	key = strings.TrimRight(strings.TrimSpace(key), "=")
	if _, err := base64.RawURLEncoding.DecodeString(key); err != nil {
		return certificates.External{}, fmt.Errorf(
			"acme.external_account.key_file: the key in %s isn't base64url, as authorities give it", s.path(e.KeyFile))
	}
	return certificates.External{KeyID: e.KeyID, MACKey: key}, nil
}

// here knows which addresses lead to this service.
type here struct {
	resolver  *probe.Resolver
	addresses []config.IPAddress
	own       string // the host of public_url, where other names may lead as well
	machine   func() ([]net.Addr, error)
}

// leads tells why a name doesn't lead here. All of its addresses must: an authority may
// come by any of them.
func (h *here) leads(ctx context.Context, name string) error {
	found, answer, err := h.resolver.Addresses(ctx, name)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return fmt.Errorf("%s%s", name, answer.Lack())
	}
	known, err := h.known(ctx)
	if err != nil {
		return err
	}
	for _, ip := range found {
		if !slices.Contains(known, ip.Unmap()) {
			return fmt.Errorf("%s leads to %s, and not to this service (%s)", name, ip, texts(known))
		}
	}
	return nil
}

// known are the configured addresses, or those of this machine and of public_url.
func (h *here) known(ctx context.Context) (all []netip.Addr, err error) {
	for _, a := range h.addresses {
		all = append(all, a.Unmap())
	}
	if len(all) > 0 {
		return all, nil
	}
	machine := h.machine
	if machine == nil {
		machine = net.InterfaceAddrs
	}
	interfaces, err := machine()
	if err != nil {
		return nil, err
	}
	for _, i := range interfaces {
		if prefix, err := netip.ParsePrefix(i.String()); err == nil && prefix.Addr().IsGlobalUnicast() {
			all = append(all, prefix.Addr().Unmap())
		}
	}
	if _, err := netip.ParseAddr(h.own); err != nil {
		public, _, err := h.resolver.Addresses(ctx, h.own)
		if err != nil {
			return nil, err
		}
		for _, ip := range public {
			all = append(all, ip.Unmap())
		}
	}
	return all, nil
}

// texts are at most five of the addresses.
func texts(all []netip.Addr) string {
	var list []string
	for _, a := range all[:min(5, len(all))] {
		list = append(list, a.String())
	}
	return strings.Join(list, ", ")
}
