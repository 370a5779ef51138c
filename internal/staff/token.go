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

// Token is what a program signs in with. Its text isn't kept, only the text's
// hash.
type Token struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Scopes    []string  `json:"scopes"`
	Domains   []string  `json:"domains"` // primary names, or Everywhere
	MadeBy    string    `json:"made_by"`
	MadeAt    time.Time `json:"made_at"`
	ExpiresAt time.Time `json:"expires_at"`
}

// Scopes are what a token may be made for.
var Scopes = []string{
	"links:read", "links:write", "messages:read", "messages:write", "accounts:read", "accounts:write",
	"domains:read", "domains:write", "decisions:read",
	"renders:read", "checks:read", "checks:write", "audit:read",
}

// tokenPrefix lets scanners of source code find tokens that leak.
const tokenPrefix = "autoconfig_"

// MaxTokenLife bounds how long a token works.
const MaxTokenLife = 366 * 24 * time.Hour

// ErrToken is what a token can't be made from.
var ErrToken = errors.New("invalid token request")

// Actor is the program as one who acts.
func (t Token) Actor() Actor {
	return Actor{Name: "token:" + t.Name, ID: t.ID, Domains: t.Domains, Scopes: t.Scopes}
}

// May tells whether a token's actor has a scope.
func (a Actor) May(scope string) bool { return slices.Contains(a.Scopes, scope) }

// MakeToken makes a token and gives its text, which is kept nowhere.
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

// AuthenticateToken finds the token that a program has sent. [ErrUnknown] for one that is unknown, expired or
// revoked. It is looked up by its hash: time tells nothing of how much is right.
func (d *Desk) AuthenticateToken(ctx context.Context, text string) (Token, error) {
	t, err := d.Store.TokenByHash(ctx, hashOf(text))
	if err == nil && !d.now().Before(t.ExpiresAt) {
		err = ErrUnknown
	}
	return t, err
}

// newSecret has at least 128 random bits, in lower case.
func newSecret() string { return strings.ToLower(rand.Text()) }

func hashOf(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}
