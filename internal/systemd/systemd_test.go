package systemd

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"autoconfig/internal/testkit"
)

func TestMain(m *testing.M) {
	if os.Getenv("AUTOCONFIG_TEST_SOCKETS") != "" {
		os.Exit(printSockets())
	}
	os.Exit(testkit.Run(m))
}

// printSockets is the process to which sockets are passed.
func printSockets() int {
	sockets, err := Sockets(os.Getenv, os.Getpid())
	if err != nil {
		_, _ = os.Stdout.WriteString(err.Error())
		return 1
	}
	for name, listener := range sockets {
		_, _ = os.Stdout.WriteString(name + "=" + listener.Addr().String() + "\n")
	}
	return 0
}

func env(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

func TestSystemdIsTold(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = socket.Close() }()
	heard := func() string {
		buffer := make([]byte, 1000)
		_ = socket.SetReadDeadline(time.Now().Add(2 * time.Minute))
		n, err := socket.Read(buffer)
		if err != nil {
			t.Fatal(err)
		}
		return string(buffer[:n])
	}
	n := NewNotifier(env("NOTIFY_SOCKET", path, "WATCHDOG_USEC", "2000", "WATCHDOG_PID", "7"), 7)
	for want, tell := range map[string]func() error{
		"READY=1\nSTATUS=serving at [::]:443 now": func() error { return n.Ready("serving at [::]:443\nnow") },
		"RELOADING=1\nMONOTONIC_USEC=5000000":     func() error { return n.Reloading(5 * time.Second) },
		"STOPPING=1":                              n.Stopping,
	} {
		if err := tell(); err != nil {
			t.Error(err)
		}
		if got := heard(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- n.Watch(ctx, func() bool { return true }) }()
	for range 3 {
		if got := heard(); got != "WATCHDOG=1" {
			t.Errorf("%q", got)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestWithoutSystemdNothingIsTold(t *testing.T) {
	t.Parallel()
	for name, n := range map[string]Notifier{
		"no systemd":              NewNotifier(env(), 7),
		"another process's watch": NewNotifier(env("WATCHDOG_USEC", "1", "WATCHDOG_PID", "8"), 7),
	} {
		if err := n.Ready(""); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := n.Watch(t.Context(), func() bool { t.Errorf("%s: it is watched", name); return true }); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := NewNotifier(env("NOTIFY_SOCKET", filepath.Join(t.TempDir(), "none")), 7).Ready(""); err == nil {
		t.Error("a socket that isn't there is no error")
	}
}

func TestSocketsArePassed(t *testing.T) {
	t.Parallel()
	listen := func() (*os.File, string) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		file, err := l.(*net.TCPListener).File()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = file.Close() })
		return file, l.Addr().String()
	}
	one, oneAt := listen()
	two, twoAt := listen()
	text, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = text.Close() })
	for _, c := range []struct {
		name, fds, names string
		files            []*os.File
		want             []string
	}{
		{"two", "2", "listen:http_listen", []*os.File{one, two}, []string{"listen=" + oneAt + "\n", "http_listen=" + twoAt + "\n"}},
		{"one name twice", "2", "listen:listen", []*os.File{one, two}, []string{`two sockets called "listen"`}},
		{"no socket", "1", "listen", []*os.File{text}, []string{`the socket "listen" of systemd isn't one that listens`}},
		{"no number", "many", "listen", nil, []string{`LISTEN_FDS: "many" isn't a number of sockets`}},
		{"too many", "65", "", nil, []string{`LISTEN_FDS: "65"`}},
	} {
		cmd := exec.Command("sh", "-c", `LISTEN_PID=$$ exec "$0"`, os.Args[0])
		cmd.Env = append(os.Environ(), "AUTOCONFIG_TEST_SOCKETS=1", "LISTEN_FDS="+c.fds, "LISTEN_FDNAMES="+c.names)
		cmd.ExtraFiles = c.files
		out, _ := cmd.CombinedOutput()
		for _, want := range c.want {
			if !strings.Contains(string(out), want) {
				t.Errorf("%s: %q lacks %q", c.name, out, want)
			}
		}
	}
	if sockets, err := Sockets(env("LISTEN_PID", "8", "LISTEN_FDS", "1"), 7); err != nil || sockets != nil {
		t.Errorf("another process's sockets: %v %v", sockets, err)
	}
}
