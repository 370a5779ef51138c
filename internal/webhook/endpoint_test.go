package webhook_test

import (
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"autoconfig/internal/webhook"
)

// specified is the secret and the message that the libraries of the specification test themselves with
// (libraries/go/webhook_test.go, TestWebhookSign), and what they make of it.
const (
	specified     = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n"
	specifiedID   = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	specifiedTime = 1614265330
	specifiedBody = `{"test": 2432232314}`
	specifiedSign = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
)

func key(t *testing.T) []byte {
	t.Helper()
	k, err := webhook.ParseKey(specified)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestAPostIsWhatTheSpecificationSays(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || string(body) != specifiedBody || r.Method != http.MethodPost {
			t.Errorf("%s %q %v", r.Method, body, err)
		}
		for name, want := range map[string]string{
			"Webhook-Id": specifiedID, "Webhook-Timestamp": "1614265330", "Webhook-Signature": specifiedSign, "Content-Type": "application/json",
		} {
			if got := r.Header.Get(name); got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
	}))
	t.Cleanup(server.Close)
	e := webhook.Endpoint{URL: server.URL, Key: key(t), Client: server.Client()}
	if err := e.Post(t.Context(), specifiedID, time.Unix(specifiedTime, 0), []byte(specifiedBody)); err != nil {
		t.Error(err)
	}
	e.Client = nil // which doesn't know the server's authority
	if err := e.Post(t.Context(), specifiedID, time.Now(), nil); !errors.As(err, new(x509.UnknownAuthorityError)) {
		t.Errorf("a certificate that nobody vouches for: %v", err)
	}
}

func TestWhatAReceiverAnswers(t *testing.T) {
	t.Parallel()
	var elsewhere atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/elsewhere":
			elsewhere.Add(1)
		case "/308":
			http.Redirect(rw, r, "/elsewhere", http.StatusPermanentRedirect)
		case "/503":
			rw.Header().Set("Retry-After", "90")
			rw.WriteHeader(http.StatusServiceUnavailable)
		case "/429":
			rw.Header().Set("Retry-After", time.Unix(specifiedTime+60, 0).UTC().Format(http.TimeFormat))
			rw.WriteHeader(http.StatusTooManyRequests)
		case "/500":
			rw.Header().Set("Retry-After", "soon")
			rw.WriteHeader(http.StatusInternalServerError)
		case "/endless": // only its beginning is read
			for range 4096 {
				if _, err := rw.Write(make([]byte, 64<<10)); err != nil {
					return
				}
			}
			t.Error("all 256 MiB of an answer were read")
		}
	}))
	t.Cleanup(server.Close)
	// Even a client that would follow redirects follows none.
	e := webhook.Endpoint{URL: server.URL, Key: key(t), Client: &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return nil }}}
	for path, want := range map[string]*webhook.Refusal{
		"/":        nil,
		"/308":     {Status: 308},
		"/503":     {Status: 503, After: 90 * time.Second},
		"/429":     {Status: 429, After: time.Minute},
		"/500":     {Status: 500},
		"/endless": nil,
	} {
		e.URL = server.URL + path
		err := e.Post(t.Context(), "a", time.Unix(specifiedTime, 0), nil)
		got := (*webhook.Refusal)(nil)
		if errors.As(err, &got); (got == nil) != (want == nil) || got != nil && *got != *want || want == nil && err != nil {
			t.Errorf("%s: %v, want %v", path, err, want)
		}
	}
	if elsewhere.Load() != 0 {
		t.Error("a redirect was followed")
	}
}

func TestParseKey(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"0123456789abcdef\n":                             "",
		"0123456789abcde\n":                              "less than 16 bytes",
		specified:                                        "",
		"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS":          "isn't base64",
		"whsec_" + strings.Repeat("AAAA", 7):             "is 21 bytes: use 24 to 64",
		"whsec_" + strings.Repeat("AAAA", 22):            "is 66 bytes: use 24 to 64",
		"whsec_" + strings.Repeat("AAAA", 21) + "AA==\n": "",
	} {
		k, err := webhook.ParseKey(text)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
		if err == nil && len(k) < 16 {
			t.Errorf("%q: %d bytes", text, len(k))
		}
	}
}
