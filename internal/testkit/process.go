package testkit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// process is a client that runs for the length of a test, with a home of its
// own, in a process group of its own.
type process struct {
	cmd    *exec.Cmd
	exited chan struct{}
	err    error // how it ended; set before exited is closed
}

// startProcess starts a program. When the test ends, its group is killed, and
// if the test has failed, the end of what it printed is logged.
func startProcess(t testing.TB, home, program string, args ...string) *process {
	t.Helper()
	output, err := os.Create(filepath.Join(t.TempDir(), "output"))
	if err != nil {
		t.Fatal(err)
	}
	env, err := clientEnvironment(home)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(located(program), args...)
	cmd.Env = env
	cmd.Dir = home
	// A file, not a pipe: waiting must not hang on a grandchild that holds it.
	cmd.Stdout, cmd.Stderr = output, output
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: cmd, exited: make(chan struct{})}
	go func() {
		defer close(p.exited)
		p.err = cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // the group may be gone already
		<-p.exited
		_ = output.Close()
		if t.Failed() {
			logTail(t, output.Name(), filepath.Base(program))
		}
	})
	return p
}

// wait waits for the end of the program.
func (p *process) wait(ctx context.Context) error {
	select {
	case <-p.exited:
		return p.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// poll waits until the condition holds, the program ends or the context does.
func (p *process) poll(ctx context.Context, condition func() bool) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-p.exited:
			return fmt.Errorf("it has ended: %w", errors.Join(p.err, os.ErrProcessDone))
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// clientEnvironment keeps a client away from the person who runs the tests:
// their files, desktop, session bus and proxies.
func clientEnvironment(home string) ([]string, error) {
	runtimeDir := filepath.Join(home, "run")
	if err := os.MkdirAll(runtimeDir, 0o700); err != nil {
		return nil, err
	}
	return []string{
		"HOME=" + home,
		"PATH=" + os.Getenv("PATH"),
		"LANG=C.UTF-8",
		"XDG_CACHE_HOME=" + filepath.Join(home, ".cache"),
		"XDG_CONFIG_HOME=" + filepath.Join(home, ".config"),
		"XDG_DATA_HOME=" + filepath.Join(home, ".local", "share"),
		"XDG_RUNTIME_DIR=" + runtimeDir,
		"TMPDIR=" + runtimeDir,
		"MOZ_CRASHREPORTER_DISABLE=1",
		"GSETTINGS_BACKEND=memory",
		"GIO_USE_VFS=local",
	}, nil
}

// logTail logs the end of a file.
func logTail(t testing.TB, file, what string) {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Log(err)
		return
	}
	lines := strings.Split(strings.TrimSpace(string(content)), "\n")
	const most = 200
	if len(lines) > most {
		lines = lines[len(lines)-most:]
	}
	t.Logf("the last output of %s:\n%s", what, strings.Join(lines, "\n"))
}
