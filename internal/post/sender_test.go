package post_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"autoconfig/internal/database"
	"autoconfig/internal/post"
	"autoconfig/internal/store"
	"autoconfig/settings"
	"autoconfig/templates"
)

// desk is an outbox and a sender on one database, with a clock that stands.
type desk struct {
	*post.Outbox
	sender *post.Sender
	store  *store.Store
	now    time.Time
	seen   []string
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	db, err := store.Open(t.Context(), database.MustParse("sqlite:"+t.TempDir()+"/post.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	catalogue, err := templates.NewCatalogue(nil)
	if err != nil {
		t.Fatal(err)
	}
	mails, err := templates.NewMails(catalogue, nil)
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{store: db, now: time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)}
	clock := func() time.Time { return d.now }
	secret, from := []byte("a secret of the test"), settings.MustAddress("noreply@example.com")
	d.Outbox = &post.Outbox{
		Store: db, Mails: mails, Secret: secret, From: from, Now: clock,
		Limits: post.Limits{PerPerson: 3, PerToken: 5, PerRecipient: 2, Queue: 8},
	}
	d.sender = &post.Sender{
		Store: db, Secret: secret, Holder: "test", Now: clock, Logger: slog.New(slog.DiscardHandler),
		Server: post.Server{Host: "127.0.0.1", Security: post.None, From: from, Step: time.Minute},
		Count:  func(kind post.Kind, outcome string) { d.seen = append(d.seen, string(kind)+" "+outcome) },
	}
	return d
}

func letterTo(to string) post.Letter {
	return post.Letter{
		Kind: post.SetupLink, Address: settings.MustAddress("office@example.com"), Domain: "example.com", To: settings.MustAddress(to),
		Link: "link1", By: "staff:eva",
		Says: templates.Letter{
			Language: "de", Provider: settings.Provider{Name: "Grüße & Mail", SupportEmail: "help@example.com", TimeZone: "Europe/Berlin"},
			Address: "office@example.com", URL: "https://setup.example.com/s/0123456789abcdefghijklmnop",
			Until: time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC), Start: "https://setup.example.com/",
		},
	}
}

func (d *desk) put(t *testing.T, l post.Letter) post.Message {
	t.Helper()
	m, err := d.Put(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func (d *desk) once(t *testing.T) {
	t.Helper()
	if err := d.sender.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (d *desk) is(t *testing.T, id string) post.Message {
	t.Helper()
	m, err := d.store.Message(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestWhatIsNotTaken(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	by := func(who, to string) error {
		l := letterTo(to)
		l.By = who
		_, err := d.Put(t.Context(), l)
		return err
	}
	for _, step := range []struct {
		who, to string
		want    error
	}{
		{"staff:eva", "a@home.test", nil},
		{"staff:eva", "A@home.test", nil},
		{"staff:eva", "a@home.test", post.ErrOften}, // the address has got two
		{"token:panel", "a@home.test", post.ErrOften},
		{"command line", "a@home.test", post.ErrOften},
		{"staff:eva", "b@home.test", nil},
		{"staff:eva", "c@home.test", post.ErrOften}, // she has sent three
		{"staff:otto", "c@home.test", nil},
		{"command line", "d@home.test", nil},
		{"command line", "e@home.test", nil},
		{"command line", "f@home.test", nil},
		{"command line", "g@home.test", nil},
		{"command line", "h@home.test", post.ErrFull},
	} {
		if err := by(step.who, step.to); !errors.Is(err, step.want) {
			t.Errorf("%s to %s: %v, want %v", step.who, step.to, err, step.want)
		}
	}
	d.now = d.now.Add(61 * time.Minute)
	d.Limits.Queue = 100
	if err := by("staff:eva", "c@home.test"); err != nil {
		t.Errorf("an hour later: %v", err)
	}
	d.now = d.now.Add(24 * time.Hour)
	if err := by("token:panel", "a@home.test"); err != nil {
		t.Errorf("a day later: %v", err)
	}
	welcome := letterTo("z@home.test")
	welcome.Kind = post.Welcome
	d.put(t, welcome)
	if _, err := d.Put(t.Context(), welcome); !errors.Is(err, post.ErrAgain) {
		t.Errorf("a second welcome: %v", err)
	}
	welcome.Again = true
	d.put(t, welcome)
}

// script is a mail server that answers as told: what is sent, and what is answered. An
// answer "close" ends the connection.
type script struct {
	address *net.TCPAddr
	mu      sync.Mutex
	answers map[string]string // by the command's first word; "." for the end of a message
	got     []string          // whole messages
}

func startScript(t *testing.T, answers map[string]string) *script {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &script{address: l.Addr().(*net.TCPAddr), answers: answers}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { s.talk(c) })
		}
	})
	t.Cleanup(func() { _ = l.Close(); all.Wait() })
	return s
}

func (s *script) say(word, usual string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.answers[word]; a != "" {
		return a
	}
	return usual
}

func (s *script) talk(c net.Conn) {
	defer func() { _ = c.Close() }()
	r := bufio.NewReader(c)
	answer := func(word, usual string) bool {
		a := s.say(word, usual)
		if a == "close" {
			return false
		}
		_, err := fmt.Fprintf(c, "%s\r\n", a)
		return err == nil
	}
	if !answer("greeting", "220 ready") {
		return
	}
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		word := strings.ToUpper(strings.Fields(line + " ?")[0])
		usual := "250 ok"
		if word == "DATA" {
			usual = "354 go on"
		}
		if !answer(word, usual) || word == "QUIT" {
			return
		}
		if word != "DATA" || !strings.HasPrefix(s.say("DATA", "354"), "354") {
			continue
		}
		var body strings.Builder
		for {
			line, err := r.ReadString('\n')
			if err != nil || line == ".\r\n" {
				break
			}
			body.WriteString(line)
		}
		s.mu.Lock()
		s.got = append(s.got, body.String())
		s.mu.Unlock()
		if !answer(".", "250 taken") {
			return
		}
	}
}

func (d *desk) at(s *script) { d.sender.Server.Port = s.address.Port }

// What a server answers decides whether a message is tried again. Once its last bytes are
// sent and no answer comes, it never is.
func TestWhatBecomesOfAMessage(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answers map[string]string
		want    post.State
		reason  string
		got     int // messages that the server has seen whole, after another hour
	}{
		"taken":                    {nil, post.Sent, "", 1},
		"sender refused":           {map[string]string{"MAIL": "550 5.7.1 no"}, post.Refused, "550 5.7.1 no", 0},
		"recipient refused":        {map[string]string{"RCPT": "550 5.1.1 no such user"}, post.Refused, "550 5.1.1 no such user", 0},
		"greylisted":               {map[string]string{"RCPT": "450 4.7.1 later"}, post.Queued, "450 4.7.1 later", 0},
		"message refused":          {map[string]string{".": "554 5.7.1 spam"}, post.Refused, "554 5.7.1 spam", 1},
		"message not taken now":    {map[string]string{".": "451 4.3.0 full"}, post.Queued, "451 4.3.0 full", 2},
		"no answer to the message": {map[string]string{".": "close"}, post.Unclear, "no answer came", 1},
		"ends before the message":  {map[string]string{"DATA": "close"}, post.Queued, "", 0},
		"no room":                  {map[string]string{"DATA": "452 4.3.1 no room"}, post.Queued, "452 4.3.1", 0},
		"ends at the recipient":    {map[string]string{"RCPT": "close"}, post.Queued, "EOF", 0},
		"goodbye fails":            {map[string]string{"RSET": "close", "QUIT": "close"}, post.Sent, "", 1},
		"no greeting":              {map[string]string{"greeting": "554 closed"}, post.Queued, "554 closed", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, s := newDesk(t), startScript(t, c.answers)
			d.at(s)
			m := d.put(t, letterTo("person@home.test"))
			d.once(t)
			if got := d.is(t, m.ID); got.State != c.want || !strings.Contains(got.Reason, c.reason) || got.Tries != 1 {
				t.Errorf("%+v", got)
			}
			d.now = d.now.Add(time.Hour)
			d.once(t)
			s.mu.Lock()
			defer s.mu.Unlock()
			if len(s.got) != c.got {
				t.Errorf("the server got it %d times, want %d", len(s.got), c.got)
			}
		})
	}
}

// A message is tried for as long as it may be, ever more seldom; a server that is down is
// asked seldom too, and does not use up the tries of all that wait.
func TestMessagesAreGivenUp(t *testing.T) {
	t.Parallel()
	d, s := newDesk(t), startScript(t, map[string]string{"RCPT": "450 4.2.0 later"})
	d.at(s)
	d.sender.GiveUp = 6 * time.Hour
	m := d.put(t, letterTo("person@home.test"))
	tries := 0
	for range 24 * 60 {
		d.now = d.now.Add(time.Minute)
		d.once(t)
		if got := d.is(t, m.ID); got.Tries > tries {
			tries = got.Tries
		}
	}
	got := d.is(t, m.ID)
	if got.State != post.GivenUp || tries < 6 || tries > 12 || got.DoneAt.Sub(m.MadeAt) > 8*time.Hour {
		t.Errorf("%d tries: %+v", tries, got)
	}
	if !slices.Contains(d.seen, "link later") || d.seen[len(d.seen)-1] != "link given_up" {
		t.Errorf("%q", d.seen)
	}
	if _, body, found, _ := d.store.ClaimMessage(t.Context(), "x", d.now, d.now.Add(time.Minute)); found || body != nil {
		t.Error("it still waits")
	}

	down := newDesk(t)
	down.sender.Server.Port = 1 // nobody listens
	first, second := down.put(t, letterTo("a@home.test")), down.put(t, letterTo("b@home.test"))
	for range 10 {
		down.once(t) // the clock stands: the server is left alone
	}
	if a, b := down.is(t, first.ID), down.is(t, second.ID); a.Tries+b.Tries != 1 || !strings.Contains(a.Reason+b.Reason, "can't be reached") {
		t.Errorf("%+v\n%+v", a, b)
	}
}

// Messages that were sealed with another secret end, and say why.
func TestAnotherSecret(t *testing.T) {
	t.Parallel()
	d, s := newDesk(t), startScript(t, nil)
	d.at(s)
	m := d.put(t, letterTo("person@home.test"))
	d.sender.Secret = []byte("another secret")
	d.once(t)
	if got := d.is(t, m.ID); got.State != post.GivenUp || !strings.Contains(got.Reason, "secret_file") || len(s.got) != 0 {
		t.Errorf("%+v", got)
	}
}

// When the service ends in the middle of a conversation, the message isn't lost and isn't
// sent twice.
func TestTheServiceEnds(t *testing.T) {
	t.Parallel()
	d, s := newDesk(t), startScript(t, nil)
	d.at(s)
	m := d.put(t, letterTo("person@home.test"))
	ctx, end := context.WithCancel(t.Context())
	end()
	_ = d.sender.Once(ctx)
	if got := d.is(t, m.ID); got.State != post.Queued || got.Tries != 0 {
		t.Errorf("%+v", got)
	}
	d.once(t)
	if got := d.is(t, m.ID); got.State != post.Sent || len(s.got) != 1 {
		t.Errorf("%+v", got)
	}
}
