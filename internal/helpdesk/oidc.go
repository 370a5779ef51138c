package helpdesk

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/labstack/echo/v4"
	"golang.org/x/oauth2"

	"autoconfig/internal/directory"
	"autoconfig/internal/staff"
	"autoconfig/internal/web"
)

// OIDC is an identity provider of the help desk (OpenID Connect Core 1.0,
// authorization code with PKCE).
type OIDC struct {
	Issuer, ClientID, ClientSecret string
	// RoleClaim and DomainClaim name claims of the ID token whose values, texts or
	// lists of texts, lead by Roles and Domains to what a person may do. Whoever has
	// no role, or no domain, is refused. Without a DomainClaim everybody has all.
	RoleClaim, DomainClaim string
	Roles                  map[string]staff.Role
	Domains                map[string][]string
	// Audiences may stand in an ID token beside ClientID; none may if empty.
	Audiences []string
	// Client is one with a timeout of five seconds if nil.
	Client *http.Client
}

// handshake is what must come back, kept sealed at the browser.
type handshake struct {
	State, Nonce, Verifier string
	Until                  int64
}

const (
	handshakeCookie = "helpdesk-oidc"
	handshakeTime   = 10 * time.Minute
)

func (s *Desk) oauth(p *oidc.Provider) *oauth2.Config {
	return &oauth2.Config{
		ClientID: s.oidc.ClientID, ClientSecret: s.oidc.ClientSecret, Endpoint: p.Endpoint(),
		RedirectURL: s.StaffURL.Scheme + "://" + s.StaffURL.Host + "/helpdesk/oidc/callback",
		Scopes:      []string{oidc.ScopeOpenID, "profile"},
	}
}

func (s *Desk) beginOIDC(c echo.Context) error {
	p, err := s.oidc.discover(c.Request().Context())
	if err != nil {
		return err
	}
	h := handshake{
		State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(),
		Until: s.Now().Add(handshakeTime).Unix(),
	}
	text, err := json.Marshal(h)
	if err != nil {
		return err
	}
	s.setHandshake(c, base64.RawURLEncoding.EncodeToString(s.Desk.Seal(text)), int(handshakeTime.Seconds()))
	return c.Redirect(http.StatusSeeOther, s.oauth(p).AuthCodeURL(h.State, oidc.Nonce(h.Nonce),
		oauth2.S256ChallengeOption(h.Verifier)))
}

func (s *Desk) setHandshake(c echo.Context, value string, age int) {
	//nolint:gosec // plain http only on loopback
	c.SetCookie(&http.Cookie{
		Name: handshakeCookie, Value: value, Path: "/helpdesk/oidc", MaxAge: age, HttpOnly: true,
		Secure: s.StaffURL.Scheme == "https", SameSite: http.SameSiteLaxMode,
	})
}

// endOIDC takes the answer: state, code, signature, audience, time and nonce must
// all be right.
func (s *Desk) endOIDC(c echo.Context) error {
	ctx := c.Request().Context()
	h, err := s.handshake(c)
	s.setHandshake(c, "", -1)
	if err != nil { // nobody tried to sign in: nothing is written
		return s.signInProblem(c, "staff.sso_failed", "")
	}
	try, err := s.beginSignIn(c, s.deviceOf(c, providerDevice+s.oidc.Issuer))
	if err != nil {
		return err
	}
	who, err := s.identify(c, h)
	if errors.Is(err, directory.ErrUnavailable) {
		return err
	}
	if err != nil {
		try.Failed(ctx)
		s.Logger.WarnContext(ctx, "sign-in by the identity provider refused", "error", web.FirstBytes(err.Error(), 300))
		if err := s.Desk.LogStranger(ctx, who.Subject, "identity provider"); err != nil {
			return directory.Unavailable(err)
		}
		problem := "staff.sso_failed"
		if errors.Is(err, staff.ErrForbidden) {
			problem = "staff.not_permitted"
		}
		return s.signInProblem(c, problem, "")
	}
	try.Good()
	token, _, err := s.Desk.SignInExternal(ctx, s.oidc.Issuer, who.Subject, who.name, who.role, who.domains)
	if err != nil {
		return directory.Unavailable(err)
	}
	s.setSession(c, token)
	s.setDevice(c, providerDevice+s.oidc.Issuer)
	return c.Redirect(http.StatusSeeOther, "/helpdesk/")
}

// identified is somebody whom the provider vouches for.
type identified struct {
	Subject string
	name    string
	role    staff.Role
	domains []string
}

var errHandshake = errors.New("the answer doesn't belong to a sign-in that this browser began")

// handshake is what this browser began, if the answer belongs to it.
func (s *Desk) handshake(c echo.Context) (h handshake, err error) {
	cookie, err := c.Cookie(handshakeCookie)
	if err != nil {
		return h, errHandshake
	}
	for _, values := range c.QueryParams() { // RFC 6749, section 3.1: once each
		if len(values) > 1 {
			return h, errHandshake
		}
	}
	sealed, err := base64.RawURLEncoding.DecodeString(cookie.Value)
	if err != nil {
		return h, errHandshake
	}
	text, err := s.Desk.Unseal(sealed)
	if err != nil || json.Unmarshal(text, &h) != nil || s.Now().Unix() > h.Until {
		return h, errHandshake
	}
	if subtle.ConstantTimeCompare([]byte(c.QueryParam("state")), []byte(h.State)) != 1 {
		return h, errHandshake
	}
	return h, nil
}

// identify takes the answer to a sign-in, and trades its code for who it is.
func (s *Desk) identify(c echo.Context, h handshake) (who identified, err error) {
	ctx := s.oidc.context(c.Request().Context())
	p, err := s.oidc.discover(ctx)
	if err != nil {
		return who, err
	}
	if err := s.oidc.checkResponse(p, c.QueryParams()); err != nil {
		return who, err
	}
	answer, err := s.oauth(p).Exchange(ctx, c.QueryParam("code"), oauth2.VerifierOption(h.Verifier))
	if refused := new(oauth2.RetrieveError); errors.As(err, &refused) &&
		refused.Response.StatusCode < http.StatusInternalServerError {
		return who, fmt.Errorf("exchange the code: %w", err)
	} else if err != nil {
		return who, fmt.Errorf("%w: the identity provider: exchange the code: %w", directory.ErrUnavailable, err)
	}
	raw, _ := answer.Extra("id_token").(string)
	token, err := s.oidc.checkToken(ctx, p, raw, answer.AccessToken, h)
	if err != nil {
		return who, fmt.Errorf("the ID token: %w", err)
	}
	var claims map[string]any
	if err := token.Claims(&claims); err != nil {
		return who, err
	}
	who.Subject = token.Subject
	who.name = personName(claims, token.Subject)
	return who, s.oidc.authorize(claims, &who)
}
