package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
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
	log        string // the file of its access log
	ca         *testkit.CA
}

// A proxy is one of the page's, with what a test puts in the place of the page's paths and
// ports.
type proxyCase struct {
	kind     string // of the block
	nth      int
	program  string
	rest     func(w *proxyWorld) string // what stands around the block, with %s for it
	command  func(w *proxyWorld, file string) *exec.Cmd
	tcp      bool // the service ends TLS
	noPlain  bool
	unlogged bool // it sees no requests
}

// apacheModules are those that the page names, and what Debian's Apache has always.
var apacheModules = []string{"mpm_event", "authz_core", "ssl", "socache_shmcb", "proxy", "proxy_http", "headers", "setenvif"}

var proxyCases = map[string]proxyCase{
	"nginx": {
		kind: "nginx", program: "/usr/sbin/nginx",
		rest: func(*proxyWorld) string { return "daemon off; pid nginx.pid; events {}\nhttp {\n%s}\n" },
		command: func(w *proxyWorld, file string) *exec.Cmd {
			return exec.Command("/usr/sbin/nginx", "-p", w.folder, "-c", file, "-e", "stderr")
		},
	},
	"apache": {
		kind: "apache", program: "/usr/sbin/apache2",
		rest: func(w *proxyWorld) string {
			text := "ServerName localhost\nPidFile apache.pid\nErrorLog /dev/stderr\nListen " + w.plain + "\nListen " + w.tls + "\nUser www-data\nGroup www-data\nMutex file:" + w.folder + " default\n"
			for _, m := range apacheModules {
				text += "LoadModule " + m + "_module /usr/lib/apache2/modules/mod_" + m + ".so\n"
			}
			return text + "%s"
		},
		command: func(w *proxyWorld, file string) *exec.Cmd {
			return exec.Command("/usr/sbin/apache2", "-d", w.folder, "-f", file, "-D", "FOREGROUND")
		},
	},
	"haproxy": {
		kind: "haproxy", program: "/usr/sbin/haproxy",
		rest: func(*proxyWorld) string {
			return "defaults\n    timeout connect 5s\n    timeout client 30s\n    timeout server 30s\n%s"
		},
		command: func(_ *proxyWorld, file string) *exec.Cmd { return exec.Command("/usr/sbin/haproxy", "-f", file) },
	},
	"haproxy, PROXY protocol": {
		kind: "haproxy", nth: 1, program: "/usr/sbin/haproxy", tcp: true, noPlain: true, unlogged: true,
		rest: func(*proxyWorld) string {
			return "defaults\n    timeout connect 5s\n    timeout client 30s\n    timeout server 30s\n%s"
		},
		command: func(_ *proxyWorld, file string) *exec.Cmd { return exec.Command("/usr/sbin/haproxy", "-f", file) },
	},
	"caddy": {
		kind: "caddy", program: "/usr/bin/caddy", noPlain: true,
		rest: func(w *proxyWorld) string {
			return "{\n\tadmin off\n\tauto_https disable_redirects\n\thttp_port " + port(w.plain) + "\n\thttps_port " + port(w.tls) + "\n\tdefault_bind 127.0.0.1\n}\n%s"
		},
		command: func(w *proxyWorld, file string) *exec.Cmd {
			cmd := exec.Command("/usr/bin/caddy", "run", "--adapter", "caddyfile", "--config", file)
			cmd.Env = append(os.Environ(), "HOME="+w.folder, "XDG_CONFIG_HOME="+w.folder, "XDG_DATA_HOME="+w.folder)
			return cmd
		},
	},
}

func port(address string) string {
	_, port, _ := net.SplitHostPort(address)
	return port
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
			w := startBehind(t, c)
			w.clients(t)
			w.answers(t, c)
			if !c.unlogged {
				w.logged(t)
			}
		})
	}
}

// startBehind starts the service and the proxy.
func startBehind(t *testing.T, c proxyCase) *proxyWorld {
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
	w := &proxyWorld{folder: folder, ca: testkit.NewCA(t), plain: testkit.FreeAddress(t), tls: testkit.FreeAddress(t), log: filepath.Join(folder, "access.log")}
	certificate, key := w.ca.Issue(t, testkit.Leaf{Names: []string{"autoconfig.example.com", "autodiscover.example.com"}}).PEM(t)
	put(t, folder, 0o600, map[string]string{"cert.pem": string(certificate), "key.pem": string(key), "both.pem": string(certificate) + string(key)})
	service := w.startService(t, c)
	var text string
	for _, b := range blocks(t, "../../docs/proxies.md") {
		if b.kind == c.kind {
			if c.nth == 0 {
				text = b.text
				break
			}
			c.nth--
		}
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
	if c.kind == "haproxy" { // it logs to standard output
		w.log = out.Name()
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
	return w
}

// startService serves the demo site, and lets each client ask three times.
func (w *proxyWorld) startService(t *testing.T, c proxyCase) (address string) {
	t.Helper()
	more := ""
	if c.tcp {
		more = "proxy_protocol: true\ntls: {certificate: cert.pem, key: key.pem}\n"
	}
	site, err := os.ReadFile("../../internal/config/demo.yaml")
	if err != nil {
		t.Fatal(err)
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
		"127.0.0.1:8080", service, "127.0.0.1:8443", service,
		"listen 80;", "listen "+w.plain+";", "listen 443 ssl", "listen "+w.tls+" ssl",
		"bind :80", "bind "+w.plain, "bind :443", "bind "+w.tls, "*:80>", w.plain+">", "*:443>", w.tls+">",
		"/etc/ssl/autoconfig.pem", w.folder+"/cert.pem", "/etc/ssl/autoconfig.key", w.folder+"/key.pem",
		"/etc/haproxy/autoconfig.pem", w.folder+"/both.pem",
		"/var/log/nginx/autoconfig.log", w.log, "/var/log/apache2/autoconfig.log", w.log, "/var/log/caddy/autoconfig.log", w.log,
		"/var/log/nginx/error.log", w.folder+"/error.log",
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
			DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: w.ca.Pool()},
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

// clients asks until one client has asked too often, under whatever name it comes; another
// one still may.
func (w *proxyWorld) clients(t *testing.T) {
	t.Helper()
	for i := range 9 {
		forged := fmt.Sprintf("198.51.100.%d", i)
		status, _, body := w.ask(t, "127.0.0.5", behindURL, "X-Forwarded-For", forged, "Forwarded", "for="+forged, "X-Forwarded-Proto", "http")
		if want := map[bool]int{true: http.StatusOK, false: http.StatusTooManyRequests}[i < 8]; status != want {
			t.Fatalf("request %d: %d, want %d: %s", i+1, status, want, body)
		}
	}
	if status, _, body := w.ask(t, "127.0.0.6", behindURL); status != http.StatusOK || !strings.Contains(body, `type="pop3"`) {
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
	if status, _, _ := w.ask(t, "127.0.0.7", "https://autoconfig.example.com/s/abcdefghijklmnopqrstuvwxyz0123456789"); status != http.StatusNotFound {
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
	for _, secret := range []string{"abcdefghij", "workshop", "a%2Fb", "a/b@", "a%2fb"} {
		if strings.Contains(text, secret) {
			t.Errorf("the log has %q:\n%s", secret, text)
		}
	}
}
