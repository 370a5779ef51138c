package webhook

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"autoconfig/internal/links"
)

// State is how far a notice has come.
type State string

// The states. All but the first are final.
const (
	Queued  State = "queued"
	Sent    State = "sent"
	GivenUp State = "given_up"
)

// Delivery is a notice about a link, and what came of telling it.
type Delivery struct {
	links.Notice
	State State
	Tries int
	// DueAt is when it is tried next.
	DueAt, DoneAt time.Time
	// Reason is what went wrong at the last try.
	Reason string
}

// ID names the notice for the program that is told: the same in each attempt, and for no other notice.
func (d Delivery) ID() string { return fmt.Sprintf("link_%s_%s_%d", d.Link, d.Kind, d.Number) }

// body is what is sent.
func (d Delivery) body() ([]byte, error) {
	type data struct {
		Link   string `json:"link"`
		Domain string `json:"domain"`
	}
	return json.Marshal(struct {
		Type      string    `json:"type"`
		Timestamp time.Time `json:"timestamp"`
		Data      data      `json:"data"`
	}{"link." + string(d.Kind), d.At.UTC(), data{d.Link, d.Domain}})
}

// Summary is what waits as a whole.
type Summary struct {
	// Waiting counts notices of what has happened and hasn't been told.
	Waiting int
	// Oldest is since when the oldest of them waits, and Reason what went wrong at its last try.
	Oldest time.Time
	Reason string
}

// Store stores notices and what came of them.
type Store interface {
	// ClaimNotice gives one that is due to a holder, until a time. An expiry of a link that was used or revoked
	// is removed instead.
	ClaimNotice(ctx context.Context, holder string, now, until time.Time) (d Delivery, found bool, err error)
	// PutDelivery stores what came of it, and gives it back; it does nothing if it isn't the holder's any more.
	PutDelivery(ctx context.Context, holder string, d Delivery) error
	NoticeSummary(ctx context.Context, now time.Time) (Summary, error)
}
