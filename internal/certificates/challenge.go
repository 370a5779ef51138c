package certificates

import (
	"context"
	"crypto/subtle"
	"crypto/tls"

	"github.com/mholt/acmez/v3"
	"github.com/mholt/acmez/v3/acme"
)

// ChallengePath is where a name answers a challenge over plain http: RFC 8555, section
// 8.3.
const ChallengePath = "/.well-known/acme-challenge/"

// ProtocolALPN is what an ACME server speaks that proves a name by TLS (RFC 8737).
const ProtocolALPN = acmez.ACMETLS1Protocol

// solver keeps what a name answers where all replicas find it: the ACME server may come
// to any of them.
type solver struct{ k *Keeper }

func (s *solver) Present(ctx context.Context, c acme.Challenge) error {
	err := s.k.Store.PutChallenge(ctx, c.Identifier.Value, Challenge{c.Type, c.Token, c.KeyAuthorization},
		s.k.Now().Add(leaseTime))
	if err != nil {
		return &Failure{Internal, err}
	}
	return nil
}

func (s *solver) CleanUp(ctx context.Context, c acme.Challenge) error {
	return s.k.Store.DropChallenge(context.WithoutCancel(ctx), c.Identifier.Value)
}

// Answer is what a name answers to a challenge over plain http; false if there is none.
func (k *Keeper) Answer(ctx context.Context, name, token string) (text string, found bool) {
	c, err := k.Store.Challenge(ctx, name)
	if err != nil || c.Kind != acme.ChallengeTypeHTTP01 || subtle.ConstantTimeCompare([]byte(c.Token),
		[]byte(token)) != 1 {
		return "", false
	}
	return c.KeyAuthorization, true
}

// challengeCertificate answers a challenge by TLS (RFC 8737, section 3).
func (k *Keeper) challengeCertificate(ctx context.Context, name string) (*tls.Certificate, error) {
	c, err := k.Store.Challenge(ctx, name)
	if err != nil || c.Kind != acme.ChallengeTypeTLSALPN01 {
		return nil, errNoCertificate
	}
	return acmez.TLSALPN01ChallengeCert(acme.Challenge{
		Type: c.Kind, Token: c.Token, KeyAuthorization: c.KeyAuthorization,
		Identifier: acme.Identifier{Type: "dns", Value: name},
	})
}
