package doctor

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"

	"autoconfig/internal/doctor/probe"
)

// redirected judges the redirects on the way to a page, whether or not their targets
// answer. lost is set if they are the reason that there is no page.
func (c *check) redirected(p probe.Page, err error) (lost bool) {
	if len(p.Hops) > 0 && p.Hops[0] == strings.Replace(p.Asked, "http:", "https:", 1) && p.Hops[0] != p.Asked {
		return false // as it should be; the target is judged by itself
	}
	way := strings.Join(append([]string{p.Asked}, p.Hops...), " > ")
	report := func(code Code, severity Severity, seen string) {
		c.report(Finding{Code: code, Severity: severity, Subject: p.Asked, Seen: seen})
	}
	if p.Downgraded() {
		report(HTTPDowngrade, "", strings.Join(p.Hops, " > "))
	}
	for _, location := range p.Locations {
		if u, err := url.Parse(location); err == nil && u.Host == "" {
			report(RedirectRelative, "", "Location: "+location)
			break
		}
	}
	if i := slices.IndexFunc(p.Hops, c.isForeign); i >= 0 {
		report(RedirectForeign, "", way)
	}
	severity := c.onTheWay(p)
	private := slices.IndexFunc(p.Hops, func(hop string) bool { return isPrivate(hostOf(hop)) })
	forbidden := len(p.Hops) > 0 && errors.Is(err, probe.ErrForbidden)
	if private >= 0 || forbidden {
		if severity == Info {
			severity = Warning
		}
		report(RedirectPrivate, severity, way)
		return err != nil
	}
	switch {
	case err == nil && isRedirect(p.Status):
		report(RedirectNowhere, severity, fmt.Sprintf("status %d without a Location at %s", p.Status, p.At()))
		return true
	case errors.Is(err, probe.ErrLocation):
		report(RedirectBroken, severity, err.Error())
		return true
	case errors.Is(err, probe.ErrRedirects):
		report(RedirectLoop, severity, p.Hops[0]+": "+err.Error())
		return true
	case err == nil, len(p.Hops) == 0:
		return false
	}
	report(RedirectBroken, severity, way+": "+err.Error())
	return true
}

func isRedirect(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

// onTheWay is the severity of a broken redirect: an error at the special names; the
// domain's own host need not publish anything.
func (c *check) onTheWay(p probe.Page) Severity {
	if hostOf(p.Asked) == c.domain {
		return Info
	}
	return "" // the code's severity
}

// isForeign reports whether a URL is neither in the domain nor at this service.
func (c *check) isForeign(text string) bool {
	host := hostOf(text)
	if host == "" || isPrivate(host) || c.plan != nil && host == c.plan.Host {
		return false
	}
	base, err := publicsuffix.EffectiveTLDPlusOne(host)
	own, ownErr := publicsuffix.EffectiveTLDPlusOne(c.domain)
	return err == nil && ownErr == nil && base != own
}

// isPrivate reports whether a host name is only valid in a private network.
func isPrivate(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && (probe.DialPolicy{}).Permits(netip.AddrPortFrom(ip, 443)) != nil
}

// hostOf is the host of a URL.
func hostOf(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Hostname())
}
