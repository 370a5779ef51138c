// Package packaging_test installs the packages on the machine that runs the tests.
package packaging_test

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"autoconfig/internal/testkit"
)

// run runs a command and returns what it prints.
func run(t *testing.T, folder string, command ...string) string {
	t.Helper()
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir = folder
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %v\n%s", command, err, &out)
	}
	return out.String()
}

// build builds the program of a source folder.
func build(t *testing.T, source, version string) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "autoconfig")
	// Static as scripts/release has it, but without -trimpath, which would compile everything anew.
	cmd := exec.Command("go", "build", "-buildvcs=false", "-ldflags", "-s -w -X main.version="+version, "-o", binary, "./cmd/autoconfig")
	cmd.Dir, cmd.Env = source, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return binary
}

// before is a folder with the sources of the commit before; where history has none, as in a
// shallow clone, this one's.
func before(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	archive := exec.Command("sh", "-c", `git archive HEAD~1 | tar -x -C "$0"`, folder)
	archive.Dir = ".."
	if _, err := archive.CombinedOutput(); err != nil {
		t.Log("there is no commit before this one: both packages have this program")
		return ".."
	}
	if _, err := os.Stat(filepath.Join(folder, "go.mod")); err != nil {
		t.Log("there is no commit before this one: both packages have this program")
		return ".."
	}
	return folder
}

// pack makes both packages of a program, by the recipe of this tree.
func pack(t *testing.T, binary, speaker, version string) (deb, rpm string) {
	t.Helper()
	out := t.TempDir()
	cmd := exec.Command("sh", "../scripts/package", binary, runtime.GOARCH, version, out)
	cmd.Env = append(os.Environ(), "HOST_BINARY="+speaker)
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	one := func(pattern string) string {
		found, _ := filepath.Glob(filepath.Join(out, pattern))
		if len(found) != 1 {
			t.Fatalf("%s: %v", pattern, found)
		}
		return found[0]
	}
	return one("*.deb"), one("*.rpm")
}

// mode is a file's mode with its owner and group.
func mode(t *testing.T, file string) string {
	t.Helper()
	return strings.TrimSpace(run(t, "/", "stat", "-c", "%a %U:%G", file))
}

// The package is installed, configured as the docs say, served by its unit's command under
// its user, upgraded from a package of the commit before, removed and purged.
func TestTheDebianPackage(t *testing.T) {
	testkit.Need(t, "dpkg", "runuser", "systemd-analyze", "rpm2cpio", "cpio", "../bin/nfpm")
	if os.Getuid() != 0 {
		testkit.Need(t, "root, to install a package")
	}
	for _, file := range []string{"/etc/autoconfig", "/usr/bin/autoconfig", "/var/lib/autoconfig"} {
		if _, err := os.Stat(file); err == nil {
			t.Fatalf("%s is there: this machine has an autoconfig of its own, which is left alone", file)
		}
	}
	now := build(t, "..", "0.0.2")
	old, _ := pack(t, build(t, before(t), "0.0.1"), now, "0.0.1")
	deb, rpm := pack(t, now, now, "0.0.2")
	t.Cleanup(func() { _, _ = exec.Command("dpkg", "--purge", "autoconfig").CombinedOutput() })

	if said := run(t, "/", "dpkg", "--install", old); !strings.Contains(said, "autoconfig init --dir /etc/autoconfig --state /var/lib/autoconfig") {
		t.Errorf("what is next isn't said:\n%s", said)
	}
	for file, want := range map[string]string{
		"/usr/bin/autoconfig": "755 root:root", "/etc/autoconfig": "2750 root:autoconfig", "/var/lib/autoconfig": "750 autoconfig:autoconfig",
		"/lib/systemd/system/autoconfig.service": "644 root:root",
	} {
		if got := mode(t, file); got != want {
			t.Errorf("%s: %s, want %s", file, got, want)
		}
	}
	judgeUnit(t)

	run(t, "/", "autoconfig", "init", "--dir", "/etc/autoconfig", "--state", "/var/lib/autoconfig", "--domain", "example.org",
		"--imap", "imap.example.org", "--pop3", "none", "--smtp", "smtp.example.org", "--public-url", "https://autoconfig.example.org")
	at := setPorts(t)
	run(t, "/", "runuser", "-u", "autoconfig", "--", "autoconfig", "apply")
	for file, want := range map[string]string{
		"/etc/autoconfig/autoconfig.yaml": "640 root:autoconfig", "/var/lib/autoconfig/autoconfig.secret": "600 autoconfig:autoconfig",
		"/var/lib/autoconfig/autoconfig.db": "600 autoconfig:autoconfig",
	} {
		if got := mode(t, file); got != want {
			t.Errorf("%s: %s, want %s", file, got, want)
		}
	}
	served(t, at)

	run(t, "/", "dpkg", "--install", deb)
	if version := run(t, "/", "autoconfig", "version"); !strings.HasPrefix(version, "autoconfig 0.0.2 ") {
		t.Error(version)
	}
	if said := run(t, "/", "runuser", "-u", "autoconfig", "--", "autoconfig", "apply"); !strings.Contains(said, "Nothing changes.") {
		t.Errorf("after the upgrade:\n%s", said)
	}
	served(t, at)
	sameFiles(t, deb, rpm)
	again, rpmAgain := pack(t, now, now, "0.0.2") // byte for byte
	run(t, "/", "cmp", deb, again)
	run(t, "/", "cmp", rpm, rpmAgain)

	run(t, "/", "dpkg", "--remove", "autoconfig")
	if mode(t, "/var/lib/autoconfig/autoconfig.db") != "600 autoconfig:autoconfig" || mode(t, "/etc/autoconfig/site.yaml") != "640 root:autoconfig" {
		t.Error("removing took more away than the program")
	}
	run(t, "/", "dpkg", "--purge", "autoconfig")
	for _, file := range []string{"/etc/autoconfig", "/var/lib/autoconfig", "/usr/bin/autoconfig", "/lib/systemd/system/autoconfig.service"} {
		if _, err := os.Lstat(file); err == nil {
			t.Errorf("%s is left", file)
		}
	}
	if exec.Command("getent", "passwd", "autoconfig").Run() == nil || exec.Command("getent", "group", "autoconfig").Run() == nil {
		t.Error("the user or its group is left")
	}
}

// judgeUnit has systemd read the unit, and holds its figure to "OK" or better.
func judgeUnit(t *testing.T) {
	t.Helper()
	for _, unit := range []string{"autoconfig.service", "autoconfig.socket"} {
		out, _ := exec.Command("systemd-analyze", "verify", "--man=no", "/lib/systemd/system/"+unit).CombinedOutput()
		if strings.Contains(string(out), "autoconfig") {
			t.Errorf("%s: %s", unit, out)
		}
	}
	out := run(t, "/", "systemd-analyze", "security", "--offline=true", "/lib/systemd/system/autoconfig.service")
	figure := regexp.MustCompile(`Overall exposure level for autoconfig\.service: ([0-9.]+) `).FindStringSubmatch(out)
	if figure == nil {
		t.Fatalf("no figure:\n%s", out)
	}
	if exposure, err := strconv.ParseFloat(figure[1], 64); err != nil || exposure > 2.5 {
		t.Errorf("exposure %s:\n%s", figure[1], out)
	}
}

// ports are what the installed service listens on.
type ports struct{ public, private string }

// setPorts gives the configuration ports that are free on this machine.
func setPorts(t *testing.T) ports {
	t.Helper()
	p := ports{"127.0.0.1:" + testkit.FreePort(t), "127.0.0.1:" + testkit.FreePort(t)}
	file := "/etc/autoconfig/autoconfig.yaml"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.ReplaceAll(text, []byte("127.0.0.1:8080"), []byte(p.public))
	text = bytes.ReplaceAll(text, []byte("127.0.0.1:8081"), []byte(p.private))
	if err := os.WriteFile(file, text, 0o640); err != nil {
		t.Fatal(err)
	}
	return p
}

// served starts the unit's command as its user, asks it, and ends it.
func served(t *testing.T, at ports) {
	t.Helper()
	unit, err := os.ReadFile("/lib/systemd/system/autoconfig.service")
	if err != nil {
		t.Fatal(err)
	}
	command := regexp.MustCompile(`(?m)^ExecStart=(.+)$`).FindSubmatch(unit)
	cmd := exec.Command("runuser", append([]string{"-u", "autoconfig", "--"}, strings.Fields(string(command[1]))...)...)
	cmd.Dir = "/var/lib/autoconfig"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // runuser hands no signal on
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	url := "http://" + at.public + "/mail/config-v1.1.xml?emailaddress=somebody%40example.org"
	var body []byte
	testkit.Until(t, func() string { return "an answer of the installed service" }, func() bool {
		answer, err := http.Get(url)
		if err != nil {
			return false
		}
		defer func() { _ = answer.Body.Close() }()
		body, _ = io.ReadAll(answer.Body)
		return answer.StatusCode == http.StatusOK
	})
	if !strings.Contains(string(body), "imap.example.org") {
		t.Errorf("it answers %s", body)
	}
	if state := run(t, "/", "autoconfig", "ready"); !strings.HasPrefix(state, "ready") {
		t.Errorf("autoconfig ready says %q", state)
	}
	if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil && !strings.Contains(err.Error(), "terminated") {
		t.Errorf("it ended with %v\n%s", err, &said)
	}
}

// sameFiles compares what the two packages install. Units and completions may lie elsewhere.
func sameFiles(t *testing.T, deb, rpm string) {
	t.Helper()
	fromDeb, fromRPM := t.TempDir(), t.TempDir()
	run(t, "/", "dpkg", "--extract", deb, fromDeb)
	run(t, fromRPM, "sh", "-c", `rpm2cpio "$0" | cpio -id --quiet --no-absolute-filenames`, rpm)
	for _, file := range []string{
		"usr/bin/autoconfig", "usr/share/man/man1/autoconfig.1.gz", "usr/share/man/man5/autoconfig.yaml.5.gz",
		"usr/share/bash-completion/completions/autoconfig", "usr/share/doc/autoconfig/examples/autoconfig.yaml",
	} {
		run(t, "/", "cmp", filepath.Join(fromDeb, file), filepath.Join(fromRPM, file))
	}
	run(t, "/", "cmp", filepath.Join(fromDeb, "lib/systemd/system/autoconfig.service"), filepath.Join(fromRPM, "usr/lib/systemd/system/autoconfig.service"))
}
