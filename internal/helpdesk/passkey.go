package helpdesk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"autoconfig/internal/staff"
)

// passkeys is our side of WebAuthn (W3C, level 3): what a browser is asked, and whether its
// answer is right. A passkey signs in by itself, so that the device must have seen the person:
// user verification is required.
type passkeys struct {
	*webauthn.WebAuthn
	desk *staff.Desk
	now  func() time.Time
}

// newPasskeys gives nil where browsers allow none: a relying party is a name, never an IP
// address (WebAuthn, section 5.1.2), and http is for localhost alone.
func newPasskeys(at *url.URL, title string, desk *staff.Desk, now func() time.Time) *passkeys {
	if at == nil {
		return nil
	}
	if _, err := netip.ParseAddr(at.Hostname()); err == nil || at.Scheme != "https" && at.Hostname() != "localhost" {
		return nil
	}
	party, err := webauthn.New(&webauthn.Config{
		RPID: at.Hostname(), RPDisplayName: title, RPOrigins: []string{at.Scheme + "://" + at.Host},
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			RequireResidentKey: protocol.ResidentKeyRequired(), ResidentKey: protocol.ResidentKeyRequirementRequired,
			UserVerification: protocol.VerificationRequired,
		},
	})
	if err != nil {
		panic(fmt.Sprintf("staff_url %s: %v", at, err)) // the configuration was checked
	}
	return &passkeys{party, desk, now}
}

// question is what a page asks a browser. Options are for page.js; Kept comes back with the
// answer.
type question struct{ Options, Kept string }

// asked is what Kept holds.
type asked struct {
	Made    time.Time
	Session *webauthn.SessionData
	Name    string // the new passkey's
}

// holder is a person with passkeys, as the library wants them.
type holder struct {
	staff.Person
	keys []staff.Passkey
}

func (h holder) WebAuthnID() []byte          { return []byte(h.ID) }
func (h holder) WebAuthnName() string        { return h.Name }
func (h holder) WebAuthnDisplayName() string { return h.Name }

func (h holder) WebAuthnCredentials() []webauthn.Credential {
	all := make([]webauthn.Credential, 0, len(h.keys))
	for _, k := range h.keys {
		var c webauthn.Credential
		if json.Unmarshal(k.Data, &c) == nil { // else it can't sign in, and can be removed
			all = append(all, c)
		}
	}
	return all
}

func (p *passkeys) holder(ctx context.Context, person staff.Person) (holder, error) {
	keys, err := p.desk.Store.Passkeys(ctx, person.ID)
	return holder{person, keys}, err
}

// signInQuestion and newKeyQuestion are what questions are kept for: the answer to one is none to another.
const signInQuestion = "passkey"

func newKeyQuestion(p staff.Person) string { return "new passkey of " + p.ID }

// keep makes a question of options. What checks its answer is encrypted in the page, and stored nowhere.
func (p *passkeys) keep(purpose string, options any, a asked, life time.Duration) (q question, err error) {
	a.Made = p.now()
	plain, err := json.Marshal(a)
	if err != nil {
		return q, err
	}
	text, err := json.Marshal(options)
	return question{string(text), p.desk.Asked(purpose, plain, life)}, err
}

// errLate means that a question was asked too long ago, or somebody else.
var errLate = errors.New("the passkey's challenge isn't valid any more")

// recall gives what keep was given; [errLate] if that was too long ago, or for another purpose.
func (p *passkeys) recall(purpose, kept string) (a asked, err error) {
	plain, ok := p.desk.Question(purpose, kept)
	if !ok {
		return a, errLate
	}
	return a, json.Unmarshal(plain, &a)
}

// askSignIn asks for a passkey of anybody.
func (p *passkeys) askSignIn() (q question, err error) {
	options, session, err := p.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return q, err
	}
	return p.keep(signInQuestion, options.Response, asked{Session: session}, staff.ChallengeLife)
}

// signIn begins the session of whose passkey has answered: [errLate], or [staff.ErrSignIn] with
// what is wrong. The person is whose passkey it is said to be.
func (p *passkeys) signIn(ctx context.Context, kept, answer string) (token string, who staff.Person, err error) {
	a, err := p.recall(signInQuestion, kept)
	if err != nil {
		return "", who, err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes([]byte(answer))
	if err != nil {
		return "", who, errors.Join(staff.ErrSignIn, err)
	}
	var owner holder
	var failure error // of the store: a passkey that isn't known is no failure
	_, credential, err := p.ValidatePasskeyLogin(func(_, handle []byte) (webauthn.User, error) {
		owner.Person, err = p.desk.Store.Person(ctx, string(handle))
		if err == nil {
			owner, err = p.holder(ctx, owner.Person)
		}
		if err != nil && !errors.Is(err, staff.ErrUnknown) {
			failure = err
		}
		return owner, err
	}, *a.Session, parsed)
	switch {
	case failure != nil:
		return "", owner.Person, failure
	case err != nil:
		return "", owner.Person, errors.Join(staff.ErrSignIn, err)
	case credential.Authenticator.CloneWarning: // WebAuthn, section 6.1.1: signature counter
		return "", owner.Person, fmt.Errorf("%w: the passkey's counter went back, as a copy's does", staff.ErrSignIn)
	}
	for _, key := range owner.keys {
		if string(key.ID) == string(credential.ID) {
			key.ChallengedAt = a.Made
			if key.Data, err = json.Marshal(credential); err != nil {
				return "", owner.Person, err
			}
			token, err = p.desk.SignInPasskey(ctx, owner.Person, key)
			return token, owner.Person, err
		}
	}
	return "", owner.Person, staff.ErrSignIn
}

// askNew asks for a new passkey of a person who has proved the password.
func (p *passkeys) askNew(ctx context.Context, person staff.Person, name string) (q question, err error) {
	h, err := p.holder(ctx, person)
	if err != nil {
		return q, err
	}
	has := webauthn.Credentials(h.WebAuthnCredentials()).CredentialDescriptors()
	options, session, err := p.BeginRegistration(h, webauthn.WithExclusions(has))
	if err != nil {
		return q, err
	}
	return p.keep(newKeyQuestion(person), options.Response, asked{Session: session, Name: name}, staff.HalfLife)
}

// add adds the passkey of an answer: [errLate], or [staff.ErrSignIn] with what is wrong.
func (p *passkeys) add(ctx context.Context, person staff.Person, kept, answer string) error {
	a, err := p.recall(newKeyQuestion(person), kept)
	if err != nil {
		return err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes([]byte(answer))
	if err != nil {
		return errors.Join(staff.ErrSignIn, err)
	}
	credential, err := p.CreateCredential(holder{Person: person}, *a.Session, parsed)
	if err != nil {
		return errors.Join(staff.ErrSignIn, err)
	}
	data, err := json.Marshal(credential)
	if err != nil {
		return err
	}
	return p.desk.AddPasskey(ctx, person, staff.Passkey{ID: credential.ID, Name: a.Name, Data: data})
}
