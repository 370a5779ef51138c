package servertest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"autoconfig/internal/staff"
)

// Program is a program with a token, whose every answer is held against the
// OpenAPI document.
type Program struct {
	Token  string
	t      *testing.T
	office *Office
	router routers.Router
	// Header is that of the last answer.
	Header http.Header
	Seen   map[string]map[int]bool // by operation, the statuses that were seen
}

// NewProgram is a program whose token has scopes for domains.
func NewProgram(t *testing.T, o *Office, domains []string, scopes ...string) *Program {
	t.Helper()
	text, _, err := o.Desk.MakeToken(t.Context(), staff.Actor{},
		staff.Token{Name: "panel", Scopes: scopes, Domains: domains, ExpiresAt: time.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.Get(o.Staff.URL + "/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Body.Close() }()
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	document, err := openapi3.NewLoader().LoadFromData(raw)
	if err != nil {
		t.Fatal(err)
	}
	if err := document.Validate(t.Context()); err != nil {
		t.Fatalf("openapi.json: %v", err)
	}
	router, err := gorillamux.NewRouter(document)
	if err != nil {
		t.Fatal(err)
	}
	return &Program{Token: text, t: t, office: o, router: router, Seen: map[string]map[int]bool{}}
}

// Ask sends a request, and gives the status and the object of its answer.
func (p *Program) Ask(method, path string, body any, header ...string) (int, map[string]any) {
	p.t.Helper()
	var raw []byte
	switch b := body.(type) {
	case nil:
	case string:
		raw = []byte(b)
	default:
		var err error
		if raw, err = json.Marshal(b); err != nil {
			p.t.Fatal(err)
		}
	}
	r, err := http.NewRequestWithContext(p.t.Context(), method, p.office.Staff.URL+"/api/v1"+path, bytes.NewReader(raw))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+p.Token)
	if raw != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	p.Header = answer.Header
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	p.conforms(r, raw, answer, text)
	var object map[string]any
	_ = json.Unmarshal(text, &object) // XML is no object
	return answer.StatusCode, object
}

// conforms holds an answer against the document; a request that was taken must be
// one that it describes.
func (p *Program) conforms(r *http.Request, body []byte, answer *http.Response, text []byte) {
	p.t.Helper()
	route, parameters, err := p.router.FindRoute(withoutHost(r))
	if err != nil {
		if answer.StatusCode < 400 {
			p.t.Errorf("%s %s isn't in the document: %v", r.Method, r.URL, err)
		}
		return
	}
	input := &openapi3filter.RequestValidationInput{
		Request: withoutHost(r), PathParams: parameters, Route: route,
		Options: &openapi3filter.Options{
			AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true,
		},
	}
	input.Request.Body = io.NopCloser(bytes.NewReader(body))
	if answer.StatusCode < 400 {
		if err := openapi3filter.ValidateRequest(p.t.Context(), input); err != nil {
			p.t.Errorf("%s %s was taken, but isn't described: %v", r.Method, r.URL, err)
		}
	}
	out := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: answer.StatusCode,
		Header: answer.Header, Options: input.Options,
	}
	out.SetBodyBytes(text)
	if kind := answer.Header.Get("Content-Type"); strings.Contains(kind, "json") || answer.StatusCode >= 400 {
		if err := openapi3filter.ValidateResponse(p.t.Context(), out); err != nil {
			p.t.Errorf("%s %s: %d doesn't conform: %v\n%s", r.Method, r.URL, answer.StatusCode, err, text)
		}
	}
	name := route.Operation.OperationID
	if p.Seen[name] == nil {
		p.Seen[name] = map[int]bool{}
	}
	p.Seen[name][answer.StatusCode] = true
}

func withoutHost(r *http.Request) *http.Request {
	c := r.Clone(r.Context())
	c.URL = &url.URL{Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery}
	return c
}
