// Package trace remembers what was asked last about each domain, so that "Outlook doesn't
// work" is answered by looking. It keeps no address: a request shows a token of it, which
// says only whether two requests were for the same.
package trace

import (
	"container/list"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"hash/maphash"
	"slices"
	"sync"
	"time"

	"autoconfig/clients"
	"autoconfig/settings"
)

// Outcome is what became of a request.
type Outcome uint8

// The outcomes.
const (
	Answered   Outcome = iota // a configuration was given
	Impossible                // the account can't be told in this format
	Unknown                   // the domain isn't served
	Refused                   // the request was wrong
	Failed                    // we couldn't answer
	Redirected                // it came over plain http, and was led to https
	Outcomes                  // how many there are
)

var outcomes = [Outcomes]string{"answered", "impossible", "unknown", "refused", "failed", "redirected"}

// String is the outcome's name, for metrics and people.
func (o Outcome) String() string { return outcomes[min(o, Outcomes-1)] }

// Token stands for an address, for as long as the process runs; the zero one for none.
type Token [8]byte

// String is "" for no address.
func (t Token) String() string {
	if t == (Token{}) {
		return ""
	}
	return hex.EncodeToString(t[:])
}

// Request is one that was answered, well or not.
type Request struct {
	At      time.Time
	Client  clients.Family
	Format  string
	Outcome Outcome
	// Protocol is what was given; "" where nothing was.
	Protocol settings.Protocol
	Address  Token
}

// shards divide the domains, so that requests don't wait for each other.
const shards = 32

// Trace keeps the last requests of each domain, of those that were asked about last.
type Trace struct {
	key      [16]byte
	seed     maphash.Seed
	requests int // of each domain
	domains  int // of each shard
	shards   [shards]shard
}

type shard struct {
	mu    sync.Mutex
	rings map[string]*list.Element // of *ring
	used  list.List                // the domain that was asked about last in front
}

// ring is the last requests of a domain.
type ring struct {
	domain string
	all    []Request
	next   int
}

// New keeps so many requests of each of so many domains. With 0 of either it keeps none.
func New(requests, domains int) *Trace {
	t := &Trace{seed: maphash.MakeSeed(), requests: requests}
	if requests > 0 && domains > 0 {
		t.domains = max(1, domains/shards)
	}
	_, _ = rand.Read(t.key[:]) // never fails
	for i := range t.shards {
		t.shards[i].rings = map[string]*list.Element{}
	}
	return t
}

// longest is an address's length in bytes, with room.
const longest = 512

// Token is that of an address. It allocates nothing.
func (t *Trace) Token(a settings.Address) (token Token) {
	local, domain := a.Local(), a.Domain()
	if t == nil || domain == "" {
		return Token{}
	}
	var buffer [len(t.key) + longest]byte
	text := append(buffer[:0], t.key[:]...)
	text = append(text, local...)
	text = append(text, '@')
	text = append(text, domain...)
	for i, c := range text[len(t.key):] { // however the person writes it
		if 'A' <= c && c <= 'Z' {
			text[len(t.key)+i] = c + 'a' - 'A'
		}
	}
	sum := sha256.Sum256(text)
	copy(token[:], sum[:])
	return token
}

// Note remembers a request about a served domain.
func (t *Trace) Note(domain string, r Request) {
	if t == nil || t.domains == 0 {
		return
	}
	s := &t.shards[maphash.String(t.seed, domain)%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	element := s.rings[domain]
	if element == nil {
		element = s.used.PushFront(t.ring(s, domain))
		s.rings[domain] = element
	} else {
		s.used.MoveToFront(element)
	}
	g := element.Value.(*ring)
	if len(g.all) < cap(g.all) {
		g.all = append(g.all, r)
		return
	}
	g.all[g.next] = r
	g.next = (g.next + 1) % len(g.all)
}

// ring is an empty one for a domain: a new one, or that of the domain which nobody asked
// about for longest.
func (t *Trace) ring(s *shard, domain string) *ring {
	if len(s.rings) < t.domains {
		return &ring{domain: domain, all: make([]Request, 0, t.requests)}
	}
	oldest := s.used.Back()
	g := oldest.Value.(*ring)
	s.used.Remove(oldest)
	delete(s.rings, g.domain)
	*g = ring{domain: domain, all: g.all[:0]}
	return g
}

// Of are the last requests about a domain, the oldest first.
func (t *Trace) Of(domain string) []Request {
	if t == nil {
		return nil
	}
	s := &t.shards[maphash.String(t.seed, domain)%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	element := s.rings[domain]
	if element == nil {
		return nil
	}
	g := element.Value.(*ring)
	return slices.Concat(g.all[g.next:], g.all[:g.next])
}
