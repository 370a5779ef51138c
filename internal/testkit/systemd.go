package testkit

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Systemd is the real one, as the first process of a machine that has its own processes and
// mounts beside those of the namespace: see [InNamespace].
type Systemd struct {
	pid string
	log string // the file of what it says
}

// CopyOnWrite lets the namespace change these folders of the machine without changing them:
// what is written is gone with the namespace.
func CopyOnWrite(t testing.TB, folders ...string) {
	t.Helper()
	requireNamespace(t)
	kept := map[string][]byte{} // what furnish has laid over files there
	for _, file := range []string{"/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		kept[file] = text
	}
	memory := mountMemory(t, t.TempDir())
	for i, folder := range folders {
		upper, work := filepath.Join(memory, fmt.Sprint(i, "-upper")), filepath.Join(memory, fmt.Sprint(i, "-work"))
		makeFolders(t, upper, work)
		layers := "lowerdir=" + folder + ",upperdir=" + upper + ",workdir=" + work
		if err := syscall.Mount("overlay", folder, "overlay", 0, layers); err != nil {
			t.Fatalf("mounting over %s: %v", folder, err)
		}
		unmountAtEnd(t, folder)
	}
	for file, text := range kept {
		_ = os.Remove(file) // it may be a link to what isn't there
		if err := os.WriteFile(file, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// StartSystemd starts a systemd that knows no unit of the machine's, in folders that
// [CopyOnWrite] has, /etc and /usr at least. It ends with the test, and what it started too.
func StartSystemd(t testing.TB) *Systemd {
	t.Helper()
	requireNamespace(t)
	Need(t, "/lib/systemd/systemd", "nsenter")
	for _, folder := range []string{"/usr/lib/systemd/system", "/etc/systemd/system"} {
		mountMemory(t, folder)
	}
	for _, target := range []string{"test", "sysinit", "basic", "sockets", "shutdown", "multi-user"} {
		file := "/usr/lib/systemd/system/" + target + ".target"
		if err := os.WriteFile(file, []byte("[Unit]\nDescription="+target+", without anything\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := &Systemd{log: filepath.Join(t.TempDir(), "systemd.log")}
	log, err := os.Create(s.log)
	if err != nil {
		t.Fatal(err)
	}
	group := fmt.Sprintf("autoconfig-test-%s", filepath.Base(filepath.Dir(s.log)))
	// Its own control group, or it would take the machine's processes for its own, and its own
	// mounts, which units see (LoadCredential=): systemd makes them so unless it is in a container.
	cmd := exec.Command("sh", "-c", `
		for h in /sys/fs/cgroup/systemd /sys/fs/cgroup/unified /sys/fs/cgroup; do
			[ ! -e $h/cgroup.procs ] || { mkdir -p $h/$0 && echo $$ >$h/$0/cgroup.procs; }
		done
		exec unshare --pid --fork --kill-child=KILL --mount --mount-proc --uts --ipc --cgroup --propagation private sh -c '
			mount --make-rshared / && mount -t tmpfs tmpfs /run && mkdir -p /run/generators &&
			exec env container=other SYSTEMD_GENERATOR_PATH=/run/generators \
				/lib/systemd/systemd --system --unit=test.target --log-target=console'`, group)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
		_ = log.Close()
		// Empty groups, which are left when all processes are gone.
		const remove = `find /sys/fs/cgroup -depth -type d -path "*/$0*" -exec rmdir {} + 2>/dev/null`
		_ = exec.Command("sh", "-c", remove, group).Run()
		if t.Failed() {
			logTail(t, s.log, "systemd")
		}
	})
	children := fmt.Sprintf("/proc/%d/task/%d/children", cmd.Process.Pid, cmd.Process.Pid)
	said := func() string {
		text, _ := os.ReadFile(s.log)
		return "systemd doesn't come up: " + string(text)
	}
	Until(t, said, func() bool {
		text, _ := os.ReadFile(children)
		s.pid = strings.TrimSpace(string(text))
		if s.pid == "" {
			return false
		}
		out, _ := s.Command("systemctl", "is-active", "test.target").CombinedOutput()
		return bytes.HasPrefix(out, []byte("active"))
	})
	return s
}

// Command is a command that runs on its machine.
func (s *Systemd) Command(name string, args ...string) *exec.Cmd {
	return exec.Command("nsenter", append([]string{
		"--target", s.pid, "--pid", "--mount", "--uts", "--ipc", "--cgroup", "--", name,
	}, args...)...)
}

// mountMemory mounts a file system in memory, which the namespace's end unmounts.
func mountMemory(t testing.TB, folder string) string {
	t.Helper()
	requireNamespace(t)
	if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, ""); err != nil {
		t.Fatalf("mounting over %s: %v", folder, err)
	}
	unmountAtEnd(t, folder)
	return folder
}

// unmountAtEnd unmounts it when the test ends.
func unmountAtEnd(t testing.TB, folder string) {
	t.Cleanup(func() {
		if err := syscall.Unmount(folder, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmounting %s: %v", folder, err)
		}
	})
}

func makeFolders(t testing.TB, folders ...string) {
	t.Helper()
	for _, folder := range folders {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}
