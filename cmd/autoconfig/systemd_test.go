package main

import (
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"autoconfig/internal/testkit"
)

// activated starts a serve to which systemd would have passed its public socket.
func activated(t *testing.T, folder string, socket *os.File, environment ...string) *process {
	t.Helper()
	cmd := exec.Command("sh", "-c", "LISTEN_PID=$$ exec autoconfig serve --admin-listen 127.0.0.1:0")
	cmd.Dir = folder
	cmd.ExtraFiles = []*os.File{socket}
	cmd.Env = append(append(os.Environ(), "LISTEN_FDS=1", "LISTEN_FDNAMES=listen"), environment...)
	return begin(t, cmd)
}

// A service whose socket systemd keeps is restarted again and again, and no request
// fails: those that come meanwhile wait in the socket.
func TestRestartsBySocketActivationLoseNoRequest(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	put(t, folder, 0o600, map[string]string{
		"autoconfig.yaml": "public_url: https://one.example.com\nrate_limit: {per_second: 0}\n",
		"site.yaml":       "domains:\n  - {name: example.org, servers: {imap: {host: mail.example.org}, smtp: {host: mail.example.org}}}\n",
	})
	if seen := shell(t, folder, "autoconfig apply"); !strings.Contains(seen, "example.org") {
		t.Fatal(seen)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	socket, err := listener.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = socket.Close() }()
	client := &http.Client{Timeout: 2 * time.Minute, Transport: &http.Transport{DisableKeepAlives: true}}
	var stop atomic.Bool
	var answered atomic.Int64
	var group sync.WaitGroup
	now := activated(t, folder, socket)
	for range 4 {
		group.Go(func() {
			for !stop.Load() {
				answer, err := client.Get("http://" + listener.Addr().String() + "/mail/config-v1.1.xml?emailaddress=a%40example.org")
				if err != nil {
					t.Error(err)
					return
				}
				_ = answer.Body.Close()
				if answer.StatusCode != http.StatusOK {
					t.Error(answer.Status)
					return
				}
				answered.Add(1)
			}
		})
	}
	for range 5 {
		before := answered.Load()
		testkit.Until(t, func() string { return "requests are answered" }, func() bool { return answered.Load() > before+20 || t.Failed() })
		if said, err := now.stop(); err != nil {
			t.Errorf("it ended with %v\n%s", err, said)
		}
		now = activated(t, folder, socket)
	}
	stop.Store(true)
	group.Wait()
	t.Logf("%d requests over 5 restarts, none failed", answered.Load())
}

func TestASocketOfAnotherNameIsRefused(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	put(t, folder, 0o600, map[string]string{"autoconfig.yaml": "public_url: https://one.example.com\n"})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	socket, err := listener.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = socket.Close() }()
	cmd := exec.Command("sh", "-c", "LISTEN_PID=$$ exec autoconfig serve --listen 127.0.0.1:0 --admin-listen 127.0.0.1:0")
	cmd.Dir, cmd.ExtraFiles = folder, []*os.File{socket}
	cmd.Env = append(os.Environ(), "LISTEN_FDS=1", "LISTEN_FDNAMES=autoconfig.socket")
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), `systemd passed a socket called "autoconfig.socket": FileDescriptorName= must be listen,`) {
		t.Errorf("%v %s", err, out)
	}
}

// A unit of Type=notify-reload hears when it serves, reloads, lives and ends, with the
// refusal of a bad configuration.
func TestServeTellsSystemd(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = socket.Close() }()
	hears := func(wants ...string) {
		t.Helper()
		_ = socket.SetReadDeadline(time.Now().Add(2 * time.Minute))
		for {
			buffer := make([]byte, 1000)
			n, err := socket.Read(buffer)
			if err != nil {
				t.Fatalf("%q was not heard: %v", wants, err)
			}
			heard, all := string(buffer[:n]), true
			for _, want := range wants {
				all = all && strings.Contains(heard, want)
			}
			if all {
				return
			}
		}
	}
	folder := t.TempDir()
	put(t, folder, 0o600, map[string]string{"autoconfig.yaml": "public_url: https://one.example.com\n"})
	cmd := exec.Command("autoconfig", "serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0")
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+path, "WATCHDOG_USEC=100000")
	r := &reloaded{begin(t, cmd), t, folder}
	hears("READY=1", "STATUS=serving at 127.0.0.1:")
	hears("WATCHDOG=1")
	r.say("public_url: nonsense\n")
	hears("RELOADING=1", "MONOTONIC_USEC=")
	hears("READY=1", "STATUS=serving with the last good configuration")
	r.say("public_url: https://two.example.com\n")
	hears("RELOADING=1")
	hears("READY=1", "STATUS=serving")
	if err := syscall.Kill(r.pid, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	hears("STOPPING=1")
}

// A changed file is read without a signal, once it is left alone; a bad one is refused.
func TestAChangedConfigurationIsRead(t *testing.T) {
	t.Parallel()
	r := newReloaded(t, "public_url: https://one.example.com\n")
	outlook := "http://" + r.public + "/autodiscover/autodiscover.json?Email=a%40example.org&Protocol=AutodiscoverV1"
	eventually(t, outlook, `https://one\.example\.com/`)
	put(t, r.folder, 0o600, map[string]string{"autoconfig.yaml": "public_url: https://two.example.com\n# another size\n"})
	eventually(t, outlook, `https://two\.example\.com/`)
	put(t, r.folder, 0o600, map[string]string{"autoconfig.yaml": "public_url: https://three.example.com\npublic: nonsense\n"})
	r.ready(`"degraded"`)
	eventually(t, outlook, `https://two\.example\.com/`)
}

func TestAFileIsTakenWhenItIsLeftAlone(t *testing.T) {
	t.Parallel()
	at := func(second, size int64) fileVersion { return fileVersion{time.Unix(second, 0), size} }
	w := fileWatch{at(1, 10), at(1, 10)}
	for i, step := range []struct {
		now  fileVersion
		want bool
	}{
		{at(1, 10), false},
		{at(2, 5), false}, // half written
		{at(3, 10), false},
		{at(3, 10), true},
		{at(3, 10), false},
		{fileVersion{}, false}, // renamed away
		{fileVersion{}, false},
		{at(3, 10), false},
		{at(3, 10), false}, // the same one came back
		{at(4, 10), false},
		{at(4, 10), true},
	} {
		if got := w.changed(step.now); got != step.want {
			t.Errorf("step %d: %v", i, got)
		}
	}
}
