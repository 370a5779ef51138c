package server

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"autoconfig/autodiscover"
	"autoconfig/internal/directory"
	"autoconfig/pacc"
	"autoconfig/settings"
	"autoconfig/thunderbird"
)

// answer is a domain's entry in the directory and what is to be said.
type answer struct {
	entry    *directory.Entry
	settings settings.Settings
	// asked is the domain that was asked for: another one than entry where an alias
	// leads to a mailbox elsewhere. Programs that send no address get its default.
	asked *directory.Entry
	// host is the served special name by which the domain was found, made from our
	// own words and the directory's, never from bytes of the request; "" where an
	// address found it.
	host string
}

// forAddress finds what anybody may know of an address. An address that isn't
// known goes the same way as one that is and has nothing of its own.
func (s *Server) forAddress(ctx context.Context, typed settings.Address) (answer, error) {
	entry, err := s.domain(ctx, typed.Domain())
	if err != nil {
		return answer{}, err
	}
	found, err := s.Directory.Lookup(ctx, entry, typed)
	if err != nil {
		return answer{}, unavailable(err)
	}
	shown, home := found.Public(typed)
	s.metrics.refused(shown.Decision)
	return answer{entry: home, asked: entry, settings: shown}, nil
}

// forDigest finds the account of an Evolution request: its local part is a
// stand-in, the digest names the account, and only within the domain asked for.
func (s *Server) forDigest(ctx context.Context, standIn settings.Address, digest string) (answer, error) {
	entry, err := s.domain(ctx, standIn.Domain())
	if err != nil {
		return answer{}, err
	}
	found, err := s.Directory.ByDigest(ctx, entry, digest)
	switch {
	case errors.Is(err, directory.ErrNotFound):
		return answer{entry: entry, asked: entry, settings: entry.Terms.DigestSettings(standIn, nil)}, nil
	case err != nil:
		return answer{}, unavailable(err)
	}
	shown, home := found.Digested(standIn)
	return answer{entry: home, asked: entry, settings: shown}, nil
}

// isDigest tells whether a request names its account by digest.
func isDigest(typed settings.Address, digest string) bool {
	decoded, err := hex.DecodeString(digest)
	return err == nil && len(decoded) == 16 && typed.Local() == thunderbird.EvolutionUser
}

// forHost finds the default of the domain whose special name the Host is.
func (s *Server) forHost(ctx context.Context, host string) (answer, error) {
	name, err := hostName(host)
	if err != nil {
		return answer{}, directory.ErrNotFound
	}
	return s.forName(ctx, name)
}

// specialNames are the labels under which clients look for a domain's
// configuration.
var specialNames = []string{thunderbird.HostLabel + ".", autodiscover.HostLabel + ".", pacc.HostLabel + "."}

// forName tries the name itself last: a hoster may serve autoconfig.example as a
// mail domain of its own, but far more often it is example's special name.
func (s *Server) forName(ctx context.Context, name string) (answer, error) {
	for _, special := range specialNames {
		domain, found := strings.CutPrefix(name, special)
		if !found {
			continue
		}
		if a, err := s.forDomain(ctx, domain); !errors.Is(err, directory.ErrNotFound) {
			a.host = special + a.host
			return a, err
		}
	}
	return s.forDomain(ctx, name)
}

// forDomain is a domain's default, for a request that can't know the account.
func (s *Server) forDomain(ctx context.Context, name string) (answer, error) {
	entry, err := s.domain(ctx, name)
	if err != nil {
		return answer{}, err
	}
	return answer{entry: entry, asked: entry, settings: entry.Terms.DefaultSettings(entry.Name), host: entry.Name}, nil
}

func (s *Server) domain(ctx context.Context, name string) (*directory.Entry, error) {
	// The name may be a part of a request line of many kB, which must not be kept
	// with it.
	entry, err := s.Directory.Domain(ctx, strings.Clone(name))
	if err != nil && !errors.Is(err, directory.ErrNotFound) {
		return nil, unavailable(err)
	}
	return entry, err
}

func unavailable(err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	return fmt.Errorf("%w: %w", errUnavailable, err)
}

// hostName is a Host header's name: without port, final dot and upper case.
func hostName(host string) (string, error) {
	if i := strings.LastIndexByte(host, ':'); i >= 0 {
		host = host[:i]
	}
	return settings.ParseDomain(host)
}
