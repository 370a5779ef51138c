package testkit_test

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"autoconfig/internal/testkit"
)

func TestInNamespace(t *testing.T) {
	testkit.Need(t, "getent")
	if !testkit.InNamespace(t) {
		return
	}
	dns := testkit.StartDNS(t, testkit.DNSAddress, "example.com. A 127.0.0.1", "example.com. AAAA ::1")

	t.Run("names as programs see them", func(t *testing.T) {
		// ahosts asks with AI_ADDRCONFIG, as mail programs do.
		out, err := exec.Command("getent", "ahosts", "example.com").CombinedOutput()
		if err != nil || !strings.Contains(string(out), "127.0.0.1") {
			t.Errorf("getent: %v: %s", err, out)
		}
		if out, err := exec.Command("getent", "ahosts", "example.net").CombinedOutput(); err == nil {
			t.Errorf("a name from nowhere: %s", out)
		}
	})
	t.Run("names as Go sees them", func(t *testing.T) {
		got, err := net.DefaultResolver.LookupHost(t.Context(), "example.com")
		slices.Sort(got)
		if err != nil || !slices.Equal(got, []string{"127.0.0.1", "::1"}) {
			t.Errorf("got %q, %v", got, err)
		}
		if !slices.Contains(dns.Queries(), "example.com. A") {
			t.Errorf("asked elsewhere: %q", dns.Queries())
		}
	})
	t.Run("the outside is out of reach", func(t *testing.T) {
		conn, err := net.Dial("tcp", "198.51.100.1:80")
		if !errors.Is(err, syscall.ENETUNREACH) {
			t.Errorf("got %v, %v; want no route", conn, err)
		}
	})
	t.Run("a subtest may ask again", func(t *testing.T) {
		if !testkit.InNamespace(t) {
			t.Error("not inside")
		}
	})
	t.Run("more addresses", func(t *testing.T) {
		for _, address := range []string{"203.0.113.7", "2001:db8::7"} {
			testkit.AddAddress(t, address)
			bind(t, address)
		}
	})
	// On a pair of devices the kernel does look for duplicates, here for 100 seconds.
	t.Run("addresses that nobody looks for", func(t *testing.T) {
		run(t, "ip", "link", "add", "one", "type", "veth", "peer", "name", "two")
		run(t, "ip", "link", "set", "one", "up")
		run(t, "ip", "link", "set", "two", "up")
		if err := os.WriteFile("/proc/sys/net/ipv6/conf/one/dad_transmits", []byte("100"), 0o600); err != nil {
			t.Fatal(err)
		}
		testkit.AddAddressTo(t, "one", "2001:db8::8")
		bind(t, "2001:db8::8")
	})
}

// bind shows that an address can be listened at.
func bind(t *testing.T, address string) {
	t.Helper()
	listener, err := net.Listen("tcp", net.JoinHostPort(address, "80"))
	if err != nil {
		t.Fatal(err)
	}
	_ = listener.Close()
}

func run(t *testing.T, program string, args ...string) {
	t.Helper()
	if out, err := exec.Command(program, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %q: %v: %s", program, args, err, out)
	}
}

// caseVariable selects what TestOutcome does; unset, it does nothing.
const caseVariable = "AUTOCONFIG_TESTKIT_CASE"

// TestOutcome is the test that TestOutcomeIsRelayed runs.
func TestOutcome(t *testing.T) {
	which := os.Getenv(caseVariable)
	switch which {
	case "":
		return // not called by TestOutcomeIsRelayed
	case "missing":
		testkit.Need(t, "no-such-program")
	}
	if !testkit.InNamespace(t) {
		return
	}
	t.Log("reached the inside")
	switch which {
	case "fail":
		t.Run("sub", func(t *testing.T) { t.Error("on purpose") })
	case "skip":
		t.Skip("on purpose")
	case "panic":
		panic("on purpose")
	case "exit":
		os.Exit(0) // must not look like success
	case "hang":
		lock(t, os.Getenv(lockVariable), syscall.LOCK_EX)
		t.Log("hanging")
		<-t.Context().Done()
	}
}

// An outcome of the child must never turn into another one of the parent.
func TestOutcomeIsRelayed(t *testing.T) {
	testkit.Need(t, "root", "unshare", "ip")
	for _, test := range []struct {
		name, ci, want, says string
		args                 []string
	}{
		{name: "pass", want: "--- PASS: TestOutcome ", says: "reached the inside"},
		{name: "fail", want: "--- FAIL: TestOutcome ", says: "--- FAIL: TestOutcome/sub"},
		{name: "skip", want: "--- SKIP: TestOutcome ", says: "reached the inside"},
		{name: "panic", want: "--- FAIL: TestOutcome ", says: "on purpose"},
		{name: "exit", want: "--- FAIL: TestOutcome ", says: "reached the inside"},
		{name: "missing", want: "--- SKIP: TestOutcome ", says: "apt-get install"},
		{name: "missing", ci: "true", want: "--- FAIL: TestOutcome ", says: "apt-get install"},
		{name: "hang", want: "--- FAIL: TestOutcome ", says: "test timed out", args: []string{"-test.timeout=3s"}},
	} {
		t.Run(test.name+test.ci, func(t *testing.T) {
			cmd := outcome(t, test.name, test.args...)
			cmd.Env = append(cmd.Env, "CI="+test.ci)
			out, err := cmd.CombinedOutput()
			if failed := err != nil; failed != strings.Contains(test.want, "FAIL") {
				t.Errorf("exit status: %v", err)
			}
			for _, want := range []string{"\n" + test.want, test.says} {
				if !strings.Contains(string(out), want) {
					t.Errorf("no %q in\n%s", want, out)
				}
			}
		})
	}
}

// Whatever runs inside dies with the parent, however that ends.
func TestChildDiesWithParent(t *testing.T) {
	testkit.Need(t, "root", "unshare", "ip")
	file := filepath.Join(t.TempDir(), "lock")
	cmd := outcome(t, "hang", "-test.timeout=1m")
	cmd.Env = append(cmd.Env, lockVariable+"="+file)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	testkit.Until(t, func() string { return "the child holds the lock" }, func() bool { return !free(t, file) })
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed
	testkit.Until(t, func() string { return "the lock is free again" }, func() bool { return free(t, file) })
}

// outcome is this test binary, about to run TestOutcome alone.
func outcome(t *testing.T, which string, args ...string) *exec.Cmd {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, append([]string{"-test.run=^TestOutcome$", "-test.v"}, args...)...)
	// What a killed process leaves behind goes with this test.
	dir := t.TempDir()
	cmd.Env = append(os.Environ(), caseVariable+"="+which, lockVariable+"="+filepath.Join(dir, "lock"), "TMPDIR="+dir)
	return cmd
}

// lockVariable names the file that TestOutcome locks while it hangs.
const lockVariable = "AUTOCONFIG_TESTKIT_LOCK"

// lock locks a file until the process ends.
func lock(t *testing.T, file string, how int) {
	t.Helper()
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	if err := syscall.Flock(int(f.Fd()), how); err != nil {
		t.Fatal(err)
	}
}

// free tells whether nobody holds a lock on the file.
func free(t *testing.T, file string) bool {
	t.Helper()
	f, err := os.Open(file)
	if os.IsNotExist(err) {
		return true
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil
}
