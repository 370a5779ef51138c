package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// Endpoint is the URL of a program that is told, and the key of its signatures.
type Endpoint struct {
	// URL may lead anywhere: the operator has chosen it.
	URL string
	Key []byte
	// Client is one with the default transport if nil. Whatever it says, no redirect is followed.
	Client *http.Client
}

const (
	// patience bounds one attempt; the specification recommends 15 to 30 seconds.
	patience = 15 * time.Second
	// maxAnswer is how much of an answer is read, so that the connection can be used again.
	maxAnswer = 64 << 10
)

// Refusal is an answer other than 2xx, which the specification calls a failure.
type Refusal struct {
	Status int
	// After is what Retry-After asks for; 0 for nothing.
	After time.Duration
}

func (r *Refusal) Error() string {
	return fmt.Sprintf("the webhook answers %d %s", r.Status, http.StatusText(r.Status))
}

// Post sends a body once, signed. The id says which event it is, and is the same in each attempt. It must have no
// full stop in it, or the signed text could be read in two ways. now is the time of the attempt, by
// which receivers refuse what is replayed. An answer other than 2xx is a [*Refusal].
func (e Endpoint) Post(ctx context.Context, id string, now time.Time, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, e.URL, bytes.NewReader(body))
	if err != nil {
		return err
	}
	stamp := strconv.FormatInt(now.Unix(), 10)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "autoconfig")
	r.Header.Set("Webhook-Id", id)
	r.Header.Set("Webhook-Timestamp", stamp)
	r.Header.Set("Webhook-Signature", "v1,"+e.sign(id, stamp, body))
	answer, err := e.client().Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	_, _ = io.CopyN(io.Discard, answer.Body, maxAnswer)
	if answer.StatusCode < http.StatusOK || answer.StatusCode >= http.StatusMultipleChoices {
		return &Refusal{answer.StatusCode, retryAfter(answer.Header.Get("Retry-After"), now)}
	}
	return nil
}

// client follows no redirect: what is told goes only to the address that the operator has chosen.
func (e Endpoint) client() *http.Client {
	client := http.Client{}
	if e.Client != nil {
		client = *e.Client
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &client
}

func (e Endpoint) sign(id, stamp string, body []byte) string {
	mac := hmac.New(sha256.New, e.Key)
	mac.Write([]byte(id + "." + stamp + "."))
	mac.Write(body)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// retryAfter reads seconds or a date (RFC 9110, section 10.2.3).
func retryAfter(text string, now time.Time) time.Duration {
	const most = 1 << 31 // seconds, as a duration has an end
	if seconds, err := strconv.ParseInt(text, 10, 64); err == nil {
		return time.Duration(min(max(seconds, 0), most)) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}
