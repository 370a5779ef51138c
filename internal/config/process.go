package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"time"

	"autoconfig/internal/database"
)

// maxProcess is the largest process file, in bytes.
const maxProcess = 64 << 10

// Process configures how the service runs (autoconfig.yaml). Keys that are left out have
// the values of [Defaults].
type Process struct {
	Listen       ListenAddress    `yaml:"listen" doc:"public listener, for mail programs; with tls it speaks https, else plain http behind a proxy"`
	HTTPListen   ListenAddress    `yaml:"http_listen" doc:"plain http beside a public listener with tls: pages, links, profiles and configurations are redirected to https"`
	AdminListen  ListenAddress    `yaml:"admin_listen" doc:"private listener: health, readiness, metrics"`
	StaffListen  ListenAddress    `yaml:"staff_listen" doc:"listener of the help desk's pages and the API, where they aren't on admin_listen; with tls it speaks https, else plain http behind a proxy"`
	StaffURL     BaseURL          `yaml:"staff_url" doc:"where the help desk is reached: https, host, no path; the only name by which it answers (http only for a loopback address)"`
	OIDC         OIDC             `yaml:"oidc" doc:"identity provider of the help desk (OpenID Connect)"`
	Database     database.Address `yaml:"database" doc:"where the site is kept: sqlite:FILE, relative to the configuration's folder, postgres://USER:PASSWORD@HOST/NAME or mysql://USER:PASSWORD@HOST/NAME (MariaDB too)"`
	DatabaseFile string           `yaml:"database_file" doc:"file whose first line is the database, where that has a password in it"`
	Connections  int              `yaml:"database_connections" min:"2" max:"1000" unit:"connections" doc:"connections to the database at once, of this process"`
	Drain        time.Duration    `yaml:"drain" min:"0s" max:"5m" doc:"how long a service that is stopped goes on while /readyz says so, for load balancers; 0s by default"`
	PublicURL    BaseURL          `yaml:"public_url" doc:"where this service is reached from outside: https, host, no path; URLs in answers are made from it"`
	SecretFile   string           `yaml:"secret_file" doc:"32 random bytes from which keys derive; made at the first start if it isn't there"`
	TLS          TLS              `yaml:"tls" doc:"certificates of the public listener, and of staff_listen"`
	ACME         ACME             `yaml:"acme" doc:"how certificates are got, with tls: {mode: acme}"`
	Signing      KeyPair          `yaml:"signing" doc:"what signs Apple's profiles: RSA or P-256; read again when the files change"`
	// AdminHosts are names without ports.
	AdminHosts     []string       `yaml:"admin_hosts" doc:"names by which the private listener answers beside addresses, localhost and staff_url's, such as the one that Prometheus asks"`
	HSTSDays       int            `yaml:"hsts_days" min:"0" max:"730" unit:"days" doc:"days for which browsers that were here by https come by https alone (HSTS); 0 makes them forget it"`
	TrustedProxies []netip.Prefix `yaml:"trusted_proxies" doc:"addresses or networks of proxies, which are believed who the client is and how it came"`
	ProxyHeader    ProxyHeader    `yaml:"proxy_header" doc:"where trusted proxies say that: x-forwarded (X-Forwarded-For and X-Forwarded-Proto) or forwarded (RFC 7239); the other one isn't read"`
	ProxyProtocol  bool           `yaml:"proxy_protocol" doc:"trusted proxies begin each connection to listen, http_listen and staff_listen with the PROXY protocol, version 1 or 2"`
	RateLimit      RateLimit      `yaml:"rate_limit" doc:"bounds the public requests of one client: an IPv4 address or an IPv6 /64"`
	Limits         Limits         `yaml:"limits" doc:"what clients hold at once; docs/limits.md has the arithmetic"`
	Sources        []Source       `yaml:"sources" doc:"where accounts are kept outside of our own database; asked in this order, after it"`
	Cache          Cache          `yaml:"cache" doc:"what is kept in memory"`
	Trace          Trace          `yaml:"trace" doc:"what is remembered of the last requests, without addresses, for autoconfig trace and the domain's page"`
	Check          Check          `yaml:"check" doc:"how domains are checked"`
	Links          Links          `yaml:"links" doc:"setup links"`
	SMTP           SMTP           `yaml:"smtp" doc:"how setup links and welcome messages are sent by mail"`
	Retention      Retention      `yaml:"retention" doc:"how long is kept what is kept of people"`
	Templates      string         `yaml:"templates_folder" doc:"folder with messages, pages and assets that take the place of the built-in ones"`
	Log            Log            `yaml:"log" doc:"what is logged, to standard error"`
}

// Trace bounds how many requests are remembered, in memory.
type Trace struct {
	Requests int `yaml:"requests" min:"0" max:"1000" unit:"requests" doc:"of each domain; 0 for none"`
	Domains  int `yaml:"domains" min:"0" max:"1000000" unit:"domains" doc:"that were asked about last; each takes some 2 KB with 20 requests"`
}

// Check configures how domains are checked.
type Check struct {
	Resolver []string `yaml:"resolver" doc:"recursive name servers, HOST[:PORT]; by default the machine's"`
	// TrustResolver: whether the resolver's AD bit can be trusted.
	TrustResolver bool           `yaml:"trust_resolver" doc:"whether these validate DNSSEC, and the way to them is safe"`
	Every         time.Duration  `yaml:"every" min:"1m" zero:"never" doc:"how often a running service checks each domain"`
	Webhook       Webhook        `yaml:"webhook" doc:"what is told when a domain's state changes"`
	AllowNetworks []netip.Prefix `yaml:"allow_networks" doc:"networks that may be dialled beside public addresses, where names lead to other addresses inside"`
}

// OIDC is an identity provider.
type OIDC struct {
	Issuer           WebURL           `yaml:"issuer" doc:"https URL of the provider, as in its ID tokens"`
	ClientID         string           `yaml:"client_id" doc:"this service's identity at the provider; the redirect URI there is staff_url and /helpdesk/oidc/callback"`
	ClientSecretFile string           `yaml:"client_secret_file" doc:"file with the client's secret"`
	Audiences        []string         `yaml:"trusted_audiences" doc:"audiences that an ID token may name beside client_id; a token with any other is refused"`
	RoleClaim        string           `yaml:"role_claim" doc:"claim of the ID token that leads to a role, such as groups"`
	Roles            map[string]Role  `yaml:"roles" doc:"staff or admin by the claim's value; whoever has none is refused"`
	DomainClaim      string           `yaml:"domain_claim" doc:"claim of the ID token that leads to domains; without it, everybody serves all"`
	Domains          map[string]Words `yaml:"domains" doc:"domains, separated by blanks, or *, by the claim's value; whoever has none is refused"`
}

// Links configures setup links.
type Links struct {
	Valid time.Duration `yaml:"valid" min:"1m" max:"720h" doc:"how long a link works where nothing else is asked for"`
	Uses  int           `yaml:"uses" min:"1" max:"100" unit:"uses" doc:"how often it works where nothing else is asked for"`
	// Webhook gets neither addresses nor notes.
	Webhook Webhook `yaml:"webhook" doc:"what is told when a link is opened, used, revoked or has expired without a use"`
}

// Retention is in days.
type Retention struct {
	Links int `yaml:"links" min:"1" unit:"days" doc:"days for which a link is kept after its end, with what happened to it"`
	Audit int `yaml:"audit" min:"1" unit:"days" doc:"days for which an entry of the audit log is kept"`
	// Overrides are kept at least as long as their accounts.
	Overrides int `yaml:"overrides" min:"1" unit:"days" doc:"days for which an override is kept after its account is gone from every source"`
}

// Webhook is a URL that is notified of changes.
type Webhook struct {
	URL        WebURL `yaml:"url" doc:"https URL that gets a signed POST (standardwebhooks.com)"`
	SecretFile string `yaml:"secret_file" doc:"file with the secret of the signature"`
}

// KeyPair is a certificate and its key, in PEM files.
type KeyPair struct {
	Certificate string `yaml:"certificate" doc:"PEM file: the certificate, then its intermediates"`
	Key         string `yaml:"key" doc:"PEM file: the key"`
}

// TLS configures certificates.
type TLS struct {
	Mode    TLSMode `yaml:"mode" doc:"off (a proxy in front has TLS), files, or acme; by default files where a certificate is named, else off"`
	KeyPair `yaml:",inline"`
	Pairs   []KeyPair `yaml:"pairs" doc:"further certificates, of which the name that a client asks for chooses one"`
}

// All returns the certificates and keys in files.
func (t TLS) All() []KeyPair {
	if t.Certificate == "" {
		return t.Pairs
	}
	return append([]KeyPair{t.KeyPair}, t.Pairs...)
}

// Effective returns the mode, or the default that follows from the certificates.
func (t TLS) Effective() TLSMode {
	switch {
	case t.Mode != "":
		return t.Mode
	case len(t.All()) > 0:
		return TLSFiles
	}
	return TLSOff
}

// ACME configures how certificates are obtained (RFC 8555).
type ACME struct {
	AgreeToTerms bool     `yaml:"agree_to_terms" doc:"true says that you agree to the authority's terms of service; nothing is ordered without it"`
	Contact      string   `yaml:"contact" doc:"mail address to which the authority may write"`
	Directory    WebURL   `yaml:"directory" doc:"https URL of the ACME server"`
	Staging      bool     `yaml:"staging" doc:"use Let's Encrypt's server for trying things out, whose certificates nobody trusts"`
	External     External `yaml:"external_account" doc:"account that the authority knows already, where it asks for one (external account binding)"`
	CA           string   `yaml:"ca" doc:"PEM file with the authorities that vouch for the ACME server itself; by default the machine's"`
	// Addresses are where the names may point.
	Addresses     []IPAddress `yaml:"addresses" doc:"addresses that lead to this service, such as a load balancer's; by default those of this machine and of public_url"`
	CheckDNS      bool        `yaml:"check_dns" doc:"order only for names whose addresses are among these"`
	Challenges    []Challenge `yaml:"challenges" doc:"how a name is proven: tls-alpn-01 (port 443 of the name leads to listen), http-01 (port 80 leads to http_listen); by default what the listeners allow"`
	OrdersPerHour int         `yaml:"orders_per_hour" min:"1" max:"100000" unit:"orders" doc:"bounds the orders of all replicas; the names that clients ask for first have half of them, a domain a tenth"`
}

// External is an existing account at an authority (RFC 8555, section 7.3.4).
type External struct {
	KeyID   string `yaml:"key_id" doc:"the key's identifier, as the authority gave it"`
	KeyFile string `yaml:"key_file" doc:"file with the key, in base64url as the authority gave it"`
}

// RateLimit bounds the requests of a client.
type RateLimit struct {
	PerSecond float64 `yaml:"per_second" doc:"requests per second in the long run; 0 for no limit"`
	Burst     int     `yaml:"burst" doc:"requests at once"`
}

// Limits bound concurrent connections and requests.
type Limits struct {
	Connections int `yaml:"connections" min:"64" max:"100000" unit:"connections" doc:"connections at once, on listen and http_listen together, and as many on staff_listen; about 50 kB of memory each at worst"`
	PerClient   int `yaml:"per_client" min:"16" max:"100000" unit:"connections" doc:"connections of one client: an IPv4 address or an IPv6 /64; trusted proxies have as many as they like"`
	Requests    int `yaml:"requests" min:"8" max:"100000" unit:"requests" doc:"requests that are worked on at once; what is more waits for a moment, then gets 503"`
}

// Cache bounds the memory for cached accounts.
type Cache struct {
	Entries int `yaml:"entries" min:"1" unit:"entries" doc:"accounts that are kept from each source; about 500 bytes each, and as much for collecting what is no longer needed"`
}

// Log configures the log.
type Log struct {
	Level  LogLevel  `yaml:"level" doc:"debug, info, warn or error"`
	Format LogFormat `yaml:"format" doc:"text or json"`
}

// Defaults returns the values of keys that are left out.
func Defaults() Process {
	return Process{ //nolint:gosec // G101 takes a file name for a secret
		Listen:      ListenAddress{"127.0.0.1", 8080}, // behind a proxy with TLS
		AdminListen: ListenAddress{"127.0.0.1", 8081}, // never public
		Database:    database.Address{Kind: database.SQLite, File: "autoconfig.db"},
		Connections: 8,
		PublicURL:   BaseURL{&url.URL{Scheme: "http", Host: "127.0.0.1:8080"}},
		HSTSDays:    180,
		ProxyHeader: HeaderXForwarded,
		ACME: ACME{ // 300 new orders in 3 hours are what Let's Encrypt allows an account
			Directory: "https://acme-v02.api.letsencrypt.org/directory", CheckDNS: true, OrdersPerHour: 90,
		},
		SecretFile: "autoconfig.secret",
		// Thunderbird sends about eight requests for one account. Behind one address there
		// may be an office of a thousand that starts within ten minutes on a Monday: 13 a
		// second on average, and three times that in the worst minute.
		RateLimit: RateLimit{PerSecond: 50, Burst: 1000},
		Limits:    Limits{Connections: 4096, PerClient: 512, Requests: 256},
		Cache:     Cache{Entries: 50_000},
		Trace:     Trace{Requests: 20, Domains: 2000},
		Check:     Check{Every: 24 * time.Hour},
		Links:     Links{Valid: 24 * time.Hour, Uses: 1},
		SMTP:      SMTP{Security: SMTPTLS, PerPerson: 60, PerToken: 3600, PerRecipient: 10, GiveUp: 24 * time.Hour},
		Retention: Retention{Links: 90, Audit: 365, Overrides: 90},
		Log:       Log{Level: LogLevel(slog.LevelInfo), Format: LogText},
	}
}

// ReadProcess reads and checks a process file. ${NAME} in a value stands for an
// environment variable, which env looks up; $${ is a literal ${.
func ReadProcess(file string, source []byte, env func(string) (string, bool)) (Process, error) {
	d, err := parse(file, source, maxProcess)
	if err != nil {
		return Process{}, err
	}
	process := Defaults()
	if d.body == nil {
		return process, nil
	}
	decode := &decoder{complaints: &d.complaints, expand: func(text string) (string, error) { return expand(text, env) }}
	decode.decode(d.body, reflect.ValueOf(&process).Elem())
	if len(d.items) == len(decode.refused) {
		process.check(func(path, format string, args ...any) {
			if node := find(d.body, path); !decode.refused[place(node)] {
				decode.wrong(node, format, args...)
			}
		})
	}
	if err := d.err(file); err != nil {
		return Process{}, err
	}
	return process, nil
}

var reference = regexp.MustCompile(`\$?\$\{([^}]*)\}?`)

func expand(text string, env func(string) (string, bool)) (string, error) {
	var failure error
	expanded := reference.ReplaceAllStringFunc(text, func(match string) string {
		if strings.HasPrefix(match, "$$") {
			return match[1:]
		}
		name := strings.TrimSuffix(strings.TrimPrefix(match, "${"), "}")
		value, found := env(name)
		switch {
		case !strings.HasSuffix(match, "}") || name == "":
			failure = errors.New("a ${NAME} isn't closed or has no name; write $${ for a literal ${")
		case !found:
			failure = fmt.Errorf("the environment variable %s is not set", name)
		}
		return value
	})
	return expanded, failure
}

// HSTS is the time for which browsers use https only.
func (p Process) HSTS() time.Duration { return time.Duration(p.HSTSDays) * 24 * time.Hour }

// Resolve reads the files that hold values. Relative ones are in folder.
func (p Process) Resolve(folder string) (Process, error) {
	if p.DatabaseFile == "" {
		return p, nil
	}
	file := p.DatabaseFile
	if !filepath.IsAbs(file) {
		file = filepath.Join(folder, file)
	}
	var err error
	if p.Database, err = ReadDatabase(file); err != nil {
		return p, fmt.Errorf("database_file: %w", err)
	}
	return p, nil
}

// ReadDatabase reads a file whose first line is the address of a database, without the
// blanks around it.
func ReadDatabase(file string) (database.Address, error) {
	line, err := ReadFirstLine(file)
	if err != nil {
		return database.Address{}, err
	}
	return database.Parse(strings.TrimSpace(line))
}

// ReadFirstLine reads a secret, which is the first line of a file. Blanks are part of it.
func ReadFirstLine(file string) (string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	line, _, _ := strings.Cut(string(text), "\n")
	if line = strings.TrimSuffix(line, "\r"); strings.TrimSpace(line) == "" {
		return "", fmt.Errorf("the first line of %s is empty", file)
	}
	return line, nil
}
