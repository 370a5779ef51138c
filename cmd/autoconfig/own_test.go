package main

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"autoconfig/internal/config"
	"autoconfig/internal/web"
)

// Whatever networks are allowed, no check comes to a listener that isn't for
// everybody, however its address is configured.
func TestChecksDialNoneOfOurPrivateListeners(t *testing.T) {
	t.Parallel()
	everything := []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}
	address := func(text string) (l config.ListenAddress) {
		if err := l.UnmarshalText([]byte(text)); err != nil {
			t.Fatal(err)
		}
		return l
	}
	for configured, dialled := range map[string][]string{
		":9443":           {"127.0.0.1:9443", "[::1]:9443", "127.66.0.1:9443", "0.0.0.0:9443", "[::ffff:127.0.0.1]:9443"},
		"0.0.0.0:9443":    {"127.0.0.1:9443", "[::]:9443", "[::ffff:127.0.0.1]:9443"},
		"[::]:9443":       {"127.0.0.1:9443", "[::1]:9443", "0.0.0.0:9443"},
		"localhost:9443":  {"127.0.0.1:9443", "[::1]:9443"},
		"127.66.0.1:9443": {"127.66.0.1:9443", "[::ffff:127.66.0.1]:9443", "0.0.0.0:9443"},
	} {
		for key, process := range map[string]configuration{
			"admin_listen": {Process: config.Process{AdminListen: address(configured)}},
			"staff_listen": {Process: config.Process{AdminListen: address("127.0.0.1:8081"), StaffListen: address(configured)}},
		} {
			prober, err := newProber(process, resolverFlag{Resolver: []string{"127.0.0.1:1"}}, false, everything)
			if err != nil {
				t.Fatal(err)
			}
			for _, to := range dialled {
				if err := prober.Dialer.Policy.Permits(netip.MustParseAddrPort(to)); err == nil {
					t.Errorf("%s: %s: %s is dialled", key, configured, to)
				}
			}
			if err := prober.Dialer.Policy.Permits(netip.MustParseAddrPort("127.0.0.1:443")); err != nil {
				t.Errorf("the public listener is what is to be checked: %v", err)
			}
		}
	}
}

// A running service knows the ports that it was given.
func TestServeKnowsWhereItListens(t *testing.T) {
	t.Parallel()
	open := func() net.Listener {
		l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		return l
	}
	l := web.Listeners{Private: open(), Staff: open()}
	anyPort := config.ListenAddress{Host: "127.0.0.1"}
	process := configuration{Process: config.Process{AdminListen: anyPort, StaffListen: anyPort}}
	process.bound(l)
	if own, want := fmt.Sprint(ownListeners(process)), fmt.Sprintf("[%s %s]", l.Private.Addr(), l.Staff.Addr()); own != want {
		t.Errorf("%s, want %s", own, want)
	}
}

// A stranger's redirect to the help desk's listener is not followed.
func TestARedirectToTheStaffListenerIsNotFollowed(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	desk := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	t.Cleanup(desk.Close)
	stranger := httptest.NewServer(http.RedirectHandler(desk.URL+"/openapi.json", http.StatusFound))
	t.Cleanup(stranger.Close)
	file := emptySite(t)
	text := "public_url: https://autoconfig.example.org\ndatabase: sqlite:autoconfig.db\nstaff_url: https://desk.example.org\nstaff_listen: " + desk.Listener.Addr().String() + "\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	status, out, errors := command(t, "", "import", "config", stranger.URL+"/", "--domain", "example.com", "--resolver", "127.0.0.1:1", "--allow-network", "127.0.0.0/8", "--config", file)
	if status != exitFailure || !strings.Contains(errors, "is this service itself") || asked.Load() > 0 {
		t.Errorf("status %d, asked %d times\n%s\n%s", status, asked.Load(), out, errors)
	}
}
