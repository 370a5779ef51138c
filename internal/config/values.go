package config

import (
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// ListenAddress is the address of a listener. The zero value is none.
type ListenAddress struct {
	// Host is an address or a name, "" for all addresses of the machine.
	Host string
	Port uint16
}

// UnmarshalText parses HOST:PORT; "" is none.
func (l *ListenAddress) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*l = ListenAddress{}
		return nil
	}
	host, port, err := net.SplitHostPort(string(text))
	number, portErr := strconv.ParseUint(port, 10, 16)
	if err != nil || portErr != nil || strings.ContainsAny(host, " /") {
		return errListenAddress(string(text))
	}
	*l = ListenAddress{host, uint16(number)}
	return nil
}

func errListenAddress(text string) error {
	return fmt.Errorf("%q is not an address to listen on: write HOST:PORT, such as 127.0.0.1:8080 or :443", text)
}

// IsGiven reports whether there is one.
func (l ListenAddress) IsGiven() bool { return l != ListenAddress{} }

func (l ListenAddress) String() string {
	if !l.IsGiven() {
		return ""
	}
	return net.JoinHostPort(l.Host, strconv.Itoa(int(l.Port)))
}

// BaseURL is https (or http on a loopback address), a host, and optionally a port. Its URL
// is nil if none is given.
type BaseURL struct{ *url.URL }

// UnmarshalText parses a URL; "" is none.
func (b *BaseURL) UnmarshalText(text []byte) error {
	*b = BaseURL{}
	if len(text) == 0 {
		return nil
	}
	u, err := url.Parse(string(text))
	if err != nil {
		b.URL = &url.URL{} // set, so that keys that depend on it aren't refused too
		return errBaseURL(string(text))
	}
	b.URL = u
	bare := u.User == nil && strings.Trim(u.Path, "/") == "" && u.RawQuery == "" && u.Fragment == ""
	secure := u.Scheme == "https" || u.Scheme == "http" && b.IsLoopback()
	if u.Host == "" || !bare || !secure {
		return errBaseURL(string(text))
	}
	return nil
}

func errBaseURL(text string) error {
	return fmt.Errorf("%q is not valid: use https:// and a host, without a path (http only for a loopback address)", text)
}

// IsGiven reports whether there is one.
func (b BaseURL) IsGiven() bool { return b.URL != nil }

// IsLoopback reports whether it can only be reached from this machine.
func (b BaseURL) IsLoopback() bool { return isLoopback(b.Hostname()) }

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// WebURL is an https URL, kept as it is written. "" is none.
type WebURL string

// UnmarshalText parses a URL; http is only valid for 127.0.0.1.
func (w *WebURL) UnmarshalText(text []byte) error {
	u, err := url.Parse(string(text))
	local := err == nil && u.Scheme == "http" && u.Hostname() == "127.0.0.1"
	if *w = WebURL(text); *w != "" && (err != nil || u.Host == "" || u.Scheme != "https" && !local) {
		return fmt.Errorf("%q is not valid: use an https URL", text)
	}
	return nil
}

// Role is a person's role at the help desk: staff or admin.
type Role string

// UnmarshalText parses a role.
func (r *Role) UnmarshalText(text []byte) error {
	if *r = Role(text); *r != "staff" && *r != "admin" {
		return fmt.Errorf("%q is not a role: use staff or admin", text)
	}
	return nil
}

// Words are written in one text, separated by blanks.
type Words []string

// UnmarshalText splits the text.
func (w *Words) UnmarshalText(text []byte) error {
	*w = strings.Fields(string(text))
	return nil
}

// LogLevel is the lowest level that is logged.
type LogLevel slog.Level

var logLevels = []string{"debug", "info", "warn", "error"}

// UnmarshalText parses a level.
func (l *LogLevel) UnmarshalText(text []byte) error {
	var level slog.Level
	if !slices.Contains(logLevels, string(text)) || level.UnmarshalText(text) != nil {
		return fmt.Errorf("%q is not a level: use debug, info, warn or error", text)
	}
	*l = LogLevel(level)
	return nil
}

func (l LogLevel) String() string { return strings.ToLower(slog.Level(l).String()) }

// LogFormat is the format of log entries.
type LogFormat string

// The formats.
const (
	LogText LogFormat = "text"
	LogJSON LogFormat = "json"
)

// UnmarshalText parses a format.
func (f *LogFormat) UnmarshalText(text []byte) error {
	if *f = LogFormat(text); *f != LogText && *f != LogJSON {
		return fmt.Errorf("%q is not a format: use text or json", text)
	}
	return nil
}

// TLSMode is the origin of certificates.
type TLSMode string

// The modes.
const (
	TLSOff   TLSMode = "off"
	TLSFiles TLSMode = "files"
	TLSACME  TLSMode = "acme"
)

// UnmarshalText parses a mode.
func (m *TLSMode) UnmarshalText(text []byte) error {
	*m = TLSMode(text)
	if !slices.Contains([]TLSMode{TLSOff, TLSFiles, TLSACME}, *m) {
		return fmt.Errorf("%q is not a mode: use off, files or acme", text)
	}
	return nil
}

// Challenge is a way to prove control of a name to an ACME server.
type Challenge string

// ProxyHeader is the header by which a proxy reports its client.
type ProxyHeader string

// The headers.
const (
	HeaderXForwarded ProxyHeader = "x-forwarded"
	HeaderForwarded  ProxyHeader = "forwarded"
)

// UnmarshalText parses a header's name.
func (h *ProxyHeader) UnmarshalText(text []byte) error {
	if *h = ProxyHeader(text); *h != HeaderXForwarded && *h != HeaderForwarded {
		return fmt.Errorf("%q is not a header that is read here: use x-forwarded or forwarded", text)
	}
	return nil
}

// The challenges.
const (
	ChallengeTLSALPN Challenge = "tls-alpn-01"
	ChallengeHTTP    Challenge = "http-01"
)

// UnmarshalText parses a challenge.
func (c *Challenge) UnmarshalText(text []byte) error {
	if *c = Challenge(text); *c != ChallengeTLSALPN && *c != ChallengeHTTP {
		return fmt.Errorf("%q is not a challenge that is answered here: use tls-alpn-01 or http-01", text)
	}
	return nil
}

// IPAddress is an IPv4 or IPv6 address.
type IPAddress struct{ netip.Addr }

// UnmarshalText parses an address.
func (a *IPAddress) UnmarshalText(text []byte) error {
	var err error
	if a.Addr, err = netip.ParseAddr(string(text)); err != nil {
		return fmt.Errorf("%q is not an IP address: write one such as 192.0.2.1 or 2001:db8::1", text)
	}
	return nil
}
