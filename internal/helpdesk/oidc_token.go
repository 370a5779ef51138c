package helpdesk

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/coreos/go-oidc/v3/oidc"

	"autoconfig/internal/staff"
	"autoconfig/settings"
)

// metadata is what of the provider's own description counts here.
type metadata struct {
	Algorithms []string `json:"id_token_signing_alg_values_supported"`
	// SendsIssuer: every answer names who gives it (RFC 9207, section 3).
	SendsIssuer bool `json:"authorization_response_iss_parameter_supported"`
}

// algorithms are the signatures that we take: asymmetric ones, and never "none".
var algorithms = []string{
	oidc.RS256, oidc.RS384, oidc.RS512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.EdDSA,
}

// checkResponse checks the answer at the browser, whose state is right. An answer of
// another provider than the one that was asked is a mix-up (RFC 9207, section 2.4).
func (i *identity) checkResponse(p *oidc.Provider, answer url.Values) error {
	var m metadata
	if err := p.Claims(&m); err != nil {
		return err
	}
	issuer := answer.Get("iss")
	switch {
	case issuer == "" && m.SendsIssuer:
		return errors.New("the answer doesn't name its issuer")
	case issuer != "" && issuer != i.Issuer:
		return errors.New("the answer is from another provider")
	case answer.Get("error") != "":
		return fmt.Errorf("the provider says %.40q", answer.Get("error"))
	case answer.Get("code") == "":
		return errors.New("the answer has no code")
	}
	return nil
}

// How an ID token may be off: clocks apart, and a subject's length (OpenID Connect
// Core 1.0, section 2).
const (
	tokenSkew  = 2 * time.Minute
	maxSubject = 255
)

// checkToken checks an ID token by the steps of OpenID Connect Core 1.0, section
// 3.1.3.7: the library looks at signature, issuer, our place in the audience and
// expiry, and this at the rest.
func (i *identity) checkToken(
	ctx context.Context, p *oidc.Provider, raw, access string, h handshake,
) (*oidc.IDToken, error) {
	var m metadata
	if err := p.Claims(&m); err != nil {
		return nil, err
	}
	offered := []string{oidc.RS256} // by default (section 3.1.3.7, no. 7)
	if len(m.Algorithms) > 0 {
		offered = slices.DeleteFunc(slices.Clone(algorithms),
			func(a string) bool { return !slices.Contains(m.Algorithms, a) })
	}
	if len(offered) == 0 {
		return nil, errors.New("the provider signs with none of the algorithms that are accepted here")
	}
	// The keys stay with the provider, which asks anew for one that it doesn't know.
	token, err := p.Verifier(&oidc.Config{ClientID: i.ClientID, SupportedSigningAlgs: offered, Now: i.now}).Verify(ctx,
		raw)
	if err != nil {
		return nil, err
	}
	return token, errors.Join(i.checkAudience(token), i.checkTimes(token, h), checkBinding(token, access, h),
		checkSubject(token.Subject))
}

// checkAudience is for no. 3 to 5: a token that is for others too must say that it
// was given to us, and to nobody whom the operator doesn't trust.
func (i *identity) checkAudience(token *oidc.IDToken) error {
	var claims struct {
		Party *string `json:"azp"`
	}
	if err := token.Claims(&claims); err != nil {
		return err
	}
	for _, audience := range token.Audience {
		if audience != i.ClientID && !slices.Contains(i.Audiences, audience) {
			return errors.New("it is also for an audience that isn't in oidc.trusted_audiences")
		}
	}
	if len(token.Audience) > 1 && claims.Party == nil {
		return errors.New("it is for several audiences and names no authorized party")
	}
	if claims.Party != nil && *claims.Party != i.ClientID {
		return errors.New("its authorized party is another client")
	}
	return nil
}

// checkTimes is for no. 10: the token is of this sign-in, and not of a time to come.
func (i *identity) checkTimes(token *oidc.IDToken, h handshake) error {
	begun := time.Unix(h.Until, 0).Add(-handshakeTime)
	if token.IssuedAt.Before(begun.Add(-tokenSkew)) || token.IssuedAt.After(i.now().Add(tokenSkew)) {
		return errors.New("it was issued at another time than this sign-in")
	}
	return nil
}

// checkBinding is for no. 11, and for the access token beside it (section 3.1.3.8).
func checkBinding(token *oidc.IDToken, access string, h handshake) error {
	if subtle.ConstantTimeCompare([]byte(token.Nonce), []byte(h.Nonce)) != 1 {
		return errors.New("it has another nonce")
	}
	if token.AccessTokenHash != "" {
		return token.VerifyAccessToken(access)
	}
	return nil
}

func checkSubject(subject string) error {
	if subject == "" || len(subject) > maxSubject || settings.CheckText(subject) != nil ||
		utf8.RuneCountInString(subject) != len(subject) {
		return errors.New("its subject is not 1 to 255 ASCII characters")
	}
	return nil
}

// authorize finds role and domains in the claims.
func (i *identity) authorize(claims map[string]any, who *identified) error {
	for _, value := range texts(claims[i.RoleClaim]) {
		if role, ok := i.Roles[value]; ok && who.role != staff.Admin {
			who.role = role
		}
	}
	if who.role == "" {
		return fmt.Errorf("%w: no value of the claim %q gives a role", staff.ErrForbidden, i.RoleClaim)
	}
	if i.DomainClaim == "" {
		who.domains = []string{staff.Everywhere}
		return nil
	}
	for _, value := range texts(claims[i.DomainClaim]) {
		who.domains = append(who.domains, i.Domains[value]...)
	}
	slices.Sort(who.domains)
	if who.domains = slices.Compact(who.domains); len(who.domains) == 0 {
		return fmt.Errorf("%w: no value of the claim %q gives a domain", staff.ErrForbidden, i.DomainClaim)
	}
	return nil
}

// texts are a claim's values.
func texts(claim any) []string {
	switch v := claim.(type) {
	case string:
		return []string{v}
	case []any:
		var all []string
		for _, item := range v {
			if text, ok := item.(string); ok {
				all = append(all, text)
			}
		}
		return all
	}
	return nil
}

// maxName is that of local people.
const maxName = 60

// personName is what the log calls somebody: never what identifies them. A name that
// a local person couldn't have is passed over.
func personName(claims map[string]any, subject string) string {
	for _, claim := range []string{"name", "preferred_username"} {
		name, _ := claims[claim].(string)
		name = strings.Join(strings.Fields(name), " ")
		if name != "" && settings.CheckText(name) == nil {
			return firstRunes(name, maxName)
		}
	}
	return firstRunes(subject, maxName)
}

func firstRunes(text string, most int) string {
	runes := []rune(text)
	return string(runes[:min(len(runes), most)])
}
