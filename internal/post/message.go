package post

import (
	"context"
	"errors"
	"time"
)

// Kind is what a message is for.
type Kind string

// The kinds.
const (
	SetupLink Kind = "link"
	Welcome   Kind = "welcome"
)

// State is how far a message has come.
type State string

// The states. All but the first are final.
const (
	Queued  State = "queued"
	Sent    State = "sent"     // the operator's mail server has it
	Refused State = "refused"  // the server doesn't take it
	GivenUp State = "given_up" // it couldn't be handed over in time
	// Unclear is a message of which nobody knows whether the server has it: the
	// connection, or this process, ended after the last byte and before the answer. It
	// isn't sent again, since nobody is to get it twice.
	Unclear State = "unclear"
)

// States are all of them.
var States = []State{Queued, Sent, Refused, GivenUp, Unclear}

// Errors of messages.
var (
	// ErrUnknown means that no message has this identity.
	ErrUnknown = errors.New("there is no such message")
	// ErrOff means that the operator has configured no mail server.
	ErrOff = errors.New("no mail server is configured (smtp): messages can't be sent")
	// ErrItself means that a message for a mailbox would go to that mailbox.
	ErrItself = errors.New("the message would go to the mailbox that isn't set up yet")
	// ErrOften means that somebody sends, or an address gets, too much.
	ErrOften = errors.New("too many messages")
	// ErrFull means that the queue is full.
	ErrFull = errors.New("too many messages wait to be sent")
	// ErrAgain means that the mailbox was welcomed before.
	ErrAgain = errors.New("a welcome message was sent before")
)

// Message is one mail to one person. What it says is kept, encrypted, until it is sent.
type Message struct {
	ID   string `json:"id"` // later ones have greater ones
	Kind Kind   `json:"kind"`
	// Address is the mailbox that it is about; a pseudonym once the person is forgotten.
	Address string `json:"address"`
	// Domain is the mailbox's primary domain: it decides who may see the message.
	Domain   string `json:"domain"`
	To       string `json:"to"`
	Language string `json:"language"`
	// Link is the identity of the setup link in it.
	Link   string    `json:"link,omitempty"`
	MadeBy string    `json:"made_by"`
	MadeAt time.Time `json:"made_at"`
	State  State     `json:"state"`
	Tries  int       `json:"tries"`
	// DueAt is when it is tried next.
	DueAt  time.Time `json:"next_try_at,omitzero"`
	DoneAt time.Time `json:"done_at,omitzero"`
	// Reason is what went wrong at the last try, in the mail server's words.
	Reason string `json:"reason,omitempty"`
}

// Filter says which messages are listed, latest first.
type Filter struct {
	// Domains are those whose messages are listed; nil for all.
	Domains []string
	// Address is the key of a mailbox's address, Link a link's identity; "" for all.
	Address, Link string
	State         State
	Kind          Kind
	// Before is the identity of the last message of the page before.
	Before string
	// Limit is at most 1000.
	Limit int
}

// Count is what is counted before a message is taken.
type Count struct {
	By        int // messages that this person or token has had made since an hour ago
	Recipient int // messages to this address since a day ago
	Queued    int // all that wait
	Welcomed  int // welcome messages of this mailbox that weren't refused
}

// Summary is the queue as a whole.
type Summary struct {
	Queued int
	// Oldest is since when the oldest of them waits.
	Oldest time.Time
}

// Store keeps messages. Those that aren't there are [ErrUnknown].
type Store interface {
	// PutMessage keeps a message and what it says; key and to are the keys of its two
	// addresses.
	PutMessage(ctx context.Context, key, to string, m Message, sealed []byte) error
	CountMessages(ctx context.Context, by, key, to string, now time.Time) (Count, error)
	Message(ctx context.Context, id string) (Message, error)
	Messages(ctx context.Context, f Filter) ([]Message, error)
	MessageSummary(ctx context.Context) (Summary, error)
	// ClaimMessage gives one that is due to a holder, until a time. One that a holder was
	// handing over when its time ended is given as [Unclear].
	ClaimMessage(ctx context.Context, holder string, now, until time.Time) (
		m Message, sealed []byte, found bool, err error,
	)
	// HandOver notes that the last bytes are about to be sent. Who is told false must not
	// send them: the message isn't the holder's any more.
	HandOver(ctx context.Context, id, holder string, now time.Time) (bool, error)
	// PutOutcome keeps the state, the tries, the times and the reason, and gives the
	// message back. What it says is removed where the state is final.
	PutOutcome(ctx context.Context, holder string, m Message) error
}
