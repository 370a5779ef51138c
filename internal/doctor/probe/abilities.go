package probe

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// forgetAfter is how long is remembered what a server can't do: it may be mended.
const forgetAfter = 10 * time.Minute

// abilities remembers what name servers can't do, so that it costs its time once and
// not for each name.
type abilities struct {
	mu      sync.Mutex
	servers map[string]*ability
}

// ability is what is known of one server.
type ability struct {
	mu    sync.Mutex
	edns  bool        // it has answered a question with EDNS
	plain FailureKind // why it is asked without EDNS, "" where it isn't
	noTCP string      // what came of TCP
	until time.Time
}

func (a *abilities) of(server string) *ability {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.servers == nil {
		a.servers = map[string]*ability{}
	}
	known := a.servers[server]
	if known == nil || time.Now().After(known.until) {
		known = &ability{until: time.Now().Add(forgetAfter)}
		a.servers[server] = known
	}
	return known
}

// withoutEDNS tells why a server is asked without EDNS, and whether it has answered a
// question with it.
func (a *ability) withoutEDNS() (why FailureKind, able bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.plain, a.edns
}

func (a *ability) setEDNS(why FailureKind) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.plain, a.edns = why, why == ""
}

func (a *ability) setNoTCP(text string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.noTCP = text
}

func (a *ability) withoutTCP() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.noTCP
}

// Limits are what a server has turned out not to be able to do: how it takes EDNS, and
// that it has no TCP. What it was asked is answered all the same.
func (r *Resolver) Limits(server string) (all []Failure) {
	known := r.abilities().of(server)
	if why, _ := known.withoutEDNS(); why == Silence {
		all = append(all, Failure{
			Server: server, Kind: why, Text: "no answer to questions with EDNS, but to the same without",
		})
	} else if why != "" {
		all = append(all, Failure{
			Server: server, Kind: why, Text: string(why) + " to questions with EDNS, but not to the same without",
		})
	}
	if text := known.withoutTCP(); text != "" {
		all = append(all, Failure{Server: server, Kind: NoTCP, Text: text})
	}
	return all
}

// enough is how many questions in a row may go without an answer before it is given up.
const enough = 4

// patience bounds what a run waits for: a server, a zone, or a type of records of which
// nothing was ever answered.
type patience struct {
	mu       sync.Mutex
	answered map[string]bool
	silent   map[string]int
}

// topics are what a question may be given up for.
func topics(server string, query *dns.Msg) []string {
	labels := dns.SplitDomainName(strings.ToLower(query.Question[0].Name))
	zone := strings.Join(labels[max(0, len(labels)-2):], ".")
	kind := dns.TypeToString[query.Question[0].Qtype]
	return []string{server, server + " " + zone, server + " " + kind}
}

func (p *patience) isOver(server string, query *dns.Msg) bool {
	if p == nil {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.ContainsFunc(topics(server, query), func(topic string) bool {
		return !p.answered[topic] && p.silent[topic] >= enough
	})
}

func (p *patience) note(server string, query *dns.Msg, answered bool) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, topic := range topics(server, query) {
		if answered {
			p.answered[topic] = true
		} else {
			p.silent[topic]++
		}
	}
}
