package packaging_test

import (
	"bytes"
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"autoconfig/internal/testkit"
	"autoconfig/internal/testkit/acme"
)

// answers are what a new operator types when init asks: nothing where its offer is right.
var answers = []string{"example.org", "Example Mail", "", "", "", "", "acme", "yes"}

// A new operator follows docs/install.md from nothing to a served domain with certificates, for
// each way that it has: types what stands there and nothing else, publishes what dns prints, and
// is done in less than twenty lines.
func TestFromNothingToAServedDomain(t *testing.T) {
	testkit.Need(t, "dpkg", "runuser", "setcap", "podman", "buildah", "../bin/nfpm")
	t.Parallel()
	if !testkit.InNamespace(t) {
		return
	}
	binary := build(t, "..", "0.0.9")
	for _, way := range []struct {
		name, section string
		prepare       func(w *place)
	}{
		{"package", "## A package", (*place).machine},
		{"container", "## A container", (*place).containers},
		{"binary", "## The binary", (*place).archive},
	} {
		t.Run(way.name, func(t *testing.T) {
			w := newPlace(t, binary)
			way.prepare(w)
			began := time.Now()
			lines := typed(t, way.section)
			for _, line := range lines {
				w.types(line)
			}
			n := len(lines) + len(answers)
			t.Logf("%d lines typed, %.0f s of the machine's time", n, time.Since(began).Seconds())
			if n >= 20 {
				t.Errorf("%d lines typed", n)
			}
			w.isServed()
		})
	}
}

// typed are the lines of a section's first block of commands.
func typed(t *testing.T, section string) []string {
	t.Helper()
	page, err := os.ReadFile("../docs/install.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(page), "\n"+section+"\n")
	_, block, found2 := strings.Cut(rest, "```sh\n")
	block, _, _ = strings.Cut(block, "```")
	if !found || !found2 {
		t.Fatalf("docs/install.md has no commands below %q", section)
	}
	return strings.Split(strings.TrimSpace(block), "\n")
}

// place is the machine of a new operator, in a world with a DNS, mail servers and an authority.
type place struct {
	t       *testing.T
	binary  string
	path    string         // the operator's, before the machine's
	folder  string         // where the operator types
	dns     []*testkit.DNS // a resolver, and the zone's server
	records []string
	abroad  func(address string) net.Listener // listens at another machine
	acme    *acme.Server
	roots   []byte   // of the authorities that the world trusts
	env     []string // of the operator's shell
	user    string   // who the operator is, if not root
	systemd *testkit.Systemd
	logs    string // the command that shows the service's log
}

func newPlace(t *testing.T, binary string) *place {
	t.Helper()
	folder, err := os.MkdirTemp("", "operator")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	w := &place{t: t, binary: binary, path: filepath.Join(folder, "path"), folder: folder, abroad: abroad(t)}
	w.dns = []*testkit.DNS{testkit.StartDNS(t, testkit.DNSAddress), testkit.StartDNS(t, nameServer+":53")}
	w.publish("autoconfig.example.org. 300 A "+here, "example.org. 300 MX 10 mail.example.org.",
		"example.org. 300 SOA ns.example.org. post.example.org. 1 3600 600 86400 300", "example.org. 300 NS ns.example.org.",
		"ns.example.org. 300 A "+nameServer,
		"imap.example.org. 300 A "+mailHost, "smtp.example.org. 300 A "+mailHost, "mail.example.org. 300 A "+mailHost,
		"acme-v02.api.letsencrypt.org. 300 A "+authority)
	ca := testkit.NewCA(t)
	w.startMail(ca)
	w.startAuthority(ca)
	w.roots = append(ca.PEM(), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: w.acme.Root.Raw})...)
	w.command("sudo", "#!/bin/sh\n[ \"$1\" != -u ] || { u=$2; shift 2; exec runuser -u $u -- \"$@\"; }\nexec \"$@\"\n")
	return w
}

// command puts a program into the operator's path.
func (w *place) command(name, text string) {
	w.t.Helper()
	if err := os.MkdirAll(w.path, 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(w.path, name), []byte(text), 0o755); err != nil {
		w.t.Fatal(err)
	}
}

func (w *place) publish(records ...string) {
	w.t.Helper()
	w.records = append(w.records, records...)
	for _, server := range w.dns {
		server.Set(w.t, w.records...)
	}
}

// trustHere has this machine trust the world's authorities.
func (w *place) trustHere() {
	w.t.Helper()
	testkit.CopyOnWrite(w.t, "/etc", "/usr", "/var")
	if err := os.WriteFile("/etc/ssl/certs/ca-certificates.crt", w.roots, 0o644); err != nil {
		w.t.Fatal(err)
	}
	w.env = []string{"SSL_CERT_FILE=", "SSL_CERT_DIR="}
}

// machine is one with systemd, and the package lies there.
func (w *place) machine() {
	w.t.Helper()
	deb, _ := pack(w.t, w.binary, w.binary, "0.0.9")
	w.trustHere()
	w.systemd = testkit.StartSystemd(w.t)
	run(w.t, w.folder, "cp", deb, "autoconfig_0.0.9_amd64.deb") // the page's architecture
}

// containers is a machine with podman, whose containers have the world's authorities and what a
// test may give them.
func (w *place) containers() {
	w.t.Helper()
	w.trustHere()
	// A group that crun doesn't know how to use beside version 1.
	_ = syscall.Unmount("/sys/fs/cgroup/unified", syscall.MNT_DETACH)
	for name, text := range map[string]string{
		"roots.pem": string(w.roots),
		"containers.conf": `[containers]
netns = "host"
default_ulimits = ["nofile=1024:1024", "nproc=1000:1000"]
cgroups = "disabled"
env = ["SSL_CERT_FILE=/roots.pem"]
volumes = ["` + w.folder + `/roots.pem:/roots.pem:ro"]
[engine]
cgroup_manager = "cgroupfs"
`,
		"storage.conf": fmt.Sprintf("[storage]\ndriver = \"vfs\"\ngraphroot = %q\nrunroot = %q\n", w.folder+"/graph", w.folder+"/run"),
	} {
		if err := os.WriteFile(filepath.Join(w.folder, name), []byte(text), 0o644); err != nil {
			w.t.Fatal(err)
		}
	}
	w.env = append(w.env, "CONTAINERS_CONF="+w.folder+"/containers.conf", "CONTAINERS_STORAGE_CONF="+w.folder+"/storage.conf",
		"BUILDAH_ISOLATION=chroot")
	// The sources, of which "make build" makes what the test has built already.
	w.command("make", "#!/bin/sh\nexit 0\n")
	for _, folder := range []string{"bin", "packaging"} {
		if err := os.Mkdir(filepath.Join(w.folder, folder), 0o755); err != nil {
			w.t.Fatal(err)
		}
	}
	run(w.t, ".", "cp", "Containerfile", filepath.Join(w.folder, "packaging"))
	run(w.t, ".", "cp", w.binary, filepath.Join(w.folder, "bin/autoconfig"))
	w.logs = "podman logs autoconfig"
	w.t.Cleanup(func() { _ = w.shell("podman rm --force --time 0 autoconfig").Run() })
}

// archive is a machine whose operator is somebody, with the archive of a release.
func (w *place) archive() {
	w.t.Helper()
	w.trustHere()
	w.user = "nobody"
	name := "autoconfig-0.0.9-linux-amd64"
	if err := os.Mkdir(filepath.Join(w.folder, name), 0o755); err != nil {
		w.t.Fatal(err)
	}
	run(w.t, ".", "cp", w.binary, filepath.Join(w.folder, name, "autoconfig"))
	run(w.t, w.folder, "tar", "czf", name+".tar.gz", name)
	run(w.t, w.folder, "rm", "-r", name)
	run(w.t, w.folder, "chown", "-R", w.user, w.folder)
	w.t.Cleanup(func() { _ = exec.Command("pkill", "-TERM", "-u", w.user, "-f", "autoconfig serve").Run() })
}

// shell is a command of the operator's.
func (w *place) shell(line string) *exec.Cmd {
	cmd := exec.Command("sh", "-c", line)
	switch {
	case w.systemd != nil:
		cmd = w.systemd.Command("sh", "-c", "cd "+w.folder+" && "+line)
	case w.user != "" && !strings.HasPrefix(line, "sudo "):
		cmd = exec.Command("runuser", "-u", w.user, "--", "sh", "-c", line)
	}
	cmd.Dir = w.folder
	cmd.Env = append(os.Environ(), append(w.env, "PATH="+w.path+":"+os.Getenv("PATH"))...)
	return cmd
}

// types types a line, and does what its output asks for.
func (w *place) types(line string) {
	w.t.Helper()
	if folder, is := strings.CutPrefix(line, "cd "); is {
		found, err := filepath.Glob(filepath.Join(w.folder, folder))
		if err != nil || len(found) == 0 {
			w.t.Fatal(line, err)
		}
		found = slices.DeleteFunc(found, func(name string) bool { return strings.HasSuffix(name, ".gz") })
		w.folder = found[0]
		return
	}
	cmd := w.shell(line)
	var out bytes.Buffer
	if !strings.HasSuffix(line, "&") {
		cmd.Stdout, cmd.Stderr = &out, &out // a service in the background would hold them
	}
	cmd.Stdin = strings.NewReader(strings.Join(answers, "\n") + "\n")
	err := cmd.Run()
	if err != nil {
		w.t.Errorf("%s: %v\n%s", line, err, &out)
		if w.logs != "" {
			said, _ := w.shell(w.logs).CombinedOutput()
			w.t.Logf("%s\n%s", w.logs, said)
		}
	}
	switch {
	case strings.Contains(line, "autoconfig dns "):
		for record := range strings.Lines(out.String()) {
			if record = strings.TrimSpace(record); record != "" && !strings.HasPrefix(record, ";") {
				w.publish(record)
			}
		}
	case strings.Contains(line, "certificates list"): // typed again until all are there
		w.waits(line)
	case strings.Contains(line, "init"):
		w.t.Logf("%s\n%s", line, &out)
	}
}

// waits types a line until it shows the certificates of all three names.
func (w *place) waits(line string) {
	w.t.Helper()
	valid := regexp.MustCompile(`(?m)^(autoconfig|autodiscover|ua-auto-config)\.example\.org +valid`)
	var out []byte
	testkit.Until(w.t, func() string { return string(out) }, func() bool {
		out, _ = w.shell(line).CombinedOutput()
		return len(valid.FindAll(out, -1)) == 3
	})
}

// isServed asks as a mail program does, which trusts the authority alone.
func (w *place) isServed() {
	w.t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: w.acme.Issued}}}
	answer, err := client.Get("https://autoconfig.example.org/mail/config-v1.1.xml?emailaddress=somebody%40example.org")
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil || !strings.Contains(string(body), "<hostname>imap.example.org</hostname>") {
		w.t.Errorf("%v %s %s", err, answer.Status, body)
	}
}
