package helpdesk_test

import (
	"context"
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"autoconfig/internal/helpdesk"
	"autoconfig/internal/server/servertest"
	"autoconfig/internal/staff"
)

// mock is an identity provider that says what a test wants.
type mock struct {
	*httptest.Server
	key *rsa.PrivateKey
	// metadata, header and claims replace what is right; nil takes a member away.
	metadata, header, claims map[string]any
	// sign signs other than by the key.
	sign func(text string) []byte
	// hang is closed when discovery may be answered; nil for at once.
	hang  chan struct{}
	asked atomic.Int64
	nonce string
}

const mockAccess = "an access token"

func newMock(t *testing.T) *mock {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	m := &mock{key: key}
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, r *http.Request) {
		m.asked.Add(1)
		if m.hang != nil {
			select {
			case <-m.hang:
			case <-r.Context().Done():
				return
			}
		}
		writeJSON(w, overlaid(map[string]any{
			"issuer": m.URL, "authorization_endpoint": m.URL + "/authorize", "token_endpoint": m.URL + "/token", "jwks_uri": m.URL + "/keys",
			"id_token_signing_alg_values_supported": []string{"RS256"},
		}, m.metadata))
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		encode := base64.RawURLEncoding.EncodeToString
		writeJSON(w, map[string]any{"keys": []any{map[string]any{
			"kty": "RSA", "use": "sig", "kid": "1", "n": encode(key.N.Bytes()), "e": encode(big.NewInt(int64(key.E)).Bytes()),
		}}})
	})
	mux.HandleFunc("/token", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, map[string]any{"access_token": mockAccess, "token_type": "Bearer", "id_token": m.token(t)})
	})
	m.Server = httptest.NewServer(mux)
	t.Cleanup(m.Close)
	return m
}

func overlaid(right, over map[string]any) map[string]any {
	for name, value := range over {
		if value == nil {
			delete(right, name)
			continue
		}
		right[name] = value
	}
	return right
}

func writeJSON(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value)
}

// token is an ID token: right but for what replaces it.
func (m *mock) token(t *testing.T) string {
	now := time.Now()
	part := func(value any) string {
		text, err := json.Marshal(value)
		if err != nil {
			t.Error(err)
		}
		return base64.RawURLEncoding.EncodeToString(text)
	}
	text := part(overlaid(map[string]any{"alg": "RS256", "kid": "1"}, m.header)) + "." + part(overlaid(map[string]any{
		"iss": m.URL, "aud": "desk", "sub": "17", "nonce": m.nonce, "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(), "name": "Eva", "groups": "desk",
	}, m.claims))
	if m.sign != nil {
		return text + "." + base64.RawURLEncoding.EncodeToString(m.sign(text))
	}
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(nil, m.key, crypto.SHA256, sum[:])
	if err != nil {
		t.Error(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// mocked is an office whose staff sign in at a mock.
func (m *mock) office(t *testing.T, change ...func(*servertest.Options)) *servertest.Office {
	t.Helper()
	return servertest.NewOffice(t, append([]func(*servertest.Options){func(o *servertest.Options) {
		o.OIDC = &helpdesk.OIDC{Issuer: m.URL, ClientID: "desk", RoleClaim: "groups", Roles: map[string]staff.Role{"desk": staff.Staff}, Audiences: []string{"project"}}
	}}, change...)...)
}

// begin begins a sign-in, and gives the state that must come back.
func (m *mock) begin(t *testing.T, v *servertest.Visitor) (state string) {
	t.Helper()
	r, _ := v.Get("/helpdesk/oidc")
	to, err := url.Parse(r.Header.Get("Location"))
	if err != nil || r.StatusCode != http.StatusSeeOther {
		t.Fatal(r.Status, err)
	}
	m.nonce = to.Query().Get("nonce")
	return to.Query().Get("state")
}

// Every step of OpenID Connect Core 1.0, section 3.1.3.7, and of RFC 9207.
func TestEachStepOfJudgingASignIn(t *testing.T) {
	t.Parallel()
	now := time.Now()
	at := func(d time.Duration) int64 { return now.Add(d).Unix() }
	accessHash := func(access string) string {
		sum := sha256.Sum256([]byte(access))
		return base64.RawURLEncoding.EncodeToString(sum[:16])
	}
	type over = map[string]any
	for name, test := range map[string]struct {
		header, claims, metadata over
		sign                     func(string) []byte
		query                    string
		good                     bool
	}{
		"all right":                      {good: true},
		"another issuer":                 {claims: over{"iss": "https://other.example"}},
		"no issuer":                      {claims: over{"iss": nil}},
		"another audience":               {claims: over{"aud": "other"}},
		"no audience":                    {claims: over{"aud": nil}},
		"a list of us":                   {claims: over{"aud": []string{"desk"}}, good: true},
		"an audience that nobody trusts": {claims: over{"aud": []string{"desk", "other"}, "azp": "desk"}},
		"a trusted audience":             {claims: over{"aud": []string{"desk", "project"}, "azp": "desk"}, good: true},
		"several, and no party":          {claims: over{"aud": []string{"desk", "project"}}},
		"several, and another party":     {claims: over{"aud": []string{"desk", "project"}, "azp": "project"}},
		"one, and another party":         {claims: over{"azp": "other"}},
		"one, and our party":             {claims: over{"azp": "desk"}, good: true},
		"a party that is no text":        {claims: over{"azp": 1}},
		"no signature":                   {header: over{"alg": "none"}, sign: func(string) []byte { return nil }},
		"no signature, which is offered": {header: over{"alg": "none"}, sign: func(string) []byte { return nil }, metadata: over{"id_token_signing_alg_values_supported": []string{"none"}}},
		"a signature by the client's secret": {header: over{"alg": "HS256"}, metadata: over{"id_token_signing_alg_values_supported": []string{"HS256", "RS256"}}, sign: func(text string) []byte {
			mac := hmac.New(sha256.New, []byte("secret"))
			mac.Write([]byte(text))
			return mac.Sum(nil)
		}},
		"another's signature":          {sign: func(string) []byte { return make([]byte, 256) }},
		"a signature not offered":      {metadata: over{"id_token_signing_alg_values_supported": []string{"ES256"}}},
		"nothing said of signatures":   {metadata: over{"id_token_signing_alg_values_supported": nil}, good: true},
		"expired":                      {claims: over{"exp": at(-time.Minute)}},
		"no expiry":                    {claims: over{"exp": nil}},
		"issued before it was begun":   {claims: over{"iat": at(-time.Hour)}},
		"issued in an hour":            {claims: over{"iat": at(time.Hour), "exp": at(2 * time.Hour)}},
		"issued at no time":            {claims: over{"iat": nil}},
		"another nonce":                {claims: over{"nonce": "other"}},
		"no nonce":                     {claims: over{"nonce": nil}},
		"no subject":                   {claims: over{"sub": nil}},
		"an empty subject":             {claims: over{"sub": ""}},
		"a long subject":               {claims: over{"sub": strings.Repeat("x", 255)}, good: true},
		"a subject that is too long":   {claims: over{"sub": strings.Repeat("x", 256)}},
		"a subject with a NUL":         {claims: over{"sub": "1\x00"}},
		"a subject that isn't ASCII":   {claims: over{"sub": "é"}},
		"the access token's hash":      {claims: over{"at_hash": accessHash(mockAccess)}, good: true},
		"another access token's hash":  {claims: over{"at_hash": accessHash("another")}},
		"no role":                      {claims: over{"groups": "guests"}},
		"no code":                      {query: "state={state}"},
		"an error":                     {query: "error=access_denied&code=x&state={state}"},
		"another state":                {query: "code=x&state=other"},
		"two codes":                    {query: "code=x&code=y&state={state}"},
		"two states":                   {query: "code=x&state={state}&state=other"},
		"our provider's answer":        {query: "code=x&state={state}&iss={issuer}", metadata: over{"authorization_response_iss_parameter_supported": true}, good: true},
		"our provider's, unannounced":  {query: "code=x&state={state}&iss={issuer}", good: true},
		"another provider's answer":    {query: "code=x&state={state}&iss=https%3A%2F%2Fother.example"},
		"nobody's answer":              {metadata: over{"authorization_response_iss_parameter_supported": true}},
		"nobody's answer, by an empty": {query: "code=x&state={state}&iss=", metadata: over{"authorization_response_iss_parameter_supported": true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMock(t)
			m.header, m.claims, m.metadata, m.sign = test.header, test.claims, test.metadata, test.sign
			o := m.office(t)
			v := o.Visitor(t)
			query := test.query
			if query == "" {
				query = "code=x&state={state}"
			}
			query = strings.NewReplacer("{state}", m.begin(t, v), "{issuer}", url.QueryEscape(m.URL)).Replace(query)
			want := http.StatusUnauthorized
			if test.good {
				want = http.StatusSeeOther
			}
			if r, body := v.Get("/helpdesk/oidc/callback?" + query); r.StatusCode != want {
				t.Errorf("%s, want %d\n%.1000s", r.Status, want, body)
			}
			people, err := o.Desk.Store.People(t.Context())
			if err != nil || (len(people) == 1) != test.good {
				t.Errorf("%+v %v", people, err)
			}
		})
	}
}

// A name that a provider gives is one that a local person could have.
func TestNamesThatAProviderGives(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ name, other, want string }{
		"good":                 {"Eva  Müller\n", "", "Eva Müller"},
		"a NUL":                {"eva\x00", "eva2", "eva2"},
		"a bidirectional mark": {"eva\u202eavE", "", "17"},
		"a control character":  {"eva\x1b[2J", "\x07", "17"},
		"blank":                {" \t", "", "17"},
		"long":                 {strings.Repeat("é", 100), "", strings.Repeat("é", 60)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMock(t)
			m.claims = map[string]any{"name": test.name, "preferred_username": test.other}
			o := m.office(t)
			v := o.Visitor(t)
			if r, _ := v.Get("/helpdesk/oidc/callback?code=x&state=" + m.begin(t, v)); r.StatusCode != http.StatusSeeOther {
				t.Fatal(r.Status)
			}
			people, err := o.Desk.Store.People(t.Context())
			if err != nil || len(people) != 1 || people[0].Name != test.want {
				t.Errorf("%+v %v", people, err)
			}
		})
	}
}

// A provider that hangs keeps nobody who has gone, and is asked once for all. When
// it is back, the next one gets in.
func TestAnIdentityProviderThatHangs(t *testing.T) {
	t.Parallel()
	m := newMock(t)
	m.hang = make(chan struct{})
	o := m.office(t)
	handler := o.Server.Staff()
	first := make(chan int, 1)
	ask := func(ctx context.Context) int {
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, o.Staff.URL+"/helpdesk/oidc", nil)
		return servertest.Record(handler, r).StatusCode
	}
	go func() { first <- ask(context.Background()) }()
	waitFor(t, func() bool { return m.asked.Load() == 1 })
	var waiting sync.WaitGroup
	for range 40 {
		waiting.Go(func() {
			ctx, cancel := context.WithCancel(context.Background())
			cancel() // it has gone
			if got := ask(ctx); got != 499 {
				t.Errorf("given up: %d", got)
			}
		})
	}
	waiting.Wait() // while the provider hangs
	close(m.hang)
	if got := <-first; got != http.StatusSeeOther {
		t.Errorf("the one who waited: %d", got)
	}
	if got := ask(context.Background()); got != http.StatusSeeOther || m.asked.Load() != 1 {
		t.Errorf("the next: %d, asked %d times", got, m.asked.Load())
	}
}

// A provider that fails is not asked again for each sign-in, but soon.
func TestAnIdentityProviderThatFails(t *testing.T) {
	t.Parallel()
	m := newMock(t)
	m.metadata = map[string]any{"issuer": "https://other.example"}
	var ahead atomic.Int64
	start := time.Now()
	o := m.office(t, func(o *servertest.Options) {
		o.Now = func() time.Time { return start.Add(time.Duration(ahead.Load())) }
	})
	ask := func() int {
		r, _ := o.Visitor(t).Get("/helpdesk/oidc")
		return r.StatusCode
	}
	for range 20 {
		if got := ask(); got != http.StatusServiceUnavailable {
			t.Errorf("%d", got)
		}
	}
	if m.asked.Load() != 1 {
		t.Errorf("asked %d times", m.asked.Load())
	}
	m.metadata = nil
	ahead.Store(int64(6 * time.Second))
	if got := ask(); got != http.StatusSeeOther {
		t.Errorf("six seconds later: %d", got)
	}
}

func waitFor(t *testing.T, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it doesn't come")
		}
	}
}
