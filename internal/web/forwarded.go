package web

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"
)

// Proxies add to two lists: each writes behind what it got who asked it (X-Forwarded-For)
// and how (X-Forwarded-Proto), or both in one list (Forwarded, RFC 7239). So a list is
// judged from its end: what a trusted proxy wrote is known, what stands before it is only
// said.
//
// One of the two ways is read, as the operator says: a proxy that writes one passes the
// other on as a client wrote it.
//
// X-Forwarded-Host isn't read. The Host is the key to a domain's default, which caches
// keep by the Host: whoever adds the header, and proxies pass it on, would put another
// domain's answer there. So isn't the host= of Forwarded.

// ForwardedScheme is what trusted proxies know of how the client came: http or https;
// "" if they don't know. A request is led to https only where nothing says that the client
// is there already: it would be led there again and again.
func (a *App) ForwardedScheme(c echo.Context) string {
	r := c.Request()
	if r.TLS != nil {
		return ""
	}
	if p := connectionIn(r.Context()); p != nil && p.proxiedTLS() {
		return "https"
	}
	if len(r.Header[a.schemeHeader()]) == 0 {
		return ""
	}
	protos := a.forwardedList(r.Header, echo.HeaderXForwardedProto, "proto")
	hops := a.trustedHops(r)
	if len(protos) == 0 || hops == 0 {
		return ""
	}
	known := max(0, len(protos)-hops)
	switch {
	case strings.EqualFold(protos[known], "https"):
		return "https"
	case !strings.EqualFold(protos[known], "http"):
		return ""
	}
	for _, said := range protos[:known] {
		if !strings.EqualFold(said, "http") {
			return ""
		}
	}
	return "http"
}

// clientAddress is the nearest address that isn't a trusted proxy's, or the farthest one
// that is known.
func (a *App) clientAddress(r *http.Request) string {
	client, _ := a.walk(r)
	if !client.IsValid() {
		return ""
	}
	return client.String()
}

// trustedHops counts the trusted proxies between the client and us.
func (a *App) trustedHops(r *http.Request) int {
	_, hops := a.walk(r)
	return hops
}

// walk goes from us to the client, from proxy to proxy as long as they are trusted.
func (a *App) walk(r *http.Request) (client netip.Addr, trusted int) {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}, 0
	}
	client = peer.Addr()
	if len(a.TrustedProxies) == 0 || !a.trusts(client) {
		return client, 0
	}
	trusted = 1
	for _, text := range slices.Backward(a.forwardedList(r.Header, echo.HeaderXForwardedFor, "for")) {
		next, ok := forwardedAddress(text)
		if !ok { // "unknown", or nonsense: who stands before it isn't known
			return client, trusted
		}
		if client = next; !a.trusts(client) {
			return client, trusted
		}
		trusted++
	}
	return client, trusted
}

// HeaderForwarded is RFC 7239's.
const HeaderForwarded = "Forwarded"

func (a *App) schemeHeader() string {
	if a.Forwarded {
		return HeaderForwarded
	}
	return echo.HeaderXForwardedProto
}

// forwardedList is what the proxies say, the nearest last: an old header's list, or one
// parameter of all elements of Forwarded, "" where an element has none.
func (a *App) forwardedList(h http.Header, old, parameter string) []string {
	if !a.Forwarded {
		return listOf(h, old)
	}
	var all []string
	for _, element := range elementsOf(strings.Join(h.Values(HeaderForwarded), ",")) {
		all = append(all, parameterOf(element, parameter))
	}
	return all
}

// elementsOf splits Forwarded's list at its commas, from its end: whatever a client has
// written before, an open quote say, has no part in the elements that proxies wrote
// behind it. Within those, a client may have chosen what is quoted (host=).
func elementsOf(list string) (all []string) {
	end, quoted := len(list), false
	for i := len(list) - 1; i >= 0; i-- {
		switch {
		case list[i] == '"':
			// From behind, the first quote closes; one behind a backslash is part of the text.
			quoted = !quoted || isEscaped(list, i)
		case list[i] == ',' && !quoted:
			all = append(all, list[i+1:end])
			end = i
		}
	}
	all = append(all, list[:end])
	all = slices.DeleteFunc(all, func(element string) bool { return strings.TrimSpace(element) == "" })
	slices.Reverse(all)
	return all
}

// isEscaped tells whether an odd number of backslashes stands before a byte.
func isEscaped(text string, at int) bool {
	before := text[:at]
	return (at-len(strings.TrimRight(before, `\`)))%2 == 1
}

// parameterOf is a parameter of an element of Forwarded (RFC 7239, section 4): names in
// any case, values perhaps in quotes. One that is there twice is as good as none, and so is one
// behind what can't be read.
func parameterOf(element, name string) (value string) {
	found := false
	for rest := element; strings.TrimSpace(rest) != ""; {
		key, after, ok := strings.Cut(rest, "=")
		if !ok {
			return ""
		}
		var text string
		if text, rest, ok = valueOf(after); !ok {
			return ""
		}
		if !strings.EqualFold(strings.TrimSpace(key), name) {
			continue
		}
		if found {
			return ""
		}
		value, found = text, true
	}
	return value
}

// valueOf reads a token or a quoted string (RFC 9110, section 5.6.4) to the semicolon
// behind it.
func valueOf(s string) (value, rest string, ok bool) {
	if !strings.HasPrefix(s, `"`) {
		value, rest, _ = strings.Cut(s, ";")
		return strings.TrimSpace(value), rest, !strings.Contains(value, `"`)
	}
	var text strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			rest = strings.TrimSpace(s[i+1:])
			after, more := strings.CutPrefix(rest, ";")
			return text.String(), after, more || rest == ""
		case '\\':
			if i++; i == len(s) {
				return "", "", false
			}
		}
		text.WriteByte(s[i])
	}
	return "", "", false
}

// forwardedAddress reads an address as proxies write it: with a port (Azure's
// Application Gateway), or an IPv6 one in brackets.
func forwardedAddress(text string) (netip.Addr, bool) {
	if withPort, err := netip.ParseAddrPort(text); err == nil {
		return withPort.Addr(), true
	}
	if at := strings.LastIndex(text, ":_"); at > 0 { // a port that the proxy doesn't tell (RFC 7239, section 6.3)
		text = text[:at]
	}
	address, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"))
	return address, err == nil
}

// listOf is a header's list, whether it stands in one line or several (RFC 9110,
// section 5.3).
func listOf(h http.Header, name string) (all []string) {
	for _, line := range h.Values(name) {
		for value := range strings.SplitSeq(line, ",") {
			if value = strings.TrimSpace(value); value != "" {
				all = append(all, value)
			}
		}
	}
	return all
}

func (a *App) trusts(peer netip.Addr) bool {
	return slices.ContainsFunc(a.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(peer.Unmap()) })
}
