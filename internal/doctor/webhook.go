package doctor

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"autoconfig/internal/webhook"
)

// Webhook notifies another service when a domain's state changes.
type Webhook struct {
	webhook.Endpoint
	// Now is time.Now if nil.
	Now func() time.Time
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

const webhookTries = 3

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
	now := h.Now
	if now == nil {
		now = time.Now
	}
	for range webhookTries {
		if err = h.Post(ctx, noticeID(after), now(), body); err == nil || !isFault(err) {
			break
		}
	}
	return err
}

// noticeID names one change of one domain. A domain's name itself has full stops, which an id mustn't have.
func noticeID(after Result) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d", after.Report.Domain, after.CheckedAt.UnixNano()))
	return "check_" + hex.EncodeToString(sum[:12])
}

// isFault tells a receiver that fails from one that refuses.
func isFault(err error) bool {
	refusal := (*webhook.Refusal)(nil)
	return !errors.As(err, &refusal) || refusal.Status >= http.StatusInternalServerError
}
