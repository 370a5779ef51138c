package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"autoconfig/internal/config"
	"autoconfig/internal/testkit"
)

// small is a service whose folder lies on a small disk of its own, which is gone with it.
type small struct {
	*process
	folder string // where we see what it has in its folder
	link   string
}

// serveSmall serves the demo site from a disk of a few megabytes, with a link.
func serveSmall(t *testing.T, limits string) *small {
	t.Helper()
	testkit.Need(t, "root", "unshare")
	folder := t.TempDir()
	for name, text := range map[string]string{
		"site.yaml":       string(config.Demo),
		"autoconfig.yaml": "public_url: https://setup.example.com\ncheck: {every: \"0\"}\nrate_limit: {per_second: 0}\n",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	disk := filepath.Join(folder, "disk")
	cmd := exec.Command("unshare", "-m", "sh", "-c", `
set -e
mkdir disk
mount -t tmpfs -o size=4m tmpfs disk
cp site.yaml autoconfig.yaml disk
cd disk
autoconfig apply >/dev/null
autoconfig link create workshop@example.com --uses 100 >../link
`+limits+`
exec autoconfig serve --listen 127.0.0.1:0 --admin-listen 127.0.0.1:0`)
	cmd.Dir = folder
	s := &small{process: begin(t, cmd), folder: fmt.Sprintf("/proc/%d/root%s", cmd.Process.Pid, disk)}
	text, err := os.ReadFile(filepath.Join(folder, "link"))
	if err != nil {
		t.Fatal(err)
	}
	s.link = "http://" + s.public + strings.TrimPrefix(lastLine(string(text)), "https://setup.example.com")
	return s
}

// fill leaves no room on the disk.
func (s *small) fill(t *testing.T) (release func()) {
	t.Helper()
	name := filepath.Join(s.folder, "filler")
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = file.Write(make([]byte, 4096))
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	_ = file.Close() // what is written is written
	return func() {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
}

// patient follows no redirect.
var patient = &http.Client{Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

func answered(t *testing.T, at string, form url.Values) (status int, body string) {
	t.Helper()
	ask := func() (*http.Response, error) { return patient.Get(at) }
	if form != nil {
		ask = func() (*http.Response, error) { return patient.PostForm(at, form) }
	}
	r, err := ask()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Body.Close() }()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, string(text)
}

// With the disk full, everything that only reads goes on, and that nothing can be
// written is said; a link's use is refused, not lost. It mends itself.
func TestAFullDisk(t *testing.T) {
	t.Parallel()
	s := serveSmall(t, "")
	holds := func(what, at string, form url.Values, want int) {
		t.Helper()
		if status, body := answered(t, at, form); status != want {
			t.Errorf("%s: %d, want %d\n%.300s", what, status, want, body)
		}
	}
	use := url.Values{"do": {"settings"}}
	settings := "http://" + s.public + "/mail/config-v1.1.xml?emailaddress=workshop%40example.com"
	holds("a use", s.link, use, http.StatusSeeOther)
	release := s.fill(t)
	holds("a look while it is full", s.link, nil, http.StatusOK)
	holds("a use while it is full", s.link, use, http.StatusServiceUnavailable)
	holds("settings while it is full", settings, nil, http.StatusOK)
	status, body := answered(t, "http://"+s.private+"/readyz", nil)
	if status != http.StatusOK || !strings.Contains(body, "degraded") || !strings.Contains(body, "nothing can be written to the database since 20") || !strings.Contains(body, "see that its disk has room") {
		t.Errorf("/readyz while it is full: %d %s", status, body)
	}
	release()
	testkit.Until(t, func() string { return "ready, but " + body }, func() bool {
		status, body = answered(t, "http://"+s.private+"/readyz", nil)
		return status == http.StatusOK && strings.Contains(body, `"status":"ready"`)
	})
	holds("a use when there is room", s.link, use, http.StatusSeeOther)
	holds("a look when there is room", s.link, nil, http.StatusOK)
}
