package post

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/mail"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"autoconfig/settings"
	"autoconfig/templates"
)

// Limits bound what is sent. Whoever acts on the command line has none of the first two.
type Limits struct {
	PerPerson, PerToken int // in an hour
	PerRecipient        int // in a day
	// Queue is how many messages may wait: 10,000 if 0.
	Queue int
}

const mostQueued = 10_000

// Outbox takes messages to be sent. It is safe for concurrent use.
type Outbox struct {
	Store Store
	Mails *templates.Mails
	// Secret is the root of the key that seals messages.
	Secret []byte
	// From is the sender's address, ReplyTo where answers go; zero for the provider's
	// support.
	From, ReplyTo settings.Address
	Limits        Limits
	// Now is time.Now if nil.
	Now func() time.Time
}

// Letter is a message to be sent.
type Letter struct {
	Kind    Kind
	Address settings.Address // the mailbox that it is about
	Domain  string
	To      settings.Address
	// Link is the identity of the setup link in it.
	Link string
	// By is the actor's name: staff:NAME, token:NAME, or another one without limits.
	By string
	// Again sends a welcome message though there was one.
	Again bool
	// Says is what it says; its language is one of the catalogue's.
	Says templates.Letter
}

// Rendered is a message as a person reads it.
type Rendered struct {
	Subject string `json:"subject"`
	Text    string `json:"text"`
	HTML    string `json:"html"`
}

func (o *Outbox) now() time.Time {
	if o.Now != nil {
		return o.Now().UTC()
	}
	return time.Now().UTC()
}

// Render is what a letter says.
func (o *Outbox) Render(l Letter) (r Rendered, err error) {
	r.Subject, r.Text, r.HTML, err = o.Mails.Write(string(l.Kind), l.Says)
	return r, err
}

// Check tells why a letter isn't taken now: [ErrOften], [ErrFull] or [ErrAgain].
func (o *Outbox) Check(ctx context.Context, l Letter) error {
	n, err := o.Store.CountMessages(ctx, l.By, l.Address.Key(), l.To.Key(), o.now())
	if err != nil {
		return err
	}
	most := o.Limits.Queue
	if most == 0 {
		most = mostQueued
	}
	switch kind, _, _ := strings.Cut(l.By, ":"); {
	case l.Kind == Welcome && n.Welcomed > 0 && !l.Again:
		return fmt.Errorf("%w: to %s", ErrAgain, l.Address)
	case n.Recipient >= o.Limits.PerRecipient:
		return fmt.Errorf("%w: %s has got %d today", ErrOften, l.To, n.Recipient)
	case kind == "staff" && n.By >= o.Limits.PerPerson, kind == "token" && n.By >= o.Limits.PerToken:
		return fmt.Errorf("%w: you have sent %d in the last hour", ErrOften, n.By)
	case n.Queued >= most:
		return ErrFull
	}
	return nil
}

// Put queues a letter, or tells as [Outbox.Check] why it doesn't.
func (o *Outbox) Put(ctx context.Context, l Letter) (Message, error) {
	if err := o.Check(ctx, l); err != nil {
		return Message{}, err
	}
	r, err := o.Render(l)
	if err != nil {
		return Message{}, err
	}
	began := o.now()
	now := began.Truncate(time.Second)
	m := Message{
		ID: newID(began), Kind: l.Kind, Address: l.Address.String(), Domain: l.Domain, To: l.To.String(),
		Language: l.Says.Language, Link: l.Link, MadeBy: l.By, MadeAt: now, State: Queued, DueAt: now,
	}
	raw, err := o.compose(l, r, m)
	if err != nil {
		return Message{}, err
	}
	waiting, err := newSeal(o.Secret)
	if err != nil {
		return Message{}, err
	}
	return m, o.Store.PutMessage(ctx, l.Address.Key(), l.To.Key(), m, waiting.Close(raw, m.ID))
}

// compose writes the mail (RFC 5322): plain and HTML parts that say the same.
func (o *Outbox) compose(l Letter, r Rendered, m Message) ([]byte, error) {
	mail := gomail.NewMsg(gomail.WithCharset(gomail.CharsetUTF8), gomail.WithEncoding(gomail.EncodingQP))
	provider := l.Says.Provider
	mail.FromMailAddress(named(provider.Name, o.From))
	mail.ToMailAddress(named("", l.To))
	reply := o.ReplyTo
	if support, err := settings.ParseAddress(provider.SupportEmail); reply.IsZero() && err == nil {
		reply = support
	}
	if !reply.IsZero() {
		mail.ReplyToMailAddress(named(provider.Name, reply))
	}
	mail.Subject(r.Subject)
	mail.SetDateWithValue(m.MadeAt.In(provider.Zone()))
	mail.SetMessageIDWithValue(m.ID + "@" + o.From.Domain())
	mail.SetGenHeader(gomail.HeaderContentLang, m.Language)
	mail.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: nobody's holiday answers it
	mail.SetUserAgent("autoconfig")
	mail.SetBodyString(gomail.TypeTextPlain, r.Text)
	mail.AddAlternativeString(gomail.TypeTextHTML, r.HTML)
	if logo, kind := o.Mails.Logo(provider.Logo); logo != nil {
		err := mail.EmbedReader(provider.Logo, bytes.NewReader(logo), gomail.WithFileContentType(gomail.ContentType(kind)),
			gomail.WithFileContentID(templates.LogoID))
		if err != nil {
			return nil, err
		}
	}
	var raw bytes.Buffer
	_, err := mail.WriteTo(&raw)
	return raw.Bytes(), err
}

func named(name string, a settings.Address) *mail.Address {
	return &mail.Address{Name: name, Address: a.String()}
}

var letters = base32.NewEncoding("0123456789abcdefghijklmnopqrstuv").WithPadding(base32.NoPadding)

// newID begins with the time, so that messages sort by it, and ends with 72 random bits.
func newID(now time.Time) string {
	raw := make([]byte, 15)
	_, _ = rand.Read(raw[6:])
	milliseconds := uint64(now.UnixMilli())
	binary.BigEndian.PutUint64(raw, milliseconds<<16|uint64(binary.BigEndian.Uint16(raw[6:8])))
	return letters.EncodeToString(raw)
}
