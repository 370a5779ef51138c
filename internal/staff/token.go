package staff

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"autoconfig/settings"
)

// Token is what an integration authenticates with. Only the hash of its text is kept.
type Token struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Scopes    []string  `json:"scopes"`
	Domains   []string  `json:"domains"` // primary names, or Everywhere
	MadeBy    string    `json:"made_by"`
	MadeAt    time.Time `json:"made_at"`
	ExpiresAt time.Time `json:"expires_at"`
}

// Scopes are the valid scopes of tokens.
var Scopes = []string{
	"links:read", "links:write", "messages:read", "messages:write", "accounts:read", "accounts:write",
	"domains:read", "domains:write", "decisions:read",
	"renders:read", "checks:read", "checks:write", "audit:read",
}

// tokenPrefix lets secret scanners find leaked tokens.
const tokenPrefix = "autoconfig_"

// MaxTokenLife is the longest lifetime of a token.
const MaxTokenLife = 366 * 24 * time.Hour

// ErrToken means that a token request is invalid.
var ErrToken = errors.New("invalid token request")

// Actor returns the integration as an actor.
func (t Token) Actor() Actor {
	return Actor{Name: "token:" + t.Name, ID: t.ID, Domains: t.Domains, Scopes: t.Scopes}
}

// May reports whether a token's actor has a scope.
func (a Actor) May(scope string) bool { return slices.Contains(a.Scopes, scope) }

// MakeToken makes a token and returns its text, which isn't kept.
func (d *Desk) MakeToken(ctx context.Context, by Actor, t Token) (text string, made Token, err error) {
	switch {
	case t.Name == "" || len(t.Name) > 60 || settings.CheckText(t.Name) != nil:
		return "", t, fmt.Errorf("%w: it needs a name of at most 60 bytes", ErrToken)
	case len(t.Scopes) == 0:
		return "", t, fmt.Errorf("%w: it needs scopes, of %s", ErrToken, strings.Join(Scopes, ", "))
	case len(t.Domains) == 0:
		return "", t, fmt.Errorf("%w: it needs domains, or %s for all", ErrToken, Everywhere)
	case !t.ExpiresAt.After(d.now()) || t.ExpiresAt.After(d.now().Add(MaxTokenLife)):
		return "", t, fmt.Errorf("%w: it must expire within a year", ErrToken)
	}
	for _, s := range t.Scopes {
		if !slices.Contains(Scopes, s) {
			return "", t, fmt.Errorf("%w: %q is not a scope: use %s", ErrToken, s, strings.Join(Scopes, ", "))
		}
	}
	text = tokenPrefix + newSecret()
	t.ID, t.MadeAt, t.ExpiresAt = newSecret()[:10], d.now().Truncate(time.Second), t.ExpiresAt.UTC().Truncate(time.Second)
	return text, t, d.Act(ctx, by, func(ctx context.Context) (Entry, error) {
		detail := t.ID + ": " + strings.Join(t.Scopes, " ") + " for " + strings.Join(t.Domains, " ")
		return Entry{Action: "token made", Subject: t.Name, Detail: detail}, d.Store.PutToken(ctx, hashOf(text), t)
	})
}

// AuthenticateToken finds the token with this text: [ErrUnknown] if there is none, or it has expired
// or was revoked. It is looked up by its hash, so that response times don't reveal how much of it is
// right.
func (d *Desk) AuthenticateToken(ctx context.Context, text string) (Token, error) {
	t, err := d.Store.TokenByHash(ctx, hashOf(text))
	if err == nil && !d.now().Before(t.ExpiresAt) {
		err = ErrUnknown
	}
	return t, err
}

// newSecret returns at least 128 random bits, in lower case.
func newSecret() string { return strings.ToLower(rand.Text()) }

func hashOf(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}
