package packaging_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"autoconfig/internal/testkit"
	"autoconfig/internal/testkit/acme"
)

// The addresses of the world are public ones, since the service looks at no others; nobody
// outside of the namespace is reached. The machine has the first two.
const (
	here       = "11.0.0.1"
	nameServer = "11.0.0.4"
	mailHost   = "11.0.0.2"
	authority  = "11.0.0.3"
)

// abroad makes the network of another machine, joined to this one's by a cable: the service takes
// all addresses of its own. What it returns listens there.
func abroad(t *testing.T) func(address string) net.Listener {
	t.Helper()
	type order struct {
		address string
		done    chan<- net.Listener
	}
	orders, joined := make(chan order), make(chan int)
	failed := func(err error) { t.Error(err) }
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with its network
		if err := syscall.Unshare(syscall.CLONE_NEWNET); err != nil {
			failed(err)
		}
		joined <- syscall.Gettid()
		<-joined
		for _, line := range []string{"address add " + mailHost + "/24 dev abroad", "address add " + authority + "/24 dev abroad", "link set abroad up"} {
			if err := ip(line); err != nil {
				failed(err)
			}
		}
		for o := range orders {
			listener, err := net.Listen("tcp", o.address)
			if err != nil {
				failed(err)
			}
			o.done <- listener
		}
	}()
	thread := <-joined
	for _, line := range []string{
		fmt.Sprintf("link add home type veth peer name abroad netns %d", thread), "address add " + here + "/24 dev home",
		"address add " + nameServer + "/24 dev home", "link set home up",
	} {
		if err := ip(line); err != nil {
			t.Fatal(err)
		}
	}
	joined <- 0
	t.Cleanup(func() {
		close(orders)
		_ = ip("link delete home")
	})
	return func(address string) net.Listener {
		done := make(chan net.Listener)
		orders <- order{address, done}
		listener := <-done
		if listener == nil {
			t.FailNow()
		}
		return listener
	}
}

func ip(line string) error {
	if out, err := exec.Command("ip", strings.Fields(line)...).CombinedOutput(); err != nil {
		return fmt.Errorf("ip %s: %w %s", line, err, out)
	}
	return nil
}

// startMail starts the domain's mail servers, which are there already.
func (w *place) startMail(ca *testkit.CA) {
	w.t.Helper()
	certificate := ca.Issue(w.t, testkit.Leaf{Names: []string{"imap.example.org", "smtp.example.org"}})
	dovecot := testkit.StartDovecot(w.t, certificate, "")
	postfix := testkit.StartPostfix(w.t, certificate, dovecot, "")
	for port, to := range map[string]string{
		"143": dovecot.IMAP, "993": dovecot.IMAPS, "465": postfix.Submissions, "587": postfix.Submission,
	} {
		listener := w.abroad(mailHost + ":" + port)
		w.t.Cleanup(func() { _ = listener.Close() })
		go passOn(listener, to)
	}
}

// passOn passes connections on until the listener is closed.
func passOn(listener net.Listener, to string) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			defer func() { _ = conn.Close() }()
			// From elsewhere than Dovecot's own address, whose connections it takes for safe ones.
			dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP("127.0.0.9")}}
			server, err := dialer.Dial("tcp", to)
			if err != nil {
				return
			}
			defer func() { _ = server.Close() }()
			go func() { _, _ = io.Copy(server, conn); _ = server.(*net.TCPConn).CloseWrite() }()
			_, _ = io.Copy(conn, server)
		}()
	}
}

// startAuthority starts an ACME server at the name and path of the default one.
func (w *place) startAuthority(ca *testkit.CA) {
	w.t.Helper()
	w.acme = acme.Start(w.t, acme.Options{DNS: testkit.DNSAddress, HTTPPort: 80, TLSPort: 443})
	directory, err := url.Parse(w.acme.Directory)
	if err != nil {
		w.t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = directory.Scheme, directory.Host // and the Host as it came: its URLs have it
			if r.In.URL.Path == "/directory" {
				r.Out.URL.Path = directory.Path
			}
		},
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: w.acme.Roots}},
	}
	listener := w.abroad(authority + ":443")
	certificate := ca.Issue(w.t, testkit.Leaf{Names: []string{"acme-v02.api.letsencrypt.org"}})
	server := &http.Server{Handler: proxy, TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate.TLS()}}, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.ServeTLS(listener, "", "") }()
	w.t.Cleanup(func() { _ = server.Close() })
}
