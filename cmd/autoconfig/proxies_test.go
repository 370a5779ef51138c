package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"autoconfig/internal/testkit"
)

// proxyWorld is the service behind a proxy that is configured as docs/proxies.md says.
type proxyWorld struct {
	folder     string // with the certificate, the key and the proxy's log
	plain, tls string // where the proxy listens; plain is "" where it doesn't
	redirects  string // where the service answers plain http, if the proxy passes that on
	log        string // the file of its access log
	errors     string // of its log of errors, if it has one of its own
	out        string // of what it says otherwise
	ca         *testkit.CA
	roots      *x509.CertPool // whom its clients trust
}

// The page's proxies, as they stand there: the client that is counted is the real one,
// whatever it says; the scheme is right; an address keeps its slash; and the access log has
// neither links nor addresses.
func TestBehindTheProxiesOfThePage(t *testing.T) {
	t.Parallel()
	for name, c := range proxyCases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.Need(t, c.program)
			w := newProxyWorld(t)
			w.startProxy(t, c, w.startService(t, c))
			w.clients(t, behindURL, http.StatusOK)
			if !c.noPlain {
				w.clients(t, strings.Replace(behindURL, "https:", "http:", 1), http.StatusFound)
			}
			w.answers(t, c)
			if !c.unlogged {
				w.logged(t)
			}
		})
	}
}

// A proxy's log of errors is a log, too: it has nothing secret when the service hangs up or is
// gone. Neither has the access log where an answer leads to a link.
func TestTheProxiesOfThePageKeepSecretsInTrouble(t *testing.T) {
	t.Parallel()
	for name, c := range proxyCases {
		if c.unlogged {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.Need(t, c.program)
			w := newProxyWorld(t)
			service := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/" {
					panic(http.ErrAbortHandler)
				}
				http.Redirect(rw, r, aLink, http.StatusFound)
			}))
			defer service.Close()
			w.startProxy(t, c, service.Listener.Addr().String())
			ask := func(url string, right func(status int) bool) {
				t.Helper()
				if status, _, body := w.ask(t, "127.0.0.8", url, "Referer", aLink); !right(status) {
					t.Errorf("%s: %d %s", url, status, body)
				}
			}
			ask("https://autoconfig.example.com/", func(status int) bool { return status == http.StatusFound })
			failed := func(status int) bool { return status >= http.StatusInternalServerError }
			ask(aLink, failed)
			ask(behindURL, failed)
			service.Close()
			ask(aLink, failed)
			ask(behindURL, failed)
			var text string
			testkit.Until(t, func() string { return "the log has: " + text }, func() bool {
				text = textOf(w.log)
				return strings.Count(text, `/mail/config-v1.1.xml`) == 2
			})
			keepsSecrets(t, text+textOf(w.out)+textOf(w.errors))
		})
	}
}

// textOf is what a file has; nothing if it isn't there.
func textOf(file string) string {
	text, _ := os.ReadFile(file)
	return string(text)
}

// newProxyWorld is a place without a proxy and a service yet.
func newProxyWorld(t *testing.T) *proxyWorld {
	t.Helper()
	// Under /tmp itself: a proxy that gives up its rights must reach its folder.
	folder, err := os.MkdirTemp("", "proxy")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	if err := os.Chmod(folder, 0o777); err != nil {
		t.Fatal(err)
	}
	w := &proxyWorld{
		folder: folder, ca: testkit.NewCA(t), plain: testkit.FreeAddress(t), tls: testkit.FreeAddress(t), redirects: testkit.FreeAddress(t),
		log: filepath.Join(folder, "access.log"), errors: filepath.Join(folder, "error.log"),
	}
	w.roots = w.ca.Pool()
	certificate, key := w.ca.Issue(t, testkit.Leaf{Names: []string{"autoconfig.example.com", "autodiscover.example.com", "setup.example.com"}}).PEM(t)
	put(t, folder, 0o600, map[string]string{"cert.pem": string(certificate), "key.pem": string(key), "both.pem": string(certificate) + string(key)})
	return w
}

// startProxy starts the proxy in front of a service.
func (w *proxyWorld) startProxy(t *testing.T, c proxyCase, service string) {
	t.Helper()
	folder := w.folder
	var all []string
	for _, b := range blocks(t, "../../docs/proxies.md") {
		if b.kind == c.kind {
			all = append(all, b.text)
		}
	}
	text := all[c.nth]
	if c.text != nil {
		text = c.text(all)
	}
	file := filepath.Join(folder, "proxy.conf")
	text = fmt.Sprintf(c.rest(w), w.here(service).Replace(text))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := os.Create(filepath.Join(folder, "out"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := c.command(w, file)
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = folder, out, out, &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		_ = cmd.Wait()
		_ = out.Close()
	})
	w.out = out.Name()
	if c.kind == "haproxy" { // it logs to standard output
		w.log = w.out
	}
	testkit.Until(t, func() string {
		said, _ := os.ReadFile(out.Name())
		return fmt.Sprintf("the proxy doesn't listen: %s\n%s", said, text)
	}, func() bool {
		conn, err := net.DialTimeout("tcp", w.tls, time.Second)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
}

// startService serves the demo site, and lets each client ask three times.
func (w *proxyWorld) startService(t *testing.T, c proxyCase) (address string) {
	t.Helper()
	site, err := os.ReadFile("../../internal/config/demo.yaml")
	if err != nil {
		t.Fatal(err)
	}
	more := c.service
	if c.passes {
		more += "http_listen: " + w.redirects + "\nproxy_protocol: true\ntls: {certificate: cert.pem, key: key.pem}\n"
	}
	put(t, w.folder, 0o600, map[string]string{"site.yaml": string(site), "autoconfig.yaml": `public_url: https://setup.example.com
trusted_proxies: [127.0.0.1]
rate_limit: {per_second: 0.001, burst: 8}
check: {every: "0"}
` + more})
	if seen := shell(t, w.folder, "autoconfig apply > /dev/null && echo good"); seen != "good\n" {
		t.Fatal(seen)
	}
	return serve(t, w.folder).public
}

// here puts the test's paths and ports in the place of the page's.
func (w *proxyWorld) here(service string) *strings.Replacer {
	return strings.NewReplacer(
		"127.0.0.1:8080", service, "127.0.0.1:8443", service, "127.0.0.1:8081", w.redirects,
		"listen 80;", "listen "+w.plain+";", "listen 443", "listen "+w.tls,
		"bind :80", "bind "+w.plain, "bind :443", "bind "+w.tls, "*:80>", w.plain+">", "*:443>", w.tls+">",
		"/etc/ssl/autoconfig.pem", w.folder+"/cert.pem", "/etc/ssl/autoconfig.key", w.folder+"/key.pem",
		"/etc/haproxy/autoconfig.pem", w.folder+"/both.pem",
		"/var/log/nginx/autoconfig.log", w.log, "/var/log/apache2/autoconfig.log", w.log, "/var/log/caddy/autoconfig.log", w.log,
		"/var/log/nginx/error.log", w.errors,
		"autoconfig.example.org, autodiscover.example.org", "autoconfig.example.com, autodiscover.example.com",
	)
}

// ask asks the proxy from an address of this machine.
func (w *proxyWorld) ask(t *testing.T, from, url string, headers ...string) (status int, location, body string) {
	t.Helper()
	to := w.tls
	if strings.HasPrefix(url, "http:") {
		to = w.plain
	}
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	client := &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: w.roots},
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return dialer.DialContext(ctx, "tcp", to) },
		},
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, answer.Header.Get("Location"), string(text)
}

const behindURL = "https://autoconfig.example.com/mail/config-v1.1.xml?emailaddress=workshop%40example.com"

// aLink is one that the service doesn't know, and of the form that they have.
const aLink = "https://autoconfig.example.com/s/abcdefghijklmnopqrstuvwxyz0123456789"

// forged are headers of a client that passes for another one, and for one that came by
// another scheme.
func forged(i int) []string {
	address := fmt.Sprintf("198.51.100.%d", i)
	proto := []string{"http", "https"}[i%2]
	return []string{
		"X-Forwarded-For", address, "X-Forwarded-Proto", proto, "X-Real-IP", address,
		"Forwarded", "for=" + address + ";proto=" + proto,
	}
}

// clients asks until one client has asked too often, under whatever name it comes; another
// one still may.
func (w *proxyWorld) clients(t *testing.T, url string, right int) {
	t.Helper()
	first, second := "127.0.0.5", "127.0.0.6"
	if strings.HasPrefix(url, "http:") {
		first, second = "127.0.1.5", "127.0.1.6"
	}
	for i := range 9 {
		status, _, body := w.ask(t, first, url, forged(i)...)
		if want := map[bool]int{true: right, false: http.StatusTooManyRequests}[i < 8]; status != want {
			t.Fatalf("%s, request %d: %d, want %d: %s", url, i+1, status, want, body)
		}
	}
	if status, _, body := w.ask(t, second, url); status != right || right == http.StatusOK && !strings.Contains(body, `type="pop3"`) {
		t.Errorf("another client: %d %s", status, body)
	}
}

// answers looks at the Host, the scheme, and an address with a slash.
func (w *proxyWorld) answers(t *testing.T, c proxyCase) {
	t.Helper()
	if status, _, body := w.ask(t, "127.0.0.7", "https://autoconfig.example.com/mail/config-v1.1.xml"); status != http.StatusOK || !strings.Contains(body, `id="example.com"`) {
		t.Errorf("without an address: %d %s", status, body)
	}
	const slash = "https://autodiscover.example.com/autodiscover/autodiscover.json/v1.0/a%2Fb@example.com?Protocol=AutodiscoverV1"
	if status, _, body := w.ask(t, "127.0.0.7", slash); status != http.StatusOK || !strings.Contains(body, "AutodiscoverV1") {
		t.Errorf("an address with a slash: %d %s", status, body)
	}
	if status, _, _ := w.ask(t, "127.0.0.7", aLink); status != http.StatusNotFound {
		t.Errorf("a link that isn't: %d", status)
	}
	if c.noPlain {
		return
	}
	status, location, _ := w.ask(t, "127.0.0.7", strings.Replace(behindURL, "https:", "http:", 1))
	if status != http.StatusFound || location != strings.Replace(behindURL, "autoconfig.", "setup.", 1) {
		t.Errorf("plain http: %d to %s", status, location)
	}
}

// logged looks at the access log.
func (w *proxyWorld) logged(t *testing.T) {
	t.Helper()
	var text string
	testkit.Until(t, func() string { return "the log has: " + text }, func() bool {
		raw, _ := os.ReadFile(w.log)
		text = string(raw)
		return strings.Contains(text, "/mail/config-v1.1.xml") && strings.Contains(text, "127.0.0.7") && strings.Contains(text, "404")
	})
	keepsSecrets(t, text)
}

func keepsSecrets(t *testing.T, text string) {
	t.Helper()
	for _, secret := range []string{"abcdefghij", "workshop", "a%2Fb", "a/b@", "a%2fb"} {
		for line := range strings.Lines(text) {
			if strings.Contains(line, secret) {
				t.Errorf("the log has %q: %s", secret, line)
			}
		}
	}
}
