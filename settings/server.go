package settings

import (
	"fmt"
	"slices"
	"strings"
)

// Protocol is a mail protocol.
type Protocol string

// The protocols. IMAP and POP3 are incoming ones: an account has exactly one.
const (
	IMAP Protocol = "imap"
	POP3 Protocol = "pop3"
	SMTP Protocol = "smtp" // submission, RFC 6409 and RFC 8314
	// ManageSieve is a service beside mail (RFC 5804), never an account's protocol.
	ManageSieve Protocol = "managesieve"
)

// Security is how a connection is protected.
type Security string

// The kinds of protection, best first.
const (
	TLS      Security = "tls"      // implicit TLS (RFC 8314, section 3)
	STARTTLS Security = "starttls" // upgraded in the protocol, refused if it can't be
	None     Security = "none"     // plaintext; only with AllowPlaintext
)

// Auth is an authentication mechanism by its SASL name, or one of the two words
// of submission without a password.
type Auth string

// The mechanisms that a client can be told of.
const (
	AuthPlain       Auth = "PLAIN"
	AuthLogin       Auth = "LOGIN"
	AuthCramMD5     Auth = "CRAM-MD5"
	AuthDigestMD5   Auth = "DIGEST-MD5"
	AuthScramSHA1   Auth = "SCRAM-SHA-1"
	AuthScramSHA256 Auth = "SCRAM-SHA-256"
	AuthNTLM        Auth = "NTLM"
	AuthGSSAPI      Auth = "GSSAPI"
	AuthExternal    Auth = "EXTERNAL"    // client certificate
	AuthOAuthBearer Auth = "OAUTHBEARER" // RFC 7628
	AuthXOAuth2     Auth = "XOAUTH2"
	AuthNone        Auth = "none"      // submission only: no authentication
	AuthClientIP    Auth = "client-ip" // submission only: by the client's address
)

var allAuth = []Auth{
	AuthPlain, AuthLogin, AuthCramMD5, AuthDigestMD5, AuthScramSHA1, AuthScramSHA256, AuthNTLM, AuthGSSAPI, AuthExternal,
	AuthOAuthBearer, AuthXOAuth2, AuthNone, AuthClientIP,
}

// Server is one way to reach a protocol.
type Server struct {
	// Host is the server's name, ASCII after Normalize.
	Host string `yaml:"host" json:"host" doc:"the server's host name"`
	// Port is 1 to 65535; 0 means the registered port of protocol and security.
	Port int `yaml:"port,omitempty" json:"port,omitempty" doc:"port; by default the registered one of the protocol and its security"`
	// Security is TLS if empty, or STARTTLS at a port that is registered for it.
	Security Security `yaml:"security,omitempty" json:"security,omitempty" doc:"tls (implicit TLS), starttls, or none; by default tls, and starttls at a port that is registered for it (143, 110, 587)"`
	// Auth are the mechanisms that the server offers, best first; PLAIN if empty.
	Auth []Auth `yaml:"auth,omitempty,flow" json:"auth,omitempty" doc:"authentication mechanisms by their SASL names, best first; PLAIN by default"`
	// Username is this server's own pattern for the login, "" for the domain's.
	Username Username `yaml:"username,omitempty" json:"username,omitempty" doc:"pattern of the login at this server, where it differs from the domain's"`
	// AllowPlaintext permits Security None.
	AllowPlaintext bool `yaml:"allow_plaintext,omitempty" json:"allow_plaintext,omitempty" doc:"permits security none"`
}

// RegisteredPort is the port that IANA lists for a protocol with that security,
// or 0 if there is none.
func RegisteredPort(p Protocol, s Security) int {
	implicit := s == TLS
	switch p {
	case IMAP:
		return pick(implicit, 993, 143)
	case POP3:
		return pick(implicit, 995, 110)
	case SMTP:
		return pick(implicit, 465, 587)
	case ManageSieve:
		return pick(implicit, 0, 4190)
	}
	return 0
}

func pick(first bool, a, b int) int {
	if first {
		return a
	}
	return b
}

// Normalize fills what is left out of a server and brings its host name into
// ASCII. It doesn't judge: that is Check.
func (s Server) Normalize(p Protocol) Server {
	if s.Security == "" {
		s.Security = securityAt(p, s.Port)
	}
	if s.Port == 0 {
		s.Port = RegisteredPort(p, s.Security)
	}
	if len(s.Auth) == 0 {
		s.Auth = []Auth{AuthPlain}
	} else {
		s.Auth = slices.Clone(s.Auth)
		for i, a := range s.Auth {
			s.Auth[i] = canonicalAuth(a)
		}
	}
	if host, err := ParseDomain(s.Host); err == nil {
		s.Host = host
	}
	return s
}

// securityAt is what a server without a stated security has: by its port, if that
// is registered for STARTTLS (25 is often used for submission), else implicit TLS.
func securityAt(p Protocol, port int) Security {
	if p == ManageSieve || port != 0 && port == RegisteredPort(p, STARTTLS) || p == SMTP && port == 25 {
		return STARTTLS
	}
	return TLS
}

// canonicalAuth forgives the letter case of a mechanism.
func canonicalAuth(a Auth) Auth {
	for _, known := range allAuth {
		if strings.EqualFold(string(a), string(known)) {
			return known
		}
	}
	return a
}

// PortWarning says why the server's security doesn't fit its port; "" if it does.
func (s Server) PortWarning(p Protocol) string {
	switch {
	case s.Security == STARTTLS && p != ManageSieve && s.Port == RegisteredPort(p, TLS):
		return fmt.Sprintf("port %d is registered for implicit TLS, where STARTTLS doesn't work; "+
			"write security: tls, or port %d", s.Port, RegisteredPort(p, STARTTLS))
	case s.Security != TLS || securityAt(p, s.Port) != STARTTLS:
		return ""
	}
	return fmt.Sprintf("port %d is registered for STARTTLS: Thunderbird takes it for that in Autodiscover; write "+
		"security: starttls, or port %d", s.Port, RegisteredPort(p, TLS))
}

// Check lists what is wrong with a normalised server.
func (s Server) Check(p Protocol, path string) Problems {
	var problems Problems
	if _, err := ParseDomain(s.Host); err != nil {
		if s.Host == "" {
			problems.Add(path, "the %s server needs a host", p)
		} else {
			problems.Add(path+".host", "%q is not a host name", s.Host)
		}
	}
	if s.Port < 1 || s.Port > 65535 {
		problems.Add(path+".port", "%d is not a port: it must be 1 to 65535", s.Port)
	}
	switch s.Security {
	case TLS, STARTTLS:
		if warning := s.PortWarning(p); warning != "" {
			problems.Warn(path+".port", "%s", warning)
		}
	case None:
		if !s.AllowPlaintext {
			problems.Add(path+".security", "security none sends passwords in the clear; use tls or starttls, or set "+
				"allow_plaintext: true on this server")
		}
	default:
		problems.Add(path+".security", "%q is not a kind of security: use tls, starttls or none", s.Security)
	}
	for i, a := range s.Auth {
		at := fmt.Sprintf("%s.auth[%d]", path, i)
		if !slices.Contains(allAuth, a) {
			problems.Add(at, "%q is not an authentication mechanism: use one of %s", a, joinAuth(allAuth))
		} else if (a == AuthNone || a == AuthClientIP) && p != SMTP {
			problems.Add(at, "%s is possible only for smtp", a)
		}
	}
	problems = append(problems, s.Username.Check(path+".username")...)
	return problems
}

func joinAuth(list []Auth) string {
	words := make([]string, len(list))
	for i, a := range list {
		words[i] = string(a)
	}
	return strings.Join(words, ", ")
}

// Best is the server of a list that every format names: the first with implicit
// TLS, else the first with STARTTLS, else the first. Clients differ in which of
// several they take (Thunderbird the first, Evolution the last), so they are
// never shown more than one. It reports false for an empty list.
func Best(servers []Server) (Server, bool) {
	for _, security := range []Security{TLS, STARTTLS} {
		for _, s := range servers {
			if s.Security == security {
				return s, true
			}
		}
	}
	if len(servers) == 0 {
		return Server{}, false
	}
	return servers[0], true
}
