package ldapdir

import (
	"bytes"
	"context"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"autoconfig/internal/directory"
	"autoconfig/internal/testkit"
	"autoconfig/policy"
	"autoconfig/settings"
)

// slack is what a call may take beyond its timeout on a busy machine, before it
// counts as hanging.
const slack = 2 * time.Minute

var (
	annaAddress = settings.MustAddress("anna@example.com")
	anna        = policy.Account{Address: annaAddress, Addresses: addresses("Office@example.com"), Name: "Anna Archer", Login: "anna"}
)

// anonymous are options for a fake server.
func anonymous(t testing.TB, servers ...string) Options {
	t.Helper()
	mapping, _ := Preset("openldap")
	return Options{Servers: servers, Base: "dc=example,dc=com", Mapping: mapping, Timeout: 10 * time.Second}
}

// everyCall is each way to ask.
func everyCall(d *Source) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"account": func(ctx context.Context) error { return second(d.Account(ctx, annaAddress)) },
		"search":  func(ctx context.Context) error { return second(d.Search(ctx, "anna", nil, 10)) },
		"walk":    func(ctx context.Context) error { return d.Walk(ctx, func(policy.Account) error { return nil }) },
		"ping":    d.Ping,
	}
}

// wantFailure is an error that isn't an answer, in time.
func wantFailure(t *testing.T, ask func(context.Context) error, timeout time.Duration) error {
	t.Helper()
	begin := time.Now()
	err := ask(t.Context())
	if took := time.Since(begin); took > timeout+slack {
		t.Errorf("it took %v", took)
	}
	if err == nil || errors.Is(err, directory.ErrNotFound) {
		t.Errorf("it gives an answer: %v", err)
		return errWrong
	}
	return err
}

func TestFrozenServer(t *testing.T) {
	t.Parallel()
	s := testkit.StartSlapd(t, testkit.SlapdOptions{LDIF: openldapEntries})
	o := reader(t, s, "openldap")
	o.Timeout = 3 * time.Second
	d := open(t, o)
	wantAccount(t, d, "anna@example.com", anna)
	s.Freeze(t)
	// with the connection that there is, and with a new one
	for range 2 {
		begin := time.Now()
		_, err := d.Account(t.Context(), annaAddress)
		if took := time.Since(begin); !errors.Is(err, context.DeadlineExceeded) || took < o.Timeout || took > o.Timeout+slack {
			t.Errorf("frozen: %v after %v", err, took)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := d.Ping(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("frozen, and the caller's time is up: %v", err)
	}
	s.Thaw(t)
	wantAccount(t, d, "anna@example.com", anna)
}

func TestServerThatIsKilledAndStartedAgain(t *testing.T) {
	t.Parallel()
	s := testkit.StartSlapd(t, testkit.SlapdOptions{LDIF: openldapEntries})
	d := open(t, reader(t, s, "openldap"))
	wantAccount(t, d, "anna@example.com", anna)
	s.Kill()
	if err := wantFailure(t, d.Ping, 0); !strings.Contains(err.Error(), "connection refused") {
		t.Error(err)
	}
	s.Start(t)
	wantAccount(t, d, "anna@example.com", anna)
	s.Stop()
	s.Start(t) // the connection that was kept is dead, and nobody has noticed
	wantAccount(t, d, "anna@example.com", anna)
}

// eventually waits until something holds, with a bound.
func eventually(t *testing.T, failure string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	end := time.After(slack)
	for !holds() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatal(failure)
		}
	}
}

// clock is a clock that a test sets.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time          { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) advance(d time.Duration) { c.ahead.Add(int64(d)) }

// whose tells which server has answered: their Annas have different names.
func whose(t *testing.T, d *Source) string {
	t.Helper()
	account, err := d.Account(t.Context(), annaAddress)
	if err != nil {
		t.Error(err)
	}
	return account.Name
}

func TestFailOverAndBack(t *testing.T) {
	t.Parallel()
	ca := testkit.NewCA(t)
	first := testkit.StartSlapd(t, testkit.SlapdOptions{CA: ca, LDIF: strings.ReplaceAll(openldapEntries, "displayName: Anna Archer", "displayName: first")})
	other := testkit.StartSlapd(t, testkit.SlapdOptions{CA: ca, LDIF: strings.ReplaceAll(openldapEntries, "displayName: Anna Archer", "displayName: other")})
	clock := &clock{}
	o := reader(t, first, "openldap")
	o.Servers = append(o.Servers, other.TLSURL)
	o.Now = clock.now
	o.Timeout = 6 * time.Second
	d := open(t, o)
	expect := func(when, want string) {
		t.Helper()
		if got := whose(t, d); got != want {
			t.Errorf("%s: %q has answered", when, got)
		}
	}
	expect("both are up", "first")
	first.Kill()
	expect("the first is killed", "other")
	first.Start(t)
	expect("the first is back, for a moment", "other")
	clock.advance(avoidFor)
	expect("the first is back", "first")

	first.Freeze(t)
	expect("the first is frozen", "other")
	failed := d.servers[0].failed.Load()
	expect("the first is known to be frozen", "other")
	if now := d.servers[0].failed.Load(); failed == nil || now != failed {
		t.Error("the first is waited for again")
	}
	other.Kill()
	first.Thaw(t)
	expect("the other is killed, the first avoided", "first")
	first.Kill()
	err := wantFailure(t, d.Ping, o.Timeout)
	for _, s := range []*testkit.Slapd{first, other} {
		if host := strings.TrimPrefix(s.TLSURL, "ldaps://"); !strings.Contains(err.Error(), host) {
			t.Errorf("both are down, and %s isn't named: %v", host, err)
		}
	}
}

// What goes wrong on a connection is tried once more on a fresh one, never more.
func TestAnswersThatArentAny(t *testing.T) {
	t.Parallel()
	half := entryMessage(1, "anna@example.com")
	half = half[:len(half)/2]
	for name, c := range map[string]struct {
		answer func(net.Conn)
		tries  int64
	}{
		"drops in the middle":  {func(c net.Conn) { request(c); _, _ = c.Write(half) }, 2},
		"drops at once":        {func(net.Conn) {}, 2},
		"drops after an entry": {func(c net.Conn) { request(c); _, _ = c.Write(entryMessage(1, "anna@example.com")) }, 2},
		"garbage":              {always(func(byte) []byte { return bytes.Repeat([]byte{0xff, 0x00, 0x9c}, 1000) }), 2},
		"nested too deeply":    {always(func(byte) []byte { return bytes.Repeat([]byte{0x30, 0x80}, 10_000) }), 2},
		"a length too long":    {always(func(byte) []byte { return []byte{0x30, 0x88, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff} }), 2},
		"no operation":         {always(func(id byte) []byte { return message(id) }), 2},
		"an empty operation":   {always(func(id byte) []byte { return message(id, tlv(searchDone)) }), 2},
		"an empty entry":       {always(func(id byte) []byte { return message(id, tlv(0x64)) }), 2},
		"busy":                 {always(func(id byte) []byte { return resultMessage(id, searchDone, 51) }), 2},
		"not allowed":          {always(func(id byte) []byte { return resultMessage(id, searchDone, 50) }), 1},
		"a referral":           {always(func(id byte) []byte { return resultMessage(id, searchDone, 10) }), 1},
		"time limit":           {always(func(id byte) []byte { return resultMessage(id, searchDone, 3) }), 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for what := range everyCall(nil) {
				f := startFake(t, c.answer)
				d := open(t, anonymous(t, f.url))
				err := wantFailure(t, everyCall(d)[what], d.options.Timeout)
				if !strings.Contains(err.Error(), f.url) || strings.Contains(err.Error(), "anna") {
					t.Errorf("%s: %v", what, err)
				}
				if got := f.accepted.Load(); got != c.tries {
					t.Errorf("%s: tried %d times: %v", what, got, err)
				}
			}
		})
	}
}

func TestAnswersThatDontCome(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]func(net.Conn){
		"silent":                silent,
		"text":                  always(func(byte) []byte { return []byte("HTTP/1.1 400 Bad Request\r\n\r\n") }),
		"another message":       always(func(id byte) []byte { return resultMessage(id+7, searchDone, 0) }),
		"not a message":         always(func(byte) []byte { return tlv(0x30) }),
		"an entry, and no end":  always(func(id byte) []byte { return entryMessage(id, "anna@example.com") }),
		"a long one that stops": always(func(byte) []byte { return []byte{0x30, 0x84, 0x00, 0x01, 0x00, 0x00, 0x02, 0x01} }),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := startFake(t, answer)
			o := anonymous(t, f.url)
			o.Timeout = 200 * time.Millisecond
			d := open(t, o)
			for what, ask := range everyCall(d) {
				if err := wantFailure(t, ask, pageTimeouts*o.Timeout*2); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%s: %v", what, err)
				}
			}
		})
	}
}

// floods sends a beginning, and one thing over and over.
func floods(begin []byte, what func(id byte) []byte) func(net.Conn) {
	return func(c net.Conn) {
		id, ok := request(c)
		_, _ = c.Write(begin)
		many := bytes.Repeat(what(id), 100)
		for ok {
			_, err := c.Write(many)
			ok = err == nil
		}
	}
}

func TestAnswersThatDontEnd(t *testing.T) {
	t.Parallel()
	all := []string{"account", "search", "walk", "ping"}
	long := []byte{0x30, 0x84, 0x7f, 0xff, 0xff, 0xff} // a message of 2 GiB
	empty := func(id byte) []byte { return pageEnd(id, "more") }
	for name, c := range map[string]struct {
		answer func(net.Conn)
		calls  []string
		want   string
	}{
		"entries":     {floods(nil, func(id byte) []byte { return entryMessage(id, "anna@example.com") }), all, errTooMuch.Error()},
		"references":  {floods(nil, func(id byte) []byte { return message(id, tlv(0x73, octets("ldap://stranger.example"))) }), []string{"account", "walk"}, errTooMuch.Error()},
		"an entry":    {floods(long, func(byte) []byte { return bytes.Repeat([]byte{0x04, 0x00}, 500) }), []string{"account"}, errTooMuch.Error()},
		"a value":     {floods(append(long, 0x04, 0x84, 0x7f, 0xff, 0xff, 0xff), func(byte) []byte { return make([]byte, 1000) }), all, errTooMuch.Error()},
		"empty pages": {always(empty), []string{"walk", "search"}, "its pages are empty"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, what := range c.calls {
				f := startFake(t, c.answer)
				o := anonymous(t, f.url)
				o.Timeout = time.Minute
				d := open(t, o)
				if err := wantFailure(t, everyCall(d)[what], o.Timeout); !strings.Contains(err.Error(), c.want) {
					t.Errorf("%s: %v", what, err)
				}
				if got := f.accepted.Load(); got != 1 {
					t.Errorf("%s: tried %d times", what, got)
				}
			}
		})
	}
}

// A fresh connection that drops leads to the next server within the call, and a
// server that is busy does too.
func TestServerThatDropsConnectionsGivesWayToTheNext(t *testing.T) {
	t.Parallel()
	s := testkit.StartSlapd(t, testkit.SlapdOptions{LDIF: openldapEntries})
	drops := startFake(t, func(net.Conn) {})
	busy := startFake(t, always(func(id byte) []byte { return resultMessage(id, bindDone, 51) }))
	for _, f := range []*fake{drops, busy} {
		o := reader(t, s, "openldap")
		o.Servers = []string{f.url, s.URL}
		d := open(t, o)
		wantAccount(t, d, "anna@example.com", anna)
		wantAccount(t, d, "anna@example.com", anna)
		if got := f.accepted.Load(); got != 1 {
			t.Errorf("the first was asked %d times", got)
		}
	}
}

// A password that is refused isn't tried with every request: the reader would be
// locked out.
func TestRefusedPasswordIsntTriedOverAndOver(t *testing.T) {
	t.Parallel()
	f := startFake(t, always(func(id byte) []byte { return resultMessage(id, bindDone, 49) }))
	clock := &clock{}
	o := anonymous(t, f.url)
	o.BindDN, o.Password, o.Now = "cn=reader", "secret", clock.now
	d := open(t, o)
	for range 10 {
		if err := wantFailure(t, d.Ping, 0); !strings.Contains(err.Error(), "cannot bind as the configured reader: it answers 49") {
			t.Error(err)
		}
	}
	if got := f.accepted.Load(); got != 1 {
		t.Errorf("it was tried %d times", got)
	}
	clock.advance(refusedFor)
	_ = wantFailure(t, d.Ping, 0)
	if got := f.accepted.Load(); got != 2 {
		t.Errorf("after a while, it was tried %d times", got)
	}
}

// Active Directory's way with very many values.
func TestValuesInRanges(t *testing.T) {
	t.Parallel()
	f := startFake(t, always(func(id byte) []byte {
		attribute := func(name, value string) []byte { return tlv(0x30, octets(name), tlv(0x31, octets(value))) }
		entry := message(id, tlv(0x64, octets("cn=x"), tlv(0x30, attribute("MAIL", "anna@example.com"), attribute("memberOf;range=0-1499", "cn=a,dc=x"), attribute("memberOfAll", "b"))))
		return append(entry, resultMessage(id, searchDone, 0)...)
	}))
	wantAccount(t, open(t, anonymous(t, f.url)), "anna@example.com", policy.Account{Address: annaAddress, Groups: []string{"a"}})
}

// Pages can't be gone on with on another connection, and what each has seen must
// not come again.
func TestWalkThatIsCutIsntBegunAgain(t *testing.T) {
	t.Parallel()
	f := startFake(t, func(c net.Conn) {
		id, _ := request(c)
		_, _ = c.Write(append(entryMessage(id, "anna@example.com"), pageEnd(id, "more")...))
		request(c)
	})
	d := open(t, anonymous(t, f.url))
	seen := 0
	err := d.Walk(t.Context(), func(policy.Account) error { seen++; return nil })
	if err == nil || seen != 1 || f.accepted.Load() != 1 {
		t.Errorf("%d were seen in %d tries: %v", seen, f.accepted.Load(), err)
	}
}
