package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"
)

// ErrForbidden is returned for an address that isn't dialled because a stranger's
// records say so.
var ErrForbidden = errors.New("not dialled")

// DialPolicy says which addresses may be dialled. The zero value permits public
// ones only.
type DialPolicy struct {
	// Allowed are networks that the operator permits beside public ones.
	Allowed []netip.Prefix
	// Own are our own listeners, which are never dialled: through them a stranger
	// would ask as ourselves, whatever is allowed. An unspecified address stands for
	// all of the machine's.
	Own []netip.AddrPort
}

// special4 are IPv4's special-purpose networks (IANA registry, RFC 6890).
var special4 = prefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
	"192.0.0.0/24", "192.0.2.0/24",
	"192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
)

// Of IPv6 only global unicast is dialled, without what is special in it: protocol
// assignments with Teredo (2001::/23), documentation, and 6to4, which would carry
// an IPv4 address past the list above, as NAT64 and mapped addresses would.
var (
	global6  = netip.MustParsePrefix("2000::/3")
	special6 = prefixes("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
)

func prefixes(list ...string) []netip.Prefix {
	parsed := make([]netip.Prefix, len(list))
	for i, p := range list {
		parsed[i] = netip.MustParsePrefix(p)
	}
	return parsed
}

// Permits tells why an address and port may not be dialled, as [ErrForbidden].
func (p DialPolicy) Permits(to netip.AddrPort) error {
	ip := to.Addr()
	if p.isOwn(to) {
		return fmt.Errorf("%w: %s is this service itself", ErrForbidden, to)
	}
	within := func(list []netip.Prefix) bool {
		return slices.ContainsFunc(list, func(network netip.Prefix) bool { return network.Contains(ip) })
	}
	if within(p.Allowed) {
		return nil
	}
	if ip.Is4() && !within(special4) || ip.Is6() && !ip.Is4In6() && global6.Contains(ip) && !within(special6) {
		return nil
	}
	return fmt.Errorf("%w: %s is not a public address; permit its network with --allow-network "+
		"or check: {allow_networks: [...]}", ErrForbidden, ip)
}

// isOwn tells whether an address, in whatever form, leads to one of our listeners.
func (p DialPolicy) isOwn(to netip.AddrPort) bool {
	ip := meant(to.Addr())
	return slices.ContainsFunc(p.Own, func(own netip.AddrPort) bool {
		listens := meant(own.Addr())
		// A dialler of 0.0.0.0 gets this machine.
		return own.Port() == to.Port() &&
			(listens == ip || listens.IsUnspecified() && isLocal(ip) || ip.IsUnspecified())
	})
}

var (
	nat64 = netip.MustParsePrefix("64:ff9b::/96") // RFC 6052
	sixTo = netip.MustParsePrefix("2002::/16")    // RFC 3056
)

// meant is the IPv4 address that an IPv6 one carries, if it does.
func meant(ip netip.Addr) netip.Addr {
	ip = ip.Unmap().WithZone("")
	switch bytes := ip.As16(); {
	case nat64.Contains(ip):
		return netip.AddrFrom4([4]byte(bytes[12:]))
	case sixTo.Contains(ip):
		return netip.AddrFrom4([4]byte(bytes[2:6]))
	}
	return ip
}

func isLocal(ip netip.Addr) bool {
	if ip.IsLoopback() || ip.IsUnspecified() {
		return true
	}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return true // better once too often
	}
	return slices.ContainsFunc(addresses, func(a net.Addr) bool {
		p, err := netip.ParsePrefix(a.String())
		return err == nil && p.Addr().Unmap().WithZone("") == ip
	})
}

// dialTimeout bounds one connection attempt.
const dialTimeout = 5 * time.Second

// Dialer connects to addresses that its policy permits.
type Dialer struct {
	Policy DialPolicy
	// Connect opens a connection to an address and port, net.Dialer's if nil.
	Connect func(ctx context.Context, network, address string) (net.Conn, error)
}

// Dial connects to the first of the addresses that may be dialled and answers.
func (d Dialer) Dial(ctx context.Context, network string, ips []netip.Addr, port int) (net.Conn, error) {
	connect := d.Connect
	if connect == nil {
		connect = new(net.Dialer).DialContext
	}
	var failures []error
	for _, ip := range ips {
		to := netip.AddrPortFrom(ip, uint16(port)) //nolint:gosec // a port
		if err := d.Policy.Permits(to); err != nil {
			failures = append(failures, err)
			continue
		}
		attempt, cancel := context.WithTimeout(ctx, dialTimeout)
		connection, err := connect(attempt, network, to.String())
		cancel()
		if err == nil {
			return connection, nil
		}
		failures = append(failures, err)
	}
	if len(failures) == 0 {
		return nil, errors.New("there is no address to dial")
	}
	return nil, errors.Join(failures...)
}
