package testkit

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const terminate = syscall.SIGTERM

// account is whom a daemon runs as: databases refuse to run as root.
type account struct {
	credential *syscall.Credential // nil for oneself
}

// accountOf is the named user where the tests run as root, else oneself.
func accountOf(name string) (*account, error) {
	if os.Geteuid() != 0 {
		return &account{}, nil
	}
	u, err := user.Lookup(name)
	if err != nil {
		return nil, err
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &account{&syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, nil
}

func (a *account) environment(home string) []string {
	return []string{"HOME=" + home, "PATH=" + os.Getenv("PATH") + ":/usr/sbin:/sbin", "LANG=C.UTF-8", "TMPDIR=" + home}
}

// own gives a file to the account.
func (a *account) own(file string) error {
	if a.credential == nil {
		return nil
	}
	return os.Chown(file, int(a.credential.Uid), int(a.credential.Gid))
}

func (a *account) write(file, text string) error {
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return err
	}
	return a.own(file)
}

func (a *account) command(dir, program string, args ...string) *exec.Cmd {
	cmd := exec.Command(located(program), args...)
	cmd.Dir, cmd.Env = dir, a.environment(dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: a.credential}
	return cmd
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

// run runs a program to its end.
func (a *account) run(dir, program string, args ...string) error {
	if out, err := a.command(dir, program, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", program, err, out)
	}
	return nil
}

// prepared makes a server in a folder of its own, and starts it. A port that
// somebody else has taken meanwhile is tried again with another one.
func prepared(
	owner string, prepare func(dir string, as *account, port string) (*DatabaseServer, error),
) (*DatabaseServer, error) {
	as, err := accountOf(owner)
	if err != nil {
		return nil, err
	}
	for attempt := 1; ; attempt++ {
		dir, err := os.MkdirTemp("", "testkit")
		if err != nil {
			return nil, err
		}
		var s *DatabaseServer
		port, release, err := reservePort()
		if err == nil {
			err = as.own(dir)
		}
		if err == nil {
			s, err = prepare(dir, as, port)
		}
		if err == nil {
			s.daemon.release = release // it is stopped and started again on this port
			if err = s.start(); err == nil {
				return s, nil
			}
			text, _ := os.ReadFile(s.daemon.log()) // its message is worth more than ours, if there is one
			err = fmt.Errorf("%w\n%s", err, text)
			s.daemon.end()
		} else if release != nil {
			release()
		}
		_ = os.RemoveAll(dir) // it is in the folder for what is temporary
		if attempt == 3 || !strings.Contains(strings.ToLower(err.Error()), "address already in use") {
			return nil, err
		}
	}
}

// daemon is a program that can be ended and started again. It ends at the latest
// with the process that started it.
type daemon struct {
	program string
	args    []string
	dir     string
	as      *account
	clean   os.Signal // ends it in order

	cmd     *exec.Cmd
	exited  chan struct{}
	keeper  *os.File
	release func() // of its port
}

func (d *daemon) log() string { return filepath.Join(d.dir, "log") }

// start starts it and waits until it is ready.
func (d *daemon) start(ready func() error) error {
	log, err := os.OpenFile(d.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }() // it has a copy of its own
	cmd := d.as.command(d.dir, d.program, d.args...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return err
	}
	exited := make(chan struct{})
	go func() {
		defer close(exited)
		_ = cmd.Wait() // how it ended is in its log
	}()
	d.cmd, d.exited = cmd, exited
	if err := d.keep(); err != nil {
		return err
	}
	deadline := time.Now().Add(patience)
	for {
		err := ready()
		if err == nil {
			return nil
		}
		select {
		case <-exited:
			return fmt.Errorf("%s has ended instead of serving", d.program)
		case <-time.After(30 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s isn't ready: %w", d.program, err)
		}
	}
}

// keep leaves a shell behind that ends the daemon when this process is gone without
// having done so: a test that panics or takes too long cleans nothing up.
func (d *daemon) keep() error {
	reader, writer, err := os.Pipe()
	if err != nil {
		return err
	}
	defer func() { _ = reader.Close() }() // the shell has a copy of its own
	cmd := exec.Command("/bin/sh", "-c", `read -r done || { kill -QUIT "$1" 2>/dev/null; n=0; while kill -0 "$1" `+
		`2>/dev/null && [ $n -lt 50 ]; do sleep 0.2; n=$((n+1)); done; kill -KILL "$1" 2>/dev/null; rm -rf "$2"; }`,
		"keeper", strconv.Itoa(d.cmd.Process.Pid), d.dir)
	cmd.Stdin = reader
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() { _ = cmd.Wait() }() // it ends with the pipe
	d.keeper = writer
	return nil
}

// gone waits for the end of the process, and dismisses the keeper.
func (d *daemon) gone() error {
	select {
	case <-d.exited:
	case <-time.After(patience):
		return fmt.Errorf("%s doesn't end", d.program)
	}
	if d.keeper != nil {
		_, _ = d.keeper.WriteString("done\n") // it reads nothing else
		_ = d.keeper.Close()
		d.keeper = nil
	}
	return nil
}

func (d *daemon) stop() error {
	if err := d.cmd.Process.Signal(d.clean); err != nil {
		return err
	}
	return d.gone()
}

func (d *daemon) kill() error {
	processes, err := d.halt()
	if err != nil {
		return err
	}
	for _, pid := range processes {
		_ = syscall.Kill(pid, syscall.SIGKILL) // it may be gone
	}
	if err := d.gone(); err != nil {
		return err
	}
	deadline := time.Now().Add(patience)
	for _, pid := range processes {
		for lives(pid) {
			if time.Now().After(deadline) {
				return fmt.Errorf("process %d of %s doesn't end", pid, d.program)
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
	return nil
}

func (d *daemon) freeze() error {
	_, err := d.halt()
	return err
}

// halt stops all processes, the first one before it could make more of them, and
// returns them. PostgreSQL's leave the group of the first one.
func (d *daemon) halt() ([]int, error) {
	first := d.cmd.Process.Pid
	if err := syscall.Kill(first, syscall.SIGSTOP); err != nil {
		return nil, fmt.Errorf("%s isn't running: %w", d.program, err)
	}
	children, err := childrenOf(first)
	if err != nil {
		return nil, err
	}
	for _, pid := range children {
		_ = syscall.Kill(pid, syscall.SIGSTOP) // it may be gone
	}
	return append([]int{first}, children...), nil
}

func (d *daemon) thaw() error {
	children, err := childrenOf(d.cmd.Process.Pid)
	if err != nil {
		return err
	}
	for _, pid := range append(children, d.cmd.Process.Pid) {
		_ = syscall.Kill(pid, syscall.SIGCONT) // it may be gone
	}
	return nil
}

// end ends it, whatever its state, and removes its folder.
func (d *daemon) end() {
	if d.cmd != nil {
		select {
		case <-d.exited:
		default:
			_ = d.kill() // there is nothing more that could be done
		}
		_ = d.gone()
	}
	if d.release != nil {
		d.release()
	}
	_ = os.RemoveAll(d.dir) // it is in the folder for what is temporary
}

// childrenOf lists a process's own children.
func childrenOf(parent int) ([]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var children []int
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if _, of := stat(pid); of == parent {
			children = append(children, pid)
		}
	}
	return children, nil
}

// stat gives a process's state and parent; 0 for one that is gone.
func stat(pid int) (state byte, parent int) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, 0
	}
	// PID (NAME) STATE PARENT …, where a name may have brackets itself
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(fields) < 2 {
		return 0, 0
	}
	parent, _ = strconv.Atoi(fields[1])
	return fields[0][0], parent
}

// lives tells whether a process still holds what it had.
func lives(pid int) bool {
	state, _ := stat(pid)
	return state != 0 && state != 'Z' && state != 'X'
}
