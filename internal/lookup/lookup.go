// Package lookup finds what is to be said of an address, a digest or a Host: the
// domain's entry in the directory, and the settings that a renderer needs. It is the
// way of every format, of setup links and of the help desk.
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

// Answer is a domain's entry in the directory and what is to be said.
type Answer struct {
	Entry    *directory.Entry
	Settings settings.Settings
	// Asked is the domain that was asked for: another one than Entry where an alias
	// leads to a mailbox elsewhere. Programs that send no address get its default.
	Asked *directory.Entry
	// Host is the served special name by which the domain was found, made from our
	// own words and the directory's, never from bytes of the request; "" where an
	// address found it.
	Host string
}

// Lookup asks a directory.
type Lookup struct {
	Directory *directory.Directory
	// Refused hears of a protocol that a source decides and that the domain has no
	// server for; nil for nobody.
	Refused func(settings.Protocol)
}

// ForAddress finds what anybody may know of an address. An address that isn't
// known goes the same way as one that is and has nothing of its own.
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

// ForDigest finds the account of an Evolution request: its local part is a
// stand-in, the digest names the account, and only within the domain asked for.
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

// Personal are the settings behind a setup link, or for staff: with the name and
// the reason, and whatever the domain gives to everybody.
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

// Served is what [Lookup.Personal] gives, if both the domain that was asked for and the
// mailbox's own are served by who asks; anything else isn't there.
func (l *Lookup) Served(
	ctx context.Context, serves func(domain string) bool, typed settings.Address,
) (Answer, directory.Found, error) {
	a, found, err := l.Personal(ctx, typed)
	if err == nil && (!serves(a.Asked.Terms.Name) || !serves(a.Entry.Terms.Name)) {
		err = directory.ErrNotFound
	}
	return a, found, err
}

// IsDigest tells whether a request names its account by digest.
func IsDigest(typed settings.Address, digest string) bool {
	decoded, err := hex.DecodeString(digest)
	return err == nil && len(decoded) == 16 && typed.Local() == thunderbird.EvolutionUser
}

// ForHost finds the default of the domain whose special name the Host is.
func (l *Lookup) ForHost(ctx context.Context, host string) (Answer, error) {
	name, err := HostName(host)
	if err != nil {
		return Answer{}, directory.ErrNotFound
	}
	return l.ForName(ctx, name)
}

// SpecialNames are the labels under which clients look for a domain's
// configuration.
var SpecialNames = []string{thunderbird.HostLabel + ".", autodiscover.HostLabel + ".", pacc.HostLabel + "."}

// ForName tries the name itself last: a hoster may serve autoconfig.example as a
// mail domain of its own, but far more often it is example's special name.
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

// SpecialDomain finds the domain whose special name a name is, in lower case and without
// a final dot; [directory.ErrNotFound] if it is none of a served domain.
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

// ForDomain is a domain's default, for a request that can't know the account.
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

// HostName is a Host header's name: without port, final dot and upper case.
func HostName(host string) (string, error) {
	if i := strings.LastIndexByte(host, ':'); i >= 0 {
		host = host[:i]
	}
	return settings.ParseDomain(host)
}

// Render appends the document for a domain's offer and a decision to dst. of must have
// been resolved for the format.
func (a *Answer) Render(
	dst []byte, format string, of *settings.Settings, compile func(settings.Settings) (*settings.Template, error),
) ([]byte, error) {
	template, err := a.Template(format, of, compile)
	if err != nil {
		return nil, err
	}
	return template.Append(dst, of, settings.EscapeXML), nil
}

// Template is the one for a domain's offer and a decision, which the first request for it
// compiles.
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
