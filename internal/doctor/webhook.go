package doctor

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// Webhook notifies another service when a domain's state changes, in the format of Standard
// Webhooks (standardwebhooks.com), signed with HMAC-SHA-256 over id, time and body.
type Webhook struct {
	// URL may be any address: the operator has chosen it.
	URL string
	Key []byte
	// Client defaults to one with a timeout of 10 seconds that follows no redirects.
	Client *http.Client
}

// notice is the body.
type notice struct {
	Type      string    `json:"type"`
	Timestamp time.Time `json:"timestamp"`
	Data      struct {
		Domain   string    `json:"domain"`
		Before   string    `json:"before"`
		After    string    `json:"after"`
		Findings []Finding `json:"findings"`
	} `json:"data"`
}

const (
	webhookTimeout = 10 * time.Second
	webhookTries   = 3
)

// Send sends a change of state. If the receiver fails, it retries twice at once; after that
// the notice is lost, and the next change is sent anyway.
func (h Webhook) Send(ctx context.Context, before, after Result) error {
	n := notice{Type: "domain.state", Timestamp: after.CheckedAt}
	n.Data.Domain = after.Report.Domain
	n.Data.Before = before.Report.State()
	n.Data.After = after.Report.State()
	n.Data.Findings = after.Report.Findings
	body, err := json.Marshal(n)
	if err != nil {
		return err
	}
	id := fmt.Sprintf("%s-%d", after.Report.Domain, after.CheckedAt.UnixNano())
	for try := range webhookTries {
		var again bool
		if again, err = h.post(ctx, id, after.CheckedAt, body); err == nil || !again || try == webhookTries-1 {
			return err
		}
	}
	return err
}

func (h Webhook) post(ctx context.Context, id string, at time.Time, body []byte) (again bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, webhookTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, h.URL, bytes.NewReader(body))
	if err != nil {
		return false, err
	}
	stamp := strconv.FormatInt(at.Unix(), 10)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Webhook-Id", id)
	r.Header.Set("Webhook-Timestamp", stamp)
	r.Header.Set("Webhook-Signature", "v1,"+h.sign(id, stamp, body))
	client := h.Client
	if client == nil {
		client = &http.Client{Timeout: webhookTimeout, CheckRedirect: stay}
	}
	answer, err := client.Do(r)
	if err != nil {
		return true, err
	}
	defer func() { _ = answer.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 64<<10)) // to reuse the connection
	if answer.StatusCode >= http.StatusMultipleChoices {
		return answer.StatusCode >= http.StatusInternalServerError, fmt.Errorf("the webhook answers %s", answer.Status)
	}
	return false, nil
}

// stay refuses to follow a redirect: the notice goes only to the address that the operator
// has chosen. The answer then counts as a refusal.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

func (h Webhook) sign(id, stamp string, body []byte) string {
	mac := hmac.New(sha256.New, h.Key)
	mac.Write([]byte(id + "." + stamp + "."))
	mac.Write(body)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
