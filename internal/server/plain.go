package server

import (
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"autoconfig/autodiscover"
	"autoconfig/internal/links"
	"autoconfig/internal/lookup"
	"autoconfig/internal/trace"
	"autoconfig/pacc"
	"autoconfig/settings"
)

// overTLS sends a request that is known to have come over plain http to https,
// before anything is done for it: a form isn't taken, a use of a link isn't
// counted. Where the scheme isn't known (a proxy that isn't configured as trusted
// may have ended TLS), the request is answered.
//
// Answered over plain http too are the assets, the redirects to a domain's services,
// which lead to https anyway, and Autodiscover's POST, which Thunderbird would send
// on without its body.
func (s *Public) overTLS(knownPlain bool) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if !knownPlain && s.ForwardedScheme(c) != "http" {
				return next(c)
			}
			l, ok := leadOf(c)
			if !ok {
				return next(c)
			}
			host, ok := s.secureHost(c, l.anyName)
			if !ok {
				return next(c)
			}
			if l.byHost && s.PublicURL.Scheme == "https" && host != s.PublicURL.Host {
				host, l.target = s.PublicURL.Host, providerDatabasePath+domainOf(host)
			}
			status := http.StatusFound // what Outlook expects (docs/protocols.md, "Autodiscover"); a 301 would outlive our TLS in browsers
			if c.Request().Method == http.MethodPost {
				status = http.StatusSeeOther // to the page with the form
			}
			s.noteLed(c, l)
			c.Response().Header().Set("Cache-Control", "no-store")
			return c.Redirect(status, "https://"+host+l.target)
		}
	}
}

// noteLed remembers a request for a configuration that is led to https: where none follows
// there, a certificate is what's wrong.
func (s *Public) noteLed(c echo.Context, l lead) {
	if l.format == "" {
		return
	}
	n := noted{format: l.format, outcome: trace.Redirected, typed: l.typed}
	n.shape.Digest = l.digest
	ctx := c.Request().Context()
	switch {
	case l.domain != "":
		n.asked, _ = s.Domain(ctx, l.domain) // one that isn't served is counted alone
	case !l.typed.IsZero():
		n.asked, _ = s.Domain(ctx, l.typed.Domain())
	default:
		a, _ := s.ForHost(ctx, c.Request().Host)
		n.asked = a.Asked
	}
	s.note(c, &n)
}

// lead is where a request over plain http is led to.
type lead struct {
	// format is what is asked for, "" for pages; typed and domain are of whom, as far as the
	// request says it. With a digest only the domain of typed counts.
	format string
	typed  settings.Address
	digest bool
	domain string
	// target is the path and query: our own words, and what was read of the request
	// written anew.
	target string
	// anyName: the answer doesn't depend on the Host, so that it may come from
	// public_url, where the certificate is right. Others stay with the served name
	// that they asked for.
	anyName bool
	// byHost: the Host alone says which domain's configuration is asked for. It is had at
	// public_url by the domain's name: the Host may have no certificate.
	byHost bool
}

// domainOf is the domain whose special name a host is, else the host.
func domainOf(host string) string {
	for _, special := range lookup.SpecialNames {
		if domain, found := strings.CutPrefix(host, special); found {
			return domain
		}
	}
	return host
}

// leadOf is false for what is answered as it is, also because it can only be refused.
func leadOf(c echo.Context) (l lead, ok bool) {
	path := c.Path()
	switch c.Request().Method {
	case http.MethodGet, http.MethodHead:
	case http.MethodPost:
		if path != "/" && path != "/s/:token" {
			return lead{}, false
		}
	default:
		return lead{}, false
	}
	switch {
	case slices.Contains(autoconfigPaths, path):
		l, ok = leadWithAddress(c, formatAutoconfig)
		l.byHost = ok && !l.anyName
		return l, ok
	case slices.Contains(profilePaths, path):
		l, ok = leadWithAddress(c, formatProfile)
		l.anyName = true
		return l, ok
	}
	switch path {
	case "/":
		return lead{target: path}, true
	case pacc.Path:
		return lead{format: formatPACC, target: path}, true
	case "/s/:token", "/s/:token/profile":
		token := c.Param("token") // in lower case already
		return lead{target: strings.Replace(path, ":token", token, 1), anyName: true}, links.IsToken(token)
	case providerDatabasePath + ":domain":
		name, err := settings.ParseDomain(c.Param("domain"))
		return lead{format: formatAutoconfig, domain: name, target: providerDatabasePath + name, anyName: true}, err == nil
	case autodiscover.PathJSON, autodiscover.PathJSON + "/v1.0/:address":
		typed, given, err := jsonAddress(c)
		protocol, _ := parameter(c.Request().URL.RawQuery, "protocol")
		known := autodiscover.IsProtocolV1(protocol)
		return lead{
			format: formatJSON, typed: typed.Address,
			target:  autodiscover.PathJSON + addressQuery(typed, "") + "&protocol=AutodiscoverV1",
			anyName: true,
		}, given && err == nil && known
	case autodiscover.Path:
		// Outlook comes here because https://autodiscover.D has failed.
		l, ok = leadWithAddress(c, formatAutodiscover)
		l.anyName = true
		return l, ok
	}
	return lead{}, false
}

// leadWithAddress carries the address over, if one is given. The answer depends on it, and
// no more on the Host: it may come from public_url, where the name that was asked may have
// no certificate.
func leadWithAddress(c echo.Context, format string) (l lead, ok bool) {
	query := c.Request().URL.RawQuery
	typed, given, err := addressIn(query)
	if !given {
		return lead{format: format, target: c.Path()}, true
	}
	if err != nil {
		return lead{}, false
	}
	digest, err := digestIn(query, typed)
	return lead{
		format: format, typed: typed.Address, digest: digest != "",
		target: c.Path() + addressQuery(typed, digest), anyName: true,
	}, err == nil
}

// secureHost is the name at which a request is answered over https: public_url's
// or the served special name that the Host is. It is false if there is none.
func (s *Public) secureHost(c echo.Context, anyName bool) (host string, ok bool) {
	secure := s.PublicURL.Scheme == "https"
	name, err := lookup.HostName(c.Request().Host)
	if secure && (anyName || err == nil && name == s.PublicURL.Hostname()) {
		return s.PublicURL.Host, true
	}
	if a, err := s.ForHost(c.Request().Context(), c.Request().Host); err == nil {
		return a.Host, true
	}
	return s.PublicURL.Host, secure
}
