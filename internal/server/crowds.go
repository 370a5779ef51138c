package server

import (
	"net/netip"

	"autoconfig/internal/web"
)

// crowds are the clients of each kind of listener.
type crowds struct{ public, private, staff *web.Crowd }

func (s *Server) newCrowds() crowds {
	limits := s.Limits.OrDefault()
	return crowds{s.newCrowd("public", limits), s.newCrowd("private", web.PrivateLimits), s.newCrowd("staff", limits)}
}

func (s *Server) newCrowd(listener string, limits web.Limits) *web.Crowd {
	c := web.NewCrowd(limits, func(a netip.Addr) bool { return s.front.latest().trusts(a) }, s.metrics.refusing(listener))
	s.metrics.holding(listener, c.Open)
	return c
}

// What one client may get wrong.
var (
	// linkGuesses are links that nobody made.
	linkGuesses = web.Rate{PerSecond: 0.2, Burst: 20}
	// signIns are passwords, codes and answers of an identity provider.
	signIns = web.Rate{PerSecond: 0.1, Burst: 20}
	// deviceSignIns are those of a browser that has signed in under the name before:
	// they count apart, and a stranger's failures don't keep it out.
	deviceSignIns = web.Rate{PerSecond: 1. / 180, Burst: 5}
	// tokenGuesses are tokens of the API that nobody made.
	tokenGuesses = web.Rate{PerSecond: 0.1, Burst: 20}
)
