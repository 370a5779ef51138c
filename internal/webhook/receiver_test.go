package webhook_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// clock is what the time is for all parts of a test.
type clock struct{ at atomic.Int64 }

func (c *clock) now() time.Time          { return time.Unix(c.at.Load(), 0).UTC() }
func (c *clock) advance(d time.Duration) { c.at.Add(int64(d / time.Second)) }

// call is what a receiver got.
type call struct {
	id, kind string
	sent, at time.Time // of the attempt and of the event
	body     string
}

// receiver is the program that is told. It verifies each call as the specification has receivers do it.
type receiver struct {
	*httptest.Server
	mu    sync.Mutex
	calls []call
	// answer is what it answers; 0 ends the connection.
	answer func(c call) int
	header http.Header
}

func newReceiver(t *testing.T, clock *clock) *receiver {
	t.Helper()
	r := &receiver{answer: func(call) int { return http.StatusNoContent }, header: http.Header{}}
	r.Server = httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(request.Body)
		if err != nil {
			t.Error(err)
		}
		got := verified(t, request.Header, body, clock.now())
		r.mu.Lock()
		r.calls = append(r.calls, got)
		r.mu.Unlock()
		status := r.answer(got)
		if status == 0 {
			panic(http.ErrAbortHandler)
		}
		for name, values := range r.header {
			rw.Header()[name] = values
		}
		rw.WriteHeader(status)
	}))
	t.Cleanup(r.Close)
	return r
}

// verified follows "Verifying signatures" of the specification.
func verified(t *testing.T, header http.Header, body []byte, now time.Time) call {
	t.Helper()
	secret, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(strings.TrimSpace(specified), "whsec_"))
	if err != nil {
		t.Error(err)
	}
	id, stamp := header.Get("webhook-id"), header.Get("webhook-timestamp")
	mac := hmac.New(sha256.New, secret)
	mac.Write(slices.Concat([]byte(id), []byte{'.'}, []byte(stamp), []byte{'.'}, body))
	matches := func(signature string) bool {
		version, text, _ := strings.Cut(signature, ",")
		got, err := base64.StdEncoding.DecodeString(text)
		return version == "v1" && err == nil && hmac.Equal(got, mac.Sum(nil))
	}
	if !slices.ContainsFunc(strings.Fields(header.Get("webhook-signature")), matches) {
		t.Errorf("no signature matches: %v", header)
	}
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if age := now.Sub(time.Unix(seconds, 0)); err != nil || age.Abs() > 5*time.Minute {
		t.Errorf("sent at %q, %s ago", stamp, age)
	}
	if id == "" || strings.Contains(id, ".") {
		t.Errorf("the id %q", id)
	}
	var said struct {
		Type      string            `json:"type"`
		Timestamp time.Time         `json:"timestamp"`
		Data      map[string]string `json:"data"`
	}
	if err := json.Unmarshal(body, &said); err != nil || len(said.Data) != 2 || said.Data["domain"] != "example.com" || said.Data["link"] == "" {
		t.Errorf("%s: %v", body, err)
	}
	return call{id, said.Type, time.Unix(seconds, 0).UTC(), said.Timestamp, string(body)}
}

// got are the calls since the last time.
func (r *receiver) got() []call {
	r.mu.Lock()
	defer r.mu.Unlock()
	calls := r.calls
	r.calls = nil
	return calls
}
