package doctor

import (
	"context"
	"crypto/md5" //nolint:gosec // what Evolution sends; nothing is secured by it
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"autoconfig/autodiscover"
	"autoconfig/settings"
	"autoconfig/thunderbird"
)

const (
	configFile = "/mail/config-v1.1.xml"
	wellKnown  = "/.well-known/autoconfig/mail/config-v1.1.xml"
	poxFile    = "/autodiscover/autodiscover.xml"
	// The public provider databases.
	desktopDatabase = "https://live.thunderbird.net/autoconfig/v1.1/"
	database        = "https://autoconfig.thunderbird.net/v1.1/"
)

// tries asks URLs one after the other, and reads the first document that the
// program takes. What stops it is for each program to say.
func (w *walk) tries(ctx context.Context, urls []string, r reading, stops func(page, error) bool) (*Setup, error) {
	for _, u := range urls {
		request := "GET " + u
		p, answer, ok := w.get(ctx, u)
		if !ok {
			w.step(request, answer, "goes on")
			continue
		}
		if p.status != http.StatusOK {
			w.step(request, answer, "goes on")
			continue
		}
		setup, err := w.document(p, r)
		if err == nil {
			setup.Origin = u
			w.step(request, answer, "takes it: "+describe(setup))
			return setup, nil
		}
		if stops(p, err) {
			w.step(request, answer, "stops: "+err.Error())
			return nil, errStops
		}
		w.step(request, answer, "goes on: "+err.Error())
	}
	return nil, nil
}

func (w *walk) document(p page, r reading) (*Setup, error) {
	c, err := thunderbird.Parse(p.body)
	if err != nil {
		return nil, err
	}
	return w.read(c, r)
}

func never(page, error) bool { return false }

func (w *walk) query() string { return "?emailaddress=" + url.QueryEscape(w.address.String()) }

// rawQuery is how FairEmail and Nextcloud write it: as it is.
func (w *walk) rawQuery() string { return "?emailaddress=" + w.address.String() }

var errMediaType = errors.New("the media type isn't text/xml")

// thunderbird asks all at once, and takes the best in this order (reference
// clients.md, "Thunderbird 153").
func (w *walk) thunderbird(ctx context.Context) *Setup {
	r := reading{protocols: []settings.Protocol{settings.IMAP, settings.POP3}, needsID: true, mangles: true, known: passwords}
	d, q := w.domain, w.query()
	own := w.provider(ctx, []string{
		"https://autoconfig." + d + configFile + q, "https://" + d + wellKnown + q,
		"http://autoconfig." + d + configFile + q, "http://" + d + wellKnown + q,
	}, r)
	if own == nil {
		own = w.provider(ctx, []string{desktopDatabase + d}, r)
	}
	for _, name := range w.mxNames(ctx) {
		urls := []string{"https://autoconfig." + name + configFile + q, desktopDatabase + name}
		if own == nil {
			own = w.provider(ctx, urls, r)
		}
	}
	if other := w.thunderbirdPOX(ctx); own == nil {
		own = other
	}
	if own != nil && own.Protocol == settings.POP3 && own.Leave == "" {
		own.Leave, own.Days = "true", "14" // its own defaults
	}
	return own
}

// provider: an answer with status 200 that Thunderbird can't read ends the
// look-up at this provider, whatever the next URL has.
func (w *walk) provider(ctx context.Context, urls []string, r reading) *Setup {
	var taken *Setup
	for i, u := range urls {
		request := "GET " + u
		p, answer, ok := w.get(ctx, u)
		switch {
		case taken != nil:
			w.step(request, answer, "asked as well, not needed")
			continue
		case !ok || p.status != http.StatusOK || len(p.body) == 0:
			w.step(request, answer, "goes on")
			continue
		}
		setup, err := w.document(p, r)
		if !p.isXML() {
			err = errMediaType
		}
		if err != nil {
			w.step(request, answer, "gives up this provider: "+err.Error())
			for _, rest := range urls[i+1:] {
				_, answer, _ := w.get(ctx, rest)
				w.step("GET "+rest, answer, "asked as well, not looked at")
			}
			return nil
		}
		setup.Origin = u
		w.step(request, answer, "takes it: "+describe(setup))
		taken = setup
	}
	return taken
}

// android asks without an address, and knows IMAP only.
func (w *walk) android(ctx context.Context) *Setup {
	r := reading{protocols: []settings.Protocol{settings.IMAP}, strict: true, noPlain: true, needsID: true, known: map[string]string{
		"password-cleartext": "password", "plain": "password", "password-encrypted": "encrypted password", "secure": "encrypted password",
	}}
	d := w.domain
	urls := []string{
		"https://autoconfig." + d + configFile, "https://" + d + wellKnown,
		"http://autoconfig." + d + configFile, "http://" + d + wellKnown, database + d,
	}
	setup, _ := w.tries(ctx, urls, r, never)
	if setup == nil {
		for _, name := range w.mxNames(ctx) {
			if setup, _ = w.tries(ctx, []string{"https://autoconfig." + name + configFile, database + name}, r, never); setup != nil {
				w.note("It was found by the MX: the app asks the person to agree.")
				break
			}
		}
	}
	if setup == nil {
		w.result.Why = "it finds no IMAP account; a POP3 account needs its QR code (autoconfig render thunderbird-android)"
	} else if strings.HasPrefix(setup.Origin, "http:") {
		w.note("It was found over plain http: the app asks the person to agree.")
	}
	return setup
}

// evolution sends a stand-in and a digest, and takes the last server of a type.
func (w *walk) evolution(ctx context.Context) *Setup {
	r := reading{protocols: []settings.Protocol{settings.IMAP, settings.POP3}, last: true, known: passwords}
	sum := md5.Sum([]byte(strings.ToLower(w.address.String()))) //nolint:gosec // see the import
	q := "?emailaddress=" + url.QueryEscape(thunderbird.EvolutionUser+"@"+w.domain) + "&emailmd5=" + hex.EncodeToString(sum[:])
	d := w.domain
	setup, _ := w.tries(ctx, []string{
		"https://autoconfig." + d + configFile + q, "http://autoconfig." + d + configFile + q,
		"https://" + d + wellKnown + q, "http://" + d + wellKnown + q, database + d,
	}, r, func(p page, _ error) bool {
		// Any well-formed document with status 200 ends it, with what is in it.
		return isWellFormed(p.body)
	})
	if setup != nil {
		// It puts the local part in for its own stand-in.
		for _, e := range []*Endpoint{&setup.Incoming, &setup.Outgoing} {
			e.Username = strings.ReplaceAll(e.Username, thunderbird.EvolutionUser, w.address.Local())
		}
	}
	return setup
}

// kmail asks the provider database first, and nothing with an address.
func (w *walk) kmail(ctx context.Context) *Setup {
	r := reading{protocols: []settings.Protocol{settings.IMAP, settings.POP3}, known: passwords}
	d := w.domain
	setup, _ := w.tries(ctx, []string{
		database + d, "https://autoconfig." + d + configFile, "http://autoconfig." + d + configFile, "http://" + d + wellKnown,
	}, r, func(page, error) bool { return true })
	return setup
}

// deltachat drops the query, ignores the status, and knows IMAP only.
func (w *walk) deltachat(ctx context.Context) *Setup {
	r := reading{protocols: []settings.Protocol{settings.IMAP}, anyAuth: true}
	d := w.domain
	for _, u := range []string{"https://autoconfig." + d + configFile, "https://" + d + wellKnown} {
		p, answer, ok := w.get(ctx, u)
		if !ok {
			w.step("GET "+u, answer, "goes on")
			continue
		}
		if !strings.Contains(string(p.body), "<") {
			w.step("GET "+u, answer, "stops: a text without tags is an empty configuration to it")
			w.result.Why = "a page without tags ended its search"
			return nil
		}
		setup, err := w.document(p, r)
		if err != nil {
			w.step("GET "+u, answer, "goes on: "+err.Error())
			continue
		}
		setup.Origin = u
		w.step("GET "+u, answer, "takes it: "+describe(setup))
		return setup
	}
	for _, host := range []string{d, "autodiscover." + d} {
		u := "https://" + host + poxFile
		p, answer, ok := w.get(ctx, u)
		if ok {
			if reply, err := autodiscover.ParseResponse(p.body); err == nil && reply.Error == nil {
				if setup := w.fromPOX(reply, []string{"IMAP"}); setup != nil {
					setup.Origin = u
					setup.Incoming.Username, setup.Outgoing.Username = w.address.String(), w.address.String() // it ignores LoginName
					w.step("GET "+u, answer, "takes it: "+describe(setup))
					return setup
				}
			}
		}
		w.step("GET "+u, answer, "goes on")
	}
	setup, _ := w.tries(ctx, []string{database + d}, r, never)
	return setup
}

// nextcloud takes the first IMAP and the first SMTP server, whatever their
// authentication.
func (w *walk) nextcloud(ctx context.Context) *Setup {
	r := reading{protocols: []settings.Protocol{settings.IMAP}, anyAuth: true}
	d, q := w.domain, w.rawQuery()
	setup, _ := w.tries(ctx, []string{
		"https://autoconfig." + d + configFile + q, "https://" + d + wellKnown + q, database + d,
		"http://autoconfig." + d + configFile + q, "http://" + d + wellKnown + q,
	}, r, never)
	if setup == nil {
		for _, name := range w.mxNames(ctx) {
			if setup, _ = w.tries(ctx, []string{"https://autoconfig." + name + configFile + q, database + name}, r, never); setup != nil {
				break
			}
		}
	}
	return setup
}
