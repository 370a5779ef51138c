package packaging_test

import (
	"bytes"
	"crypto/tls"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"autoconfig/internal/testkit"
)

// The real systemd hands certificates over that only root may read, as docs/install.md says: to
// the package's user, and to one that it makes up. A renewed one is served after a restart.
func TestSystemdHandsCertificatesOver(t *testing.T) {
	testkit.Need(t, "/lib/systemd/systemd")
	t.Parallel()
	if !testkit.InNamespace(t) {
		return
	}
	binary := build(t, "..", "0.0.9")
	for name, user := range map[string]string{
		"the package's user": "getent group autoconfig >/dev/null || groupadd --system autoconfig; useradd --system --gid autoconfig autoconfig; " +
			"chown -R autoconfig: /var/lib/autoconfig /etc/autoconfig",
		"one that is made up": "chmod a+rx /etc/autoconfig; chmod a+r /etc/autoconfig/*.yaml",
	} {
		t.Run(name, func(t *testing.T) {
			testkit.CopyOnWrite(t, "/etc", "/usr", "/var")
			s := testkit.StartSystemd(t)
			m := installedBy(t, s, binary)
			m.types("mkdir -p /etc/letsencrypt && chmod 700 /etc/letsencrypt")
			folder := "/etc/letsencrypt/live/autoconfig.example.org"
			if err := os.MkdirAll(folder, 0o700); err != nil {
				t.Fatal(err)
			}
			first := m.renew(folder)
			m.types(user)
			dropIn := written(t, "LoadCredential=tls.pem:")
			if strings.HasPrefix(user, "chmod") {
				dropIn += written(t, "DynamicUser=yes")
			}
			m.write("/etc/systemd/system/autoconfig.service.d/override.conf", dropIn)
			m.types("systemctl daemon-reload && systemctl start autoconfig")
			m.answers(first)
			if strings.HasPrefix(user, "chmod") {
				if out, _ := s.Command("systemctl", "show", "--property=DynamicUser", "--value", "autoconfig").Output(); string(out) != "yes\n" {
					t.Errorf("DynamicUser=%s", out)
				}
			}
			second := m.renew(folder)
			m.answers(first)
			m.types("systemctl restart autoconfig")
			m.answers(second)
			m.types("systemctl reload autoconfig && systemctl is-active autoconfig && systemctl stop autoconfig")
		})
	}
}

// The real systemd keeps the socket while the service restarts: under load, no request fails.
func TestSystemdKeepsTheSocket(t *testing.T) {
	testkit.Need(t, "/lib/systemd/systemd")
	t.Parallel()
	if !testkit.InNamespace(t) {
		return
	}
	testkit.CopyOnWrite(t, "/etc", "/usr", "/var")
	s := testkit.StartSystemd(t)
	m := installedBy(t, s, build(t, "..", "0.0.9"))
	run(t, ".", "install", "-m", "0644", "autoconfig.socket", "/etc/systemd/system/autoconfig.socket")
	const folder = "/etc/letsencrypt/live/autoconfig.example.org"
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	ca := m.renew(folder)
	m.write("/etc/systemd/system/autoconfig.service.d/override.conf", written(t, "LoadCredential=tls.pem:")+written(t, "DynamicUser=yes"))
	m.types("chmod a+rx /etc/autoconfig; chmod a+r /etc/autoconfig/*.yaml; systemctl daemon-reload && systemctl start autoconfig.socket autoconfig")
	var stop atomic.Bool
	var asked atomic.Int64
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for !stop.Load() && !t.Failed() {
				m.answers(ca)
				asked.Add(1)
			}
		})
	}
	for range 3 {
		before := asked.Load()
		testkit.Until(t, func() string { return "requests are answered" }, func() bool { return asked.Load() > before+20 || t.Failed() })
		m.types("systemctl restart autoconfig")
	}
	stop.Store(true)
	group.Wait()
	t.Logf("%d requests over 3 restarts", asked.Load())
}

// written is the block of docs/install.md that has a line.
func written(t *testing.T, line string) string {
	t.Helper()
	page, err := os.ReadFile("../docs/install.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range strings.Split(string(page), "```")[1:] {
		if kind, text, _ := strings.Cut(block, "\n"); (kind == "ini" || kind == "yaml") && strings.Contains(text, line) {
			return text
		}
	}
	t.Fatalf("docs/install.md has no block with %q", line)
	return ""
}

// installed is a machine with the unit and a configuration as docs/install.md has it.
type installed struct {
	t       *testing.T
	systemd *testkit.Systemd
}

func installedBy(t *testing.T, s *testkit.Systemd, binary string) *installed {
	t.Helper()
	m := &installed{t, s}
	run(t, ".", "install", "-m", "0755", binary, "/usr/bin/autoconfig")
	run(t, ".", "install", "-m", "0644", "autoconfig.service", "/etc/systemd/system/autoconfig.service")
	m.types("autoconfig init --dir /etc/autoconfig --state /var/lib/autoconfig --domain example.org --imap imap.example.org --pop3 none " +
		"--smtp smtp.example.org --public-url https://autoconfig.example.org")
	m.write("/etc/autoconfig/autoconfig.yaml", written(t, "/run/credentials/autoconfig.service/")+
		"database: sqlite:/var/lib/autoconfig/autoconfig.db\nsecret_file: /var/lib/autoconfig/autoconfig.secret\n")
	m.types("autoconfig apply")
	return m
}

func (m *installed) write(file, text string) {
	m.t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		m.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o640); err != nil {
		m.t.Fatal(err)
	}
}

// types types a line as root.
func (m *installed) types(line string) {
	m.t.Helper()
	if out, err := m.systemd.Command("sh", "-c", line).CombinedOutput(); err != nil {
		m.t.Fatalf("%s: %v\n%s", line, err, out)
	}
}

// renew writes a new certificate for root alone.
func (m *installed) renew(folder string) *testkit.CA {
	m.t.Helper()
	ca := testkit.NewCA(m.t)
	certificate, key := ca.Issue(m.t, testkit.Leaf{Names: []string{"autoconfig.example.org"}}).PEM(m.t)
	for name, text := range map[string][]byte{"fullchain.pem": certificate, "privkey.pem": key} {
		if err := os.WriteFile(filepath.Join(folder, name), text, 0o600); err != nil {
			m.t.Fatal(err)
		}
	}
	return ca
}

// answers asks for a configuration, with a certificate of this authority.
func (m *installed) answers(ca *testkit.CA) {
	m.t.Helper()
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{RootCAs: ca.Pool(), ServerName: "autoconfig.example.org"},
	}}
	answer, err := client.Get("https://127.0.0.1/mail/config-v1.1.xml?emailaddress=somebody%40example.org")
	if err != nil {
		m.t.Error(err)
		return
	}
	defer func() { _ = answer.Body.Close() }()
	if body, err := io.ReadAll(answer.Body); err != nil || !bytes.Contains(body, []byte("<hostname>imap.example.org</hostname>")) {
		m.t.Errorf("%v %s %s", err, answer.Status, body)
	}
}
