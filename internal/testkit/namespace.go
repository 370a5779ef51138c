package testkit

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// NamespaceAddress is the second address of the namespace's only interface.
// With 127.0.0.1 alone getaddrinfo(AI_ADDRCONFIG), which every client uses,
// finds no name at all.
const NamespaceAddress = "192.0.2.1"

// DNSAddress is where the namespace's /etc/resolv.conf points.
const DNSAddress = "127.0.0.1:53"

// InNamespace runs the calling test in a network, mount and process namespace
// of its own. It starts this test binary again for just this test, inside; the
// child gets true and goes on, the parent relays the outcome and gets false:
//
//	if !testkit.InNamespace(t) {
//		return
//	}
//
// Inside, every port is free, names are resolved by 127.0.0.1 port 53 (see
// [StartDNS]) and nothing of the outside can be reached. Whatever the child
// leaves running dies with it: it is the first process of its namespace.
func InNamespace(t *testing.T) bool {
	t.Helper()
	outside := os.Getenv(outsideVariable)
	if outside == "" {
		runInNamespace(t)
		return false
	}
	// Stop before touching the machine's own network and files.
	if outside == namespaces(t) {
		t.Fatalf("%s is set, but this is no namespace of its own", outsideVariable)
	}
	if !furnished(t) { // a subtest may ask again
		reportResult(t)
		furnish(t)
	}
	return true
}

// AddAddress gives the namespace one more address, for a server that must not
// be seen on 127.0.0.1. The address can be bound at once.
func AddAddress(t testing.TB, address string) {
	t.Helper()
	addAddress(t, "lo", address)
}

func addAddress(t testing.TB, device, address string) {
	t.Helper()
	requireNamespace(t)
	args := []string{"address", "add", address + "/32", "dev", device}
	if strings.Contains(address, ":") {
		// Without nodad the address is tentative until the kernel has looked for duplicates
		// (RFC 4862, section 5.4), on the loopback interface too: until then it can't be bound.
		args = []string{"address", "add", address + "/128", "dev", device, "nodad"}
	}
	command(t, "ip", args...)
}

// The environment of the child. The first variable holds the namespaces of
// the parent, the second the file in which the child leaves its result: its
// exit status alone cannot tell passed from skipped or from "no tests to run".
const (
	outsideVariable = "AUTOCONFIG_TESTKIT_OUTSIDE"
	resultVariable  = "AUTOCONFIG_TESTKIT_RESULT"
)

// runInNamespace is the parent's half.
func runInNamespace(t *testing.T) {
	t.Helper()
	Need(t, "root", "unshare", "ip")
	// A container may forbid what its root asks for.
	unshare := []string{"--net", "--mount", "--pid", "--fork", "--kill-child=KILL", "--mount-proc", "--"}
	if out, err := exec.Command("unshare", append(unshare, "true")...).CombinedOutput(); err != nil {
		unmet(t, fmt.Sprintf("unshare makes no namespaces here (container without CAP_SYS_ADMIN?): %v: %s", err, out))
	}
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := temporaryFolder(t)
	result := filepath.Join(dir, "result")

	cmd := exec.Command("unshare", append(append(unshare, binary), childArguments(t)...)...)
	cmd.Env = append(os.Environ(), outsideVariable+"="+namespaces(t), resultVariable+"="+result, "TMPDIR="+dir)
	cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
	cmd.WaitDelay = 5 * time.Second
	err = runGroup(cmd)

	outcome, readErr := os.ReadFile(result)
	switch {
	case err != nil:
		t.Fatalf("in the namespace: %v", err)
	case readErr != nil:
		t.Fatalf("the test did not run to its end in the namespace: %v", readErr)
	case string(outcome) == "skip":
		t.Skip("skipped in the namespace, see above")
	case string(outcome) != "pass":
		t.Fatalf("in the namespace: %s", outcome)
	}
}

// temporaryFolder is the child's: the parent removes it, for a child that is
// killed cannot. t.TempDir would do, but its name grows with the test's, and
// the path of a socket has at most 107 bytes.
func temporaryFolder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "testkit")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o711); err != nil { // daemons that give up their rights go through it
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// runGroup runs a command in a process group of its own that dies with us, be
// it by a signal to the parent or by the panic of a test that timed out.
func runGroup(cmd *exec.Cmd) error {
	// The death signal is tied to the thread that forks, so keep that thread.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return err
	}
	defer func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }()
	return cmd.Wait()
}

// childArguments selects this very test and hands on the test package's own
// flags, such as -update; those of package testing mostly name files that two
// processes must not share.
func childArguments(t *testing.T) []string {
	var pattern []string
	for _, part := range strings.Split(t.Name(), "/") {
		pattern = append(pattern, "^"+regexp.QuoteMeta(part)+"$")
	}
	// The child gives up first, so that its report still arrives.
	timeout := 10 * time.Minute
	if deadline, ok := t.Deadline(); ok {
		left := time.Until(deadline)
		timeout = left - min(5*time.Second, left/5)
	}
	args := []string{
		"-test.run=" + strings.Join(pattern, "/"), "-test.count=1", "-test.v=true",
		"-test.timeout=" + timeout.String(),
	}
	flag.Visit(func(f *flag.Flag) {
		if f.Name == "test.short" || !strings.HasPrefix(f.Name, "test.") {
			args = append(args, "-"+f.Name+"="+f.Value.String())
		}
	})
	return args
}

// reportResult leaves the outcome for the parent. Called first, its cleanup
// runs last and sees what the other cleanups did.
func reportResult(t *testing.T) {
	t.Cleanup(func() {
		outcome := "pass"
		switch {
		case t.Failed():
			outcome = "fail"
		case t.Skipped():
			outcome = "skip"
		}
		if err := os.WriteFile(os.Getenv(resultVariable), []byte(outcome), 0o600); err != nil {
			t.Errorf("leaving the result: %v", err)
		}
	})
}

// furnish sets up the network and the files that name resolution reads.
func furnish(t *testing.T) {
	t.Helper()
	command(t, "ip", "link", "set", "lo", "up")

	mountFile(t, "/etc/resolv.conf", "nameserver 127.0.0.1\noptions timeout:2 attempts:2\n")
	// Clients ask for the machine's own name, which is no business of the test's records.
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	mountFile(t, "/etc/hosts", "127.0.0.1 localhost "+host+"\n::1 localhost\n")
	// Neither multicast DNS, systemd-resolved nor the caching nscd may answer.
	mountFile(t, "/etc/nsswitch.conf", "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n"+
		"networks: files\nprotocols: files\nservices: files\nethers: files\nrpc: files\n")
	const cache = "/run/nscd"
	if _, err := os.Stat(cache); err == nil {
		mount(t, t.TempDir(), cache)
	}
	AddAddress(t, NamespaceAddress) // last: it marks the namespace as furnished
}

// furnished tells whether furnish has run.
func furnished(t testing.TB) bool {
	t.Helper()
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addresses {
		if strings.HasPrefix(a.String(), NamespaceAddress+"/") {
			return true
		}
	}
	return false
}

// requireNamespace guards what would reach the machine's own network or files.
func requireNamespace(t testing.TB) {
	t.Helper()
	if outside := os.Getenv(outsideVariable); outside == "" || outside == namespaces(t) {
		t.Fatal("outside of a namespace: call testkit.InNamespace first")
	}
}

// namespaces identifies the namespaces of this process.
func namespaces(t testing.TB) string {
	t.Helper()
	network, err := os.Readlink("/proc/self/ns/net")
	mounts, err2 := os.Readlink("/proc/self/ns/mnt")
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	return network + mounts
}

// mountFile lays a file with this content over an existing one.
func mountFile(t testing.TB, target, content string) {
	t.Helper()
	requireNamespace(t)
	file := filepath.Join(t.TempDir(), filepath.Base(target))
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	mount(t, file, target)
}

func mount(t testing.TB, source, target string) {
	t.Helper()
	requireNamespace(t)
	// The usual target may be a link, as resolv.conf is with systemd-resolved.
	resolved, err := filepath.EvalSymlinks(target)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount(source, resolved, "", syscall.MS_BIND, ""); err != nil {
		t.Fatalf("mounting over %s: %v", resolved, err)
	}
	// Mounted files cannot be removed, and the test's own folder must be.
	unmountAtEnd(t, resolved)
}

// command runs a program that must succeed.
func command(t testing.TB, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v: %s", name, strings.Join(args, " "), err, out)
	}
}
