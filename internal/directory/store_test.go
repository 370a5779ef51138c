package directory_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"autoconfig/internal/directory"
	"autoconfig/policy"
	"autoconfig/settings"
)

// fakeStore is a site in memory whose faults a test chooses.
type fakeStore struct {
	mu         sync.Mutex
	site       policy.Site
	generation int64
	down       error
	overrides  map[string]policy.Override
	told       chan error
	// during runs in the middle of each look-up of an account.
	during func(context.Context)

	asked atomic.Int64
}

func newFakeStore(t testing.TB) *fakeStore {
	t.Helper()
	server := func(host string) policy.ServerList { return policy.ServerList{{Host: host}} }
	return &fakeStore{generation: 1, site: policy.Site{
		Domains: []policy.Domain{{Name: "example.com", Aliases: []string{"example.net"}, Offer: policy.Offer{
			Servers: policy.Servers{IMAP: server("imap.example.com"), POP3: server("pop.example.com"), SMTP: server("smtp.example.com")},
		}}},
		Accounts: []policy.Account{{Address: settings.MustAddress("office@example.com"), Protocol: settings.POP3}},
	}.Normalize()}
}

// set changes what is there, as another process would.
func (s *fakeStore) set(change func(*fakeStore)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
}

func (s *fakeStore) ask() (policy.Site, error) {
	s.asked.Add(1)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.site, s.down
}

func (s *fakeStore) Terms(_ context.Context, name string) (*policy.Terms, error) {
	site, err := s.ask()
	if err != nil {
		return nil, err
	}
	terms, ok := site.Terms(name)
	if !ok {
		return nil, directory.ErrNotFound
	}
	return terms, nil
}

func (s *fakeStore) Lookup(ctx context.Context, key string) (directory.Kept, error) {
	site, err := s.ask()
	if err != nil {
		return directory.Kept{}, err
	}
	if s.during != nil {
		s.during(ctx)
	}
	if ctx.Err() != nil {
		return directory.Kept{}, ctx.Err()
	}
	var kept directory.Kept
	for _, a := range site.Accounts {
		if a.Address.Key() == key || slices.ContainsFunc(a.Addresses, func(other settings.Address) bool { return other.Key() == key }) {
			kept.Account, kept.Known, key = a, true, a.Address.Key()
			break
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if o, found := s.overrides[key]; found {
		kept.Override = &o
	}
	return kept, nil
}

func (s *fakeStore) PlanTerms(_ context.Context, d policy.Domain) (*policy.Terms, error) {
	site, err := s.ask()
	if err != nil {
		return nil, err
	}
	for _, p := range site.Plans {
		if p.Name == d.Plan {
			return policy.TermsOf(site.ID, d, p, settings.Provider{}), nil
		}
	}
	return nil, fmt.Errorf("%w: there is no plan %q", directory.ErrUnusable, d.Plan)
}

func (s *fakeStore) SearchAccounts(_ context.Context, text string, domains []string, limit int) ([]policy.Account, error) {
	site, err := s.ask()
	var found []policy.Account
	for _, a := range site.Accounts {
		if strings.Contains(a.Address.Key(), text) && len(found) < limit && (domains == nil || slices.Contains(domains, a.Address.Domain())) {
			found = append(found, a)
		}
	}
	return found, err
}

// Listen tells of what is sent to s.told; without that it can't.
func (s *fakeStore) Listen(ctx context.Context, heard func()) error {
	if s.told == nil {
		return nil
	}
	heard()
	for {
		select {
		case err := <-s.told:
			if err != nil {
				return err
			}
			heard()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *fakeStore) LookupDigest(ctx context.Context, _, digest string) (directory.Kept, error) {
	return s.Lookup(ctx, digest) // the fake's digest of an address is its key
}

func (s *fakeStore) HasOwn(_ context.Context, domain string) (bool, error) {
	site, err := s.ask()
	for _, a := range site.Accounts {
		if a.Address.Domain() == domain && a.Protocol != "" {
			return true, err
		}
	}
	return false, err
}

func (s *fakeStore) Document(_ context.Context, name string) ([]byte, error) {
	if _, err := s.ask(); err != nil {
		return nil, err
	}
	if name != "example.com" {
		return nil, directory.ErrNotFound
	}
	return []byte("document"), nil
}

func (s *fakeStore) Generation(context.Context) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.generation, s.down
}
