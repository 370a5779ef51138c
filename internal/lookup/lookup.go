// Package lookup finds what to answer for an address, a digest or a Host header: the domain's entry in
// the directory, and the settings that a renderer needs. Every format, setup links and the help desk
// use it.
package lookup

import (
	"context"
	"encoding/hex"
	"errors"
	"strings"

	"autoconfig/autodiscover"
	"autoconfig/internal/directory"
	"autoconfig/pacc"
	"autoconfig/settings"
	"autoconfig/thunderbird"
)

// Answer is a domain's entry in the directory, and the settings to hand out.
type Answer struct {
	Entry    *directory.Entry
	Settings settings.Settings
	// Asked is the requested domain, which differs from Entry if an alias leads to a mailbox
	// in another domain. Programs that send no address get its default.
	Asked *directory.Entry
	// Host is the served special name by which the domain was found, composed of our own
	// labels and the directory's name, never of bytes of the request; "" if it was found by
	// an address.
	Host string
}

// Lookup asks a directory.
type Lookup struct {
	Directory *directory.Directory
	// Refused is called with a protocol that a source decides but the domain has no server
	// for, unless it is nil.
	Refused func(settings.Protocol)
}

// ForAddress returns what anybody may know of an address. An unknown address takes the same steps as
// an account without settings of its own.
func (l *Lookup) ForAddress(ctx context.Context, typed settings.Address) (Answer, error) {
	entry, err := l.Domain(ctx, typed.Domain())
	if err != nil {
		return Answer{}, err
	}
	found, err := l.Directory.Lookup(ctx, entry, typed)
	if err != nil {
		return Answer{Asked: entry}, directory.Unavailable(err)
	}
	shown, home := found.Public(typed)
	if refused := shown.Decision.Refused; refused != "" && l.Refused != nil {
		l.Refused(refused)
	}
	return Answer{Entry: home, Asked: entry, Settings: shown}, nil
}

// ForDigest finds the account of a request by Evolution: its local part is a stand-in, and the digest
// identifies the account within the requested domain.
func (l *Lookup) ForDigest(ctx context.Context, standIn settings.Address, digest string) (Answer, error) {
	entry, err := l.Domain(ctx, standIn.Domain())
	if err != nil {
		return Answer{}, err
	}
	found, err := l.Directory.ByDigest(ctx, entry, digest)
	switch {
	case errors.Is(err, directory.ErrNotFound):
		return Answer{Entry: entry, Asked: entry, Settings: entry.Terms.DigestSettings(standIn)}, nil
	case err != nil:
		return Answer{Asked: entry}, directory.Unavailable(err)
	}
	shown, home := found.Digested(standIn)
	return Answer{Entry: home, Asked: entry, Settings: shown}, nil
}

// Personal returns the settings for a setup link or the help desk: with the name and the reason, and
// even if the domain publishes only its default.
func (l *Lookup) Personal(ctx context.Context, typed settings.Address) (a Answer, found directory.Found, err error) {
	entry, err := l.Domain(ctx, typed.Domain())
	if err != nil {
		return a, found, err
	}
	if found, err = l.Directory.Lookup(ctx, entry, typed); err != nil {
		return a, found, directory.Unavailable(err)
	}
	a.Asked = entry
	a.Settings, a.Entry = found.Personal(typed)
	a.Settings.DisplayName = found.Account.Name
	return a, found, nil
}

// Served is [Lookup.Personal] if the caller serves both the requested domain and the mailbox's, and
// [directory.ErrNotFound] otherwise.
func (l *Lookup) Served(
	ctx context.Context, serves func(domain string) bool, typed settings.Address,
) (Answer, directory.Found, error) {
	a, found, err := l.Personal(ctx, typed)
	if err == nil && (!serves(a.Asked.Terms.Name) || !serves(a.Entry.Terms.Name)) {
		err = directory.ErrNotFound
	}
	return a, found, err
}

// IsDigest reports whether a request identifies its account by digest.
func IsDigest(typed settings.Address, digest string) bool {
	decoded, err := hex.DecodeString(digest)
	return err == nil && len(decoded) == 16 && typed.Local() == thunderbird.EvolutionUser
}

// ForHost finds the default of the domain whose special name a Host header has.
func (l *Lookup) ForHost(ctx context.Context, host string) (Answer, error) {
	name, err := HostName(host)
	if err != nil {
		return Answer{}, directory.ErrNotFound
	}
	return l.ForName(ctx, name)
}

// SpecialNames are the labels of the special names, each with its dot.
var SpecialNames = []string{thunderbird.HostLabel + ".", autodiscover.HostLabel + ".", pacc.HostLabel + "."}

// ForName tries the name itself last: a mail domain may be called autoconfig.example, but far more
// often this is example's special name.
func (l *Lookup) ForName(ctx context.Context, name string) (Answer, error) {
	for _, special := range SpecialNames {
		domain, found := strings.CutPrefix(name, special)
		if !found {
			continue
		}
		if a, err := l.ForDomain(ctx, domain); !errors.Is(err, directory.ErrNotFound) {
			a.Host = special + a.Host
			return a, err
		}
	}
	return l.ForDomain(ctx, name)
}

// SpecialDomain finds the domain of a special name, which is in lower case and without a final dot. It
// is [directory.ErrNotFound] if the name isn't one of a served domain.
func (l *Lookup) SpecialDomain(ctx context.Context, name string) (*directory.Entry, error) {
	for _, special := range SpecialNames {
		domain, found := strings.CutPrefix(name, special)
		if !found {
			continue
		}
		domain, err := settings.ParseDomain(domain)
		if err != nil {
			return nil, directory.ErrNotFound
		}
		return l.Domain(ctx, domain)
	}
	return nil, directory.ErrNotFound
}

// ForDomain returns a domain's default, for a request without an account.
func (l *Lookup) ForDomain(ctx context.Context, name string) (Answer, error) {
	entry, err := l.Domain(ctx, name)
	if err != nil {
		return Answer{}, err
	}
	return Answer{Entry: entry, Asked: entry, Settings: entry.Terms.DefaultSettings(entry.Name), Host: entry.Name}, nil
}

// Domain finds a domain by any of its names.
func (l *Lookup) Domain(ctx context.Context, name string) (*directory.Entry, error) {
	entry, err := l.Directory.Domain(ctx, name)
	if err != nil && !errors.Is(err, directory.ErrNotFound) {
		return nil, directory.Unavailable(err)
	}
	return entry, err
}

// HostName returns the name in a Host header: without port and final dot, in lower case.
func HostName(host string) (string, error) {
	if i := strings.LastIndexByte(host, ':'); i >= 0 {
		host = host[:i]
	}
	return settings.ParseDomain(host)
}

// Render appends the document for the offer and the decision to dst. of must have been resolved for
// the format.
func (a *Answer) Render(
	dst []byte, format string, of *settings.Settings, compile func(settings.Settings) (*settings.Template, error),
) ([]byte, error) {
	template, err := a.Template(format, of, compile)
	if err != nil {
		return nil, err
	}
	return template.Append(dst, of, settings.EscapeXML), nil
}

// Template returns the template for the offer and the decision, which the first request compiles.
func (a *Answer) Template(
	format string, of *settings.Settings, compile func(settings.Settings) (*settings.Template, error),
) (*settings.Template, error) {
	key := of.TemplateKey(format)
	template, found := a.Entry.Template(key)
	if !found {
		var err error
		if template, err = compile(*of); err != nil {
			return nil, err
		}
		a.Entry.KeepTemplate(key, template)
	}
	return template, nil
}
