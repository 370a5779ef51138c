package testkit

import (
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/dns"
)

// DNS is a name server for tests. It knows its records and nothing else, and
// claims authority for every name.
type DNS struct {
	// Addr is the host and port on which it answers, over UDP and TCP.
	Addr string

	mu      sync.Mutex
	records map[string][]dns.RR
	queries []string
	fails   map[string]int  // by name, or name and type
	noEDNS  map[string]bool // by name, with all below it
}

// Fail answers a name, or one type of it ("MX"; "" for all), with a response code.
func (d *DNS) Fail(name, kind string, rcode int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fails == nil {
		d.fails = map[string]int{}
	}
	d.fails[strings.TrimSpace(dns.CanonicalName(name)+" "+kind)] = rcode
}

// WithoutEDNS answers questions with EDNS about a name, or one below it, with FORMERR.
func (d *DNS) WithoutEDNS(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.noEDNS == nil {
		d.noEDNS = map[string]bool{}
	}
	d.noEDNS[dns.CanonicalName(name)] = true
}

// failure is the response code that a question gets whatever the records are.
func (d *DNS) failure(query *dns.Msg) int {
	name, kind := dns.CanonicalName(query.Question[0].Name), dns.TypeToString[query.Question[0].Qtype]
	d.mu.Lock()
	defer d.mu.Unlock()
	if query.IsEdns0() != nil {
		for _, i := range dns.Split(name) {
			if d.noEDNS[name[i:]] {
				return dns.RcodeFormatError
			}
		}
	}
	if rcode, ok := d.fails[name]; ok {
		return rcode
	}
	return d.fails[name+" "+kind]
}

// StartDNS answers on addr (DNSAddress in a namespace, port 0 for any free
// one) from records, each a line of a zone file with absolute names:
//
//	StartDNS(t, DNSAddress,
//		"autoconfig.example.com. A 127.0.0.1",
//		"example.com. MX 10 mx.example.net.",
//		"_autodiscover._tcp.example.com. SRV 0 0 443 mail.example.com.")
//
// It ends with the test.
func StartDNS(t testing.TB, addr string, records ...string) *DNS {
	t.Helper()
	packets, stream := Listen(t, addr)
	d := &DNS{Addr: packets.LocalAddr().String()}
	d.Set(t, records...)
	for _, server := range []*dns.Server{{PacketConn: packets}, {Listener: stream}} {
		server.Handler = dns.HandlerFunc(d.reply)
		serve(t, server)
	}
	return d
}

// Set replaces all records.
func (d *DNS) Set(t testing.TB, records ...string) {
	t.Helper()
	known := make(map[string][]dns.RR)
	parser := dns.NewZoneParser(strings.NewReader(strings.Join(records, "\n")+"\n"), ".", "")
	parser.SetDefaultTTL(1) // a client must not remember what a test has replaced
	for rr, ok := parser.Next(); ok; rr, ok = parser.Next() {
		name := dns.CanonicalName(rr.Header().Name)
		known[name] = append(known[name], rr)
	}
	if err := parser.Err(); err != nil {
		t.Fatal(err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.records = known
}

// Queries returns what was asked until now, in order, as "example.com. MX".
func (d *DNS) Queries() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.queries)
}

func (d *DNS) reply(w dns.ResponseWriter, query *dns.Msg) {
	rcode := dns.RcodeFormatError
	if len(query.Question) == 1 {
		rcode = d.failure(query)
	}
	if rcode != dns.RcodeSuccess {
		reply := new(dns.Msg)
		reply.SetRcode(query, rcode)
		reply.RecursionAvailable = true
		_ = w.WriteMsg(reply)
		return
	}
	reply := d.answer(query)
	size := dns.MinMsgSize
	if edns := query.IsEdns0(); edns != nil {
		size = int(edns.UDPSize())
		reply.SetEdns0(dns.DefaultMsgSize, edns.Do())
	}
	if _, packet := w.RemoteAddr().(*net.UDPAddr); packet {
		reply.Truncate(size)
	}
	_ = w.WriteMsg(reply) // a client that went away is no fault of the test
}

func (d *DNS) answer(query *dns.Msg) *dns.Msg {
	question := query.Question[0]
	name := dns.CanonicalName(question.Name)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.queries = append(d.queries, name+" "+dns.TypeToString[question.Qtype])

	reply := new(dns.Msg)
	reply.SetReply(query)
	reply.Authoritative = true
	reply.RecursionAvailable = true // stub resolvers distrust a server without

	const longestChain = 8
	for range longestChain {
		alias := ""
		for _, rr := range d.at(name) {
			switch kind := rr.Header().Rrtype; {
			case kind == question.Qtype || question.Qtype == dns.TypeANY:
				reply.Answer = append(reply.Answer, dns.Copy(rr))
			case kind == dns.TypeCNAME:
				reply.Answer = append(reply.Answer, dns.Copy(rr))
				alias = dns.CanonicalName(rr.(*dns.CNAME).Target)
			}
		}
		if alias == "" {
			break
		}
		name = alias
	}
	if !d.exists(name) && len(d.at(name)) == 0 {
		reply.Rcode = dns.RcodeNameError
	}
	if reply.Rcode != dns.RcodeSuccess || len(reply.Answer) == 0 {
		reply.Ns = []dns.RR{&dns.SOA{
			Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeSOA, Class: dns.ClassINET, Ttl: 1},
			Ns:  "ns.invalid.", Mbox: "hostmaster.invalid.",
			Serial: 1, Refresh: 1, Retry: 1, Expire: 1, Minttl: 1,
		}}
	}
	return reply
}

// at are the records at a name; where it doesn't exist, those of a wildcard right above.
func (d *DNS) at(name string) []dns.RR {
	next, end := dns.NextLabel(name, 0)
	if end || d.exists(name) {
		return d.records[name]
	}
	var all []dns.RR
	for _, rr := range d.records["*."+name[next:]] {
		own := dns.Copy(rr)
		own.Header().Name = name
		all = append(all, own)
	}
	return all
}

// exists tells NODATA from NXDOMAIN: a name exists also when only names below
// it have records.
func (d *DNS) exists(name string) bool {
	for known := range d.records {
		if dns.IsSubDomain(name, known) {
			return true
		}
	}
	return false
}

// Listen opens the same port for packets and for streams, for a name server.
func Listen(t testing.TB, addr string) (net.PacketConn, net.Listener) {
	t.Helper()
	var err error
	// Another process may hold the stream side of a port chosen by the system.
	for range 10 {
		var packets net.PacketConn
		if packets, err = net.ListenPacket("udp", addr); err != nil {
			break
		}
		var stream net.Listener
		if stream, err = net.Listen("tcp", packets.LocalAddr().String()); err == nil {
			return packets, stream
		}
		_ = packets.Close()
	}
	t.Fatalf("name server: %v", err)
	return nil, nil
}

// serve runs a server until the test ends.
func serve(t testing.TB, server *dns.Server) {
	started, done := make(chan struct{}), make(chan error, 1)
	server.NotifyStartedFunc = func() { close(started) }
	go func() { done <- server.ActivateAndServe() }()
	select {
	case <-started:
	case err := <-done:
		t.Fatalf("name server: %v", err)
	}
	t.Cleanup(func() {
		if err := server.Shutdown(); err != nil {
			t.Errorf("stopping the name server: %v", err)
		}
		if err := <-done; err != nil {
			t.Errorf("name server: %v", err)
		}
	})
}
