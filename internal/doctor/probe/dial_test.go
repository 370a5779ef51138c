package probe

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
)

func TestOnlyPublicAddressesAreDialled(t *testing.T) {
	t.Parallel()
	for ip, permitted := range map[string]bool{
		"8.8.8.8": true, "1.1.1.1": true, "2606:4700::1111": true, "2a00:1450::1": true,
		"0.0.0.0": false, "10.1.2.3": false, "100.64.0.1": false, "127.0.0.1": false, "169.254.169.254": false, "172.31.0.1": false,
		"192.0.0.8": false, "192.0.2.1": false, "192.88.99.1": false, "192.168.1.1": false, "198.18.0.1": false, "224.0.0.1": false, "255.255.255.255": false,
		"::": false, "::1": false, "fe80::1": false, "fc00::1": false, "ff02::1": false, "2001:db8::1": false, "3fff::1": false,
		"::ffff:8.8.8.8": false, "::ffff:127.0.0.1": false, "64:ff9b::808:808": false, "64:ff9b:1::1": false, "2002:808:808::1": false, "2001::1": false, "::8.8.8.8": false, "fec0::1": false,
	} {
		to := netip.AddrPortFrom(netip.MustParseAddr(ip), 443)
		if err := (DialPolicy{}).Permits(to); (err == nil) != permitted || err != nil && !errors.Is(err, ErrForbidden) {
			t.Errorf("%s: %v", ip, err)
		}
	}
	inside := DialPolicy{Allowed: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, Own: []netip.AddrPort{netip.MustParseAddrPort("10.0.0.1:443"), netip.MustParseAddrPort("[::]:8081")}}
	for to, permitted := range map[string]bool{"10.0.0.2:443": true, "10.0.0.1:443": false, "10.0.0.1:993": true, "127.0.0.1:8081": false, "[::1]:8081": false, "8.8.8.8:8081": true, "192.168.0.1:443": false} {
		if err := inside.Permits(netip.MustParseAddrPort(to)); (err == nil) != permitted {
			t.Errorf("%s: %v", to, err)
		}
	}
}

// Our own listeners are refused in whatever form an address is written, and whatever
// is allowed.
func TestOwnListenersAreNeverDialled(t *testing.T) {
	t.Parallel()
	everything := []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}
	interfaces, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	all := []string{"127.0.0.1", "127.66.0.1", "::1", "0.0.0.0", "::", "::ffff:127.0.0.1", "::ffff:0.0.0.0", "64:ff9b::127.0.0.1", "2002:7f00:1::1"}
	for _, a := range interfaces {
		ip := netip.MustParsePrefix(a.String()).Addr()
		all = append(all, ip.String(), netip.AddrFrom16(ip.As16()).String()) // mapped, if it is IPv4
		if ip.IsLinkLocalUnicast() && ip.Is6() {
			all = append(all, ip.WithZone("eth0").String())
		}
	}
	for own, refused := range map[string][]string{
		"0.0.0.0:8081":            all,
		"[::]:8081":               all,
		"127.0.0.1:8081":          {"127.0.0.1", "0.0.0.0", "::", "::ffff:127.0.0.1", "64:ff9b::127.0.0.1", "2002:7f00:1::1"},
		"[::ffff:127.0.0.1]:8081": {"127.0.0.1", "0.0.0.0", "::", "::ffff:127.0.0.1"},
		"[::1]:8081":              {"::1", "0.0.0.0", "::"},
		"[fe80::1%lo]:8081":       {"fe80::1", "fe80::1%eth0"},
		"10.9.8.7:8081":           {"10.9.8.7", "::ffff:10.9.8.7", "64:ff9b::10.9.8.7", "2002:a09:807::1"},
	} {
		p := DialPolicy{Allowed: everything, Own: []netip.AddrPort{netip.MustParseAddrPort("192.0.2.9:1"), netip.MustParseAddrPort(own)}}
		for _, ip := range refused {
			if err := p.Permits(netip.AddrPortFrom(netip.MustParseAddr(ip), 8081)); !errors.Is(err, ErrForbidden) {
				t.Errorf("listening at %s, %s is dialled", own, ip)
			}
			if err := p.Permits(netip.AddrPortFrom(netip.MustParseAddr(ip).Unmap(), 8082)); err != nil && !strings.Contains(ip, "%") {
				t.Errorf("listening at %s, another port of %s: %v", own, ip, err)
			}
		}
		if err := p.Permits(netip.MustParseAddrPort("192.0.2.77:8081")); err != nil {
			t.Errorf("listening at %s, another machine: %v", own, err)
		}
	}
}

func TestForbiddenAddressesAreNotTried(t *testing.T) {
	t.Parallel()
	var tried []string
	d := Dialer{Connect: func(_ context.Context, _, address string) (net.Conn, error) {
		tried = append(tried, address)
		return nil, errors.New("refused")
	}}
	ips := []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("8.8.8.8"), netip.MustParseAddr("::ffff:10.0.0.1")}
	_, err := d.Dial(t.Context(), "tcp", ips, 993)
	if !errors.Is(err, ErrForbidden) || len(tried) != 1 || tried[0] != "8.8.8.8:993" {
		t.Errorf("tried %v: %v", tried, err)
	}
	if _, err := d.Dial(t.Context(), "tcp", nil, 993); err == nil {
		t.Error("dialled nothing")
	}
}
