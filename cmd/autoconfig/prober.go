package main

import (
	"net/netip"
	"slices"

	"autoconfig/internal/config"
	"autoconfig/internal/doctor/probe"
)

func newProber(process configuration, flag resolverFlag, trust bool, allow []netip.Prefix) (*probe.Prober, error) {
	resolver, err := flag.resolver(process)
	if err != nil {
		return nil, err
	}
	resolver.Trusted = trust || process.Check.TrustResolver
	return &probe.Prober{Resolver: resolver, Dialer: probe.Dialer{Policy: probe.DialPolicy{
		Allowed: slices.Concat(process.Check.AllowNetworks, allow), Own: ownListeners(process),
	}}}, nil
}

// ownListeners are the listeners that aren't for everybody: a check must not reach
// them by a stranger's records, whatever networks are allowed. The public ones are
// left out: they are what is to be checked, and tell us what they tell anybody.
func ownListeners(process configuration) []netip.AddrPort {
	var own []netip.AddrPort
	for _, address := range []config.ListenAddress{process.AdminListen, process.StaffListen} {
		if !address.IsGiven() {
			continue
		}
		ip, err := netip.ParseAddr(address.Host)
		if err != nil { // none, or a name, which may be any of the machine's addresses
			ip = netip.IPv6Unspecified()
		}
		own = append(own, netip.AddrPortFrom(ip, address.Port))
	}
	return own
}

// resolverFlag is on the commands that ask the DNS.
type resolverFlag struct {
	Resolver []string `help:"Recursive name server to ask; the system's by default." placeholder:"HOST[:PORT]"`
}

func (r resolverFlag) resolver(process configuration) (*probe.Resolver, error) {
	servers := r.Resolver
	if len(servers) == 0 {
		servers = process.Check.Resolver
	}
	if len(servers) == 0 {
		return probe.SystemResolver("/etc/resolv.conf")
	}
	resolver := &probe.Resolver{}
	for _, server := range servers {
		resolver.Servers = append(resolver.Servers, probe.WithPort(server))
	}
	return resolver, nil
}
