package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxProcess is the largest process file, in bytes.
const maxProcess = 64 << 10

// Process is how the service runs (autoconfig.yaml). What is left out has the
// value of [Defaults].
type Process struct {
	Listen       string  `yaml:"listen" doc:"public listener, for mail programs; with tls it speaks https, else plain http behind a proxy"`
	HTTPListen   string  `yaml:"http_listen" doc:"plain http beside a public listener with tls: pages, links, profiles and configurations are redirected to https"`
	AdminListen  string  `yaml:"admin_listen" doc:"private listener: health, readiness, metrics"`
	StaffListen  string  `yaml:"staff_listen" doc:"listener of the help desk's pages and the API, where they aren't on admin_listen; with tls it speaks https, else plain http behind a proxy"`
	StaffURL     string  `yaml:"staff_url" doc:"where the help desk is reached: https, host, no path; the only name by which it answers (http only for a loopback address)"`
	OIDC         OIDC    `yaml:"oidc" doc:"identity provider of the help desk (OpenID Connect)"`
	Database     string  `yaml:"database" doc:"where the site is kept: sqlite:FILE, relative to the configuration's folder, postgres://USER:PASSWORD@HOST/NAME or mysql://USER:PASSWORD@HOST/NAME (MariaDB too)"`
	DatabaseFile string  `yaml:"database_file" doc:"file whose first line is the database, where that has a password in it"`
	Connections  int     `yaml:"database_connections" doc:"connections to the database at once, of this process"`
	Drain        string  `yaml:"drain" doc:"how long a service that is stopped goes on while /readyz says so, such as 5s, for load balancers; 0s by default"`
	PublicURL    string  `yaml:"public_url" doc:"where this service is reached from outside: https, host, no path; URLs in answers are made from it"`
	SecretFile   string  `yaml:"secret_file" doc:"32 random bytes from which keys derive; made at the first start if it isn't there"`
	TLS          KeyPair `yaml:"tls" doc:"certificate of the public listener; read again when the files change"`
	Signing      KeyPair `yaml:"signing" doc:"what signs Apple's profiles: RSA or P-256; read again when the files change"`
	// AdminHosts are names without a port.
	AdminHosts []string `yaml:"admin_hosts" doc:"names by which the private listener answers beside addresses, localhost and staff_url's, such as the one that Prometheus asks"`
	HSTSDays   int      `yaml:"hsts_days" doc:"days for which browsers that were here by https come by https alone (HSTS); 0 makes them forget it"`
	// TrustedProxies are addresses or networks in CIDR notation.
	TrustedProxies []string  `yaml:"trusted_proxies" doc:"addresses or networks from which X-Forwarded-For and X-Forwarded-Proto are believed"`
	RateLimit      RateLimit `yaml:"rate_limit" doc:"bounds the public requests of one client: an IPv4 address or an IPv6 /64"`
	Limits         Limits    `yaml:"limits" doc:"what clients hold at once; operators.md has the arithmetic"`
	Sources        []Source  `yaml:"sources" doc:"where accounts are kept outside of our own database; asked in this order, after it"`
	Cache          Cache     `yaml:"cache" doc:"what is kept in memory"`
	Check          Check     `yaml:"check" doc:"how domains are checked"`
	Links          Links     `yaml:"links" doc:"setup links"`
	Retention      Retention `yaml:"retention" doc:"how long is kept what is kept of people"`
	Templates      string    `yaml:"templates_folder" doc:"folder with messages, pages and assets that take the place of the built-in ones"`
	Log            Log       `yaml:"log" doc:"what is logged, to standard error"`
}

// Check says how domains are checked.
type Check struct {
	Resolver []string `yaml:"resolver" doc:"recursive name servers, HOST[:PORT]; by default the machine's"`
	// TrustResolver: whether the AD bit means anything.
	TrustResolver bool     `yaml:"trust_resolver" doc:"whether these validate DNSSEC, and the way to them is safe"`
	Every         string   `yaml:"every" doc:"how often a running service checks each domain, such as 24h; 0 for never"`
	Webhook       Webhook  `yaml:"webhook" doc:"what is told when a domain's state changes"`
	AllowNetworks []string `yaml:"allow_networks" doc:"networks that may be dialled beside public addresses, where names lead to other addresses inside"`
}

// OIDC is an identity provider.
type OIDC struct {
	Issuer           string            `yaml:"issuer" doc:"https URL of the provider, as in its ID tokens"`
	ClientID         string            `yaml:"client_id" doc:"this service's identity at the provider; the redirect URI there is staff_url and /helpdesk/oidc/callback"`
	ClientSecretFile string            `yaml:"client_secret_file" doc:"file with the client's secret"`
	Audiences        []string          `yaml:"trusted_audiences" doc:"audiences that an ID token may name beside client_id; a token with any other is refused"`
	RoleClaim        string            `yaml:"role_claim" doc:"claim of the ID token that leads to a role, such as groups"`
	Roles            map[string]string `yaml:"roles" doc:"staff or admin by the claim's value; whoever has none is refused"`
	DomainClaim      string            `yaml:"domain_claim" doc:"claim of the ID token that leads to domains; without it, everybody serves all"`
	Domains          map[string]string `yaml:"domains" doc:"domains, separated by blanks, or *, by the claim's value; whoever has none is refused"`
}

// Links bounds setup links.
type Links struct {
	Valid string `yaml:"valid" doc:"how long a link works where nothing else is asked for, such as 24h"`
	Uses  int    `yaml:"uses" doc:"how often it works where nothing else is asked for"`
}

// Retention is in days.
type Retention struct {
	Links int `yaml:"links" doc:"days for which a link is kept after its end, with what happened to it"`
	Audit int `yaml:"audit" doc:"days for which an entry of the audit log is kept"`
	// Overrides end with their account, not before.
	Overrides int `yaml:"overrides" doc:"days for which an override is kept after its account is gone from every source"`
}

// Webhook is where changes are told.
type Webhook struct {
	URL        string `yaml:"url" doc:"https URL that gets a signed POST (standardwebhooks.com)"`
	SecretFile string `yaml:"secret_file" doc:"file with the secret of the signature"`
}

// KeyPair is a certificate and its key, in PEM files.
type KeyPair struct {
	Certificate string `yaml:"certificate" doc:"PEM file: the certificate, then its intermediates"`
	Key         string `yaml:"key" doc:"PEM file: the key"`
}

// RateLimit bounds a client's requests.
type RateLimit struct {
	PerSecond float64 `yaml:"per_second" doc:"requests per second in the long run; 0 for no limit"`
	Burst     int     `yaml:"burst" doc:"requests at once"`
}

// Limits bound what clients hold at once.
type Limits struct {
	Connections int `yaml:"connections" doc:"connections at once, on listen and http_listen together, and as many on staff_listen; about 50 kB of memory each at worst"`
	PerClient   int `yaml:"per_client" doc:"connections of one client: an IPv4 address or an IPv6 /64; trusted proxies have as many as they like"`
	Requests    int `yaml:"requests" doc:"requests that are worked on at once; what is more waits for a moment, then gets 503"`
}

// Cache bounds what is kept in memory.
type Cache struct {
	Entries int `yaml:"entries" doc:"accounts that are kept from each source; about 500 bytes each, and as much for collecting what is no longer needed"`
}

// Log says what is logged.
type Log struct {
	Level  string `yaml:"level" doc:"debug, info, warn or error"`
	Format string `yaml:"format" doc:"text or json"`
}

// Defaults are what holds where nothing is said.
func Defaults() Process {
	return Process{ //nolint:gosec // G101 takes a file name for a secret
		Listen:      "127.0.0.1:8080", // a proxy with TLS stands in front
		AdminListen: "127.0.0.1:8081", // never for strangers
		Database:    "sqlite:autoconfig.db",
		Connections: 8,
		Drain:       "0s",
		PublicURL:   "http://127.0.0.1:8080",
		HSTSDays:    180,
		SecretFile:  "autoconfig.secret",
		// Thunderbird asks about eight times for one account; behind one address there
		// may be an office of a thousand, which starts within ten minutes on a Monday:
		// 13 a second, and three times that in the worst minute.
		RateLimit: RateLimit{PerSecond: 50, Burst: 1000},
		Limits:    Limits{Connections: 4096, PerClient: 512, Requests: 256},
		Cache:     Cache{Entries: 50_000},
		Check:     Check{Every: "24h"},
		Links:     Links{Valid: "24h", Uses: 1},
		Retention: Retention{Links: 90, Audit: 365, Overrides: 90},
		Log:       Log{Level: "info", Format: "text"},
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
	if err := d.err(file); err != nil {
		return Process{}, err
	}
	process.check(func(path, format string, args ...any) {
		at := place(find(d.body, path))
		d.add(at.Line, at.Column, format, args...)
	})
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

func (p Process) check(wrong func(path, format string, args ...any)) {
	for _, l := range []struct{ key, address string }{{"listen", p.Listen}, {"http_listen", p.HTTPListen}, {"admin_listen", p.AdminListen}, {"staff_listen", p.StaffListen}} {
		if l.address == "" && (l.key == "http_listen" || l.key == "staff_listen") {
			continue
		}
		if !isHostPort(l.address) {
			wrong(l.key, "%q is not an address to listen on: write HOST:PORT, such as 127.0.0.1:8080 or :443", l.address)
		}
	}
	if p.DatabaseFile == "" && !isDatabase(p.Database) {
		wrong("database", "this is not a database; write sqlite:FILE, postgres://USER:PASSWORD@HOST/NAME or mysql://USER:PASSWORD@HOST/NAME") // it may have a password in it
	}
	if p.Connections < 2 || p.Connections > 1000 {
		wrong("database_connections", "%d connections are not possible; use 2 to 1000", p.Connections)
	}
	if d, err := time.ParseDuration(p.Drain); err != nil || d < 0 || d > 5*time.Minute {
		wrong("drain", "%q is not possible: write a time of at most 5m, such as 5s", p.Drain)
	}
	if !isPublicURL(p.PublicURL) {
		wrong("public_url", "%q is not possible: write https:// and a host, without a path (http only for a loopback address)", p.PublicURL)
	}
	if p.StaffURL != "" && !isPublicURL(p.StaffURL) {
		wrong("staff_url", "%q is not possible: write https:// and a host, without a path (http only for a loopback address)", p.StaffURL)
	}
	if p.StaffListen != "" && p.StaffURL == "" {
		wrong("staff_listen", "staff_listen needs a staff_url: the only name by which the help desk answers")
	}
	p.OIDC.check(wrong)
	p.checkSources(wrong)
	if p.SecretFile == "" {
		wrong("secret_file", "a file for the secret is needed")
	}
	for _, k := range []struct {
		key  string
		pair KeyPair
	}{{"tls", p.TLS}, {"signing", p.Signing}} {
		if (k.pair.Certificate == "") != (k.pair.Key == "") {
			wrong(k.key, "%s needs both a certificate and a key", k.key)
		}
	}
	if p.HTTPListen != "" && p.TLS.Certificate == "" {
		wrong("http_listen", "http_listen redirects to https, which needs tls: {certificate, key}")
	}
	if p.HTTPListen != "" && !strings.HasPrefix(p.PublicURL, "https://") {
		wrong("http_listen", "http_listen redirects to https, which needs a public_url that begins with https://")
	}
	for i, name := range p.AdminHosts {
		if !isHostName(name) {
			wrong("admin_hosts["+strconv.Itoa(i)+"]", "%q is not a host's name: write it without a port, such as autoconfig.internal", name)
		}
	}
	if p.HSTSDays < 0 || p.HSTSDays > 730 {
		wrong("hsts_days", "%d days are not possible; use 0 to 730", p.HSTSDays)
	}
	for i, text := range p.TrustedProxies {
		if _, err := parsePrefix(text); err != nil {
			wrong("trusted_proxies["+strconv.Itoa(i)+"]", "%q is neither an address nor a network such as 192.0.2.0/24", text)
		}
	}
	if every, err := time.ParseDuration(p.Check.Every); err != nil || every < 0 || every > 0 && every < time.Minute {
		wrong("check.every", "%q is not possible: write a time of a minute or more, such as 24h, or 0 for never", p.Check.Every)
	}
	if hook := p.Check.Webhook; hook.URL != "" && !strings.HasPrefix(hook.URL, "https://") && !strings.HasPrefix(hook.URL, "http://127.0.0.1") {
		wrong("check.webhook.url", "%q is not possible: write an https URL", hook.URL)
	} else if hook.URL != "" && hook.SecretFile == "" {
		wrong("check.webhook", "a webhook needs a secret_file, with which it is signed")
	}
	for i, text := range p.Check.AllowNetworks {
		if _, err := parsePrefix(text); err != nil {
			wrong("check.allow_networks["+strconv.Itoa(i)+"]", "%q is neither an address nor a network such as 192.0.2.0/24", text)
		}
	}
	if p.RateLimit.PerSecond > 0 && p.RateLimit.Burst < 1 {
		wrong("rate_limit.burst", "a burst of %d refuses everything; use 1 or more, or per_second: 0 for no limit", p.RateLimit.Burst)
	}
	p.Limits.check(wrong)
	if valid, err := time.ParseDuration(p.Links.Valid); err != nil || valid < time.Minute || valid > 720*time.Hour {
		wrong("links.valid", "%q is not possible: write a time of one minute to 30 days, such as 24h", p.Links.Valid)
	}
	if p.Links.Uses < 1 || p.Links.Uses > 100 {
		wrong("links.uses", "%d uses are not possible; use 1 to 100", p.Links.Uses)
	}
	if p.Retention.Links < 1 || p.Retention.Audit < 1 || p.Retention.Overrides < 1 {
		wrong("retention", "what is kept of people is kept for a day or more")
	}
	if p.Cache.Entries < 1 {
		wrong("cache.entries", "%d entries are not possible; use 1 or more", p.Cache.Entries)
	}
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, p.Log.Level) {
		wrong("log.level", "%q is not a level: use debug, info, warn or error", p.Log.Level)
	}
	if !slices.Contains([]string{"text", "json"}, p.Log.Format) {
		wrong("log.format", "%q is not a format: use text or json", p.Log.Format)
	}
}

func (l Limits) check(wrong func(path, format string, args ...any)) {
	for _, k := range []struct {
		key          string
		value, least int
	}{{"connections", l.Connections, 64}, {"per_client", l.PerClient, 16}, {"requests", l.Requests, 8}} {
		if k.value < k.least || k.value > 100_000 {
			wrong("limits."+k.key, "%d are not possible; use %d to 100000", k.value, k.least)
		}
	}
}

func (o OIDC) check(wrong func(path, format string, args ...any)) {
	if o.Issuer == "" {
		if o.ClientID != "" || o.RoleClaim != "" {
			wrong("oidc", "oidc needs an issuer")
		}
		return
	}
	if !strings.HasPrefix(o.Issuer, "https://") && !strings.HasPrefix(o.Issuer, "http://127.0.0.1") {
		wrong("oidc.issuer", "%q is not possible: write an https URL", o.Issuer)
	}
	if o.ClientID == "" || o.ClientSecretFile == "" {
		wrong("oidc", "oidc needs a client_id and a client_secret_file")
	}
	if slices.Contains(o.Audiences, "") {
		wrong("oidc.trusted_audiences", "an audience can't be empty: write the client's or project's identity at the provider")
	}
	if o.RoleClaim == "" || len(o.Roles) == 0 {
		wrong("oidc", "oidc needs a role_claim, and roles by its values: nobody would be let in")
	}
	for _, role := range o.Roles {
		if role != "staff" && role != "admin" {
			wrong("oidc.roles", "%q is not a role: use staff or admin", role)
		}
	}
	if (o.DomainClaim == "") != (len(o.Domains) == 0) {
		wrong("oidc", "domain_claim and domains need each other")
	}
}

// isDatabase tells whether a text has the form of a database's address; whether
// all of it is right, the one who opens it says.
func isDatabase(address string) bool {
	if file, ok := strings.CutPrefix(address, "sqlite:"); ok {
		return file != ""
	}
	scheme, rest, _ := strings.Cut(address, "://")
	return rest != "" && slices.Contains([]string{"postgres", "postgresql", "mysql", "mariadb"}, scheme)
}

func isHostPort(address string) bool {
	host, port, err := net.SplitHostPort(address)
	n, portErr := strconv.Atoi(port)
	return err == nil && portErr == nil && n >= 0 && n <= 65535 && !strings.ContainsAny(host, " /")
}

// isHostName also takes what only a local resolver knows, such as a container's name.
func isHostName(name string) bool { return hostName.MatchString(name) }

var hostName = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?$`)

func isPublicURL(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	loopback := u.Hostname() == "localhost" || err == nil && ip.IsLoopback()
	return u.Scheme == "https" || u.Scheme == "http" && loopback
}

func parsePrefix(text string) (netip.Prefix, error) {
	if address, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(address, address.BitLen()), nil
	}
	return netip.ParsePrefix(text)
}

// HSTS is for how long browsers come by https alone.
func (p Process) HSTS() time.Duration { return time.Duration(p.HSTSDays) * 24 * time.Hour }

// Proxies are the trusted networks.
func (p Process) Proxies() []netip.Prefix { return parsed(p.TrustedProxies) }

// Interval is how often domains are checked, 0 for never.
func (c Check) Interval() time.Duration {
	every, _ := time.ParseDuration(c.Every) // checked when it was read
	return every
}

// DrainTime is how long a service that is stopped goes on.
func (p Process) DrainTime() time.Duration {
	drain, _ := time.ParseDuration(p.Drain) // checked when it was read
	return drain
}

// Life is how long a link works where nothing else is asked for.
func (l Links) Life() time.Duration {
	life, _ := time.ParseDuration(l.Valid) // checked when it was read
	return life
}

// Networks are those that may be dialled beside public addresses.
func (c Check) Networks() []netip.Prefix { return parsed(c.AllowNetworks) }

// parsed are networks that were checked when they were read.
func parsed(texts []string) []netip.Prefix {
	var all []netip.Prefix
	for _, text := range texts {
		if prefix, err := parsePrefix(text); err == nil {
			all = append(all, prefix)
		}
	}
	return all
}

// Resolve reads the files that hold values. Relative ones are in folder.
func (p Process) Resolve(folder string) (Process, error) {
	if p.DatabaseFile == "" {
		return p, nil
	}
	file := p.DatabaseFile
	if !filepath.IsAbs(file) {
		file = filepath.Join(folder, file)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return p, fmt.Errorf("database_file: %w", err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	if p.Database = strings.TrimSpace(line); p.Database == "" {
		return p, fmt.Errorf("database_file: the first line of %s is empty", file)
	}
	return p, nil
}
