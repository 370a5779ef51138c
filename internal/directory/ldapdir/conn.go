package ldapdir

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-ldap/ldap/v3"
)

// Limits on the bytes that a server may send before its connection is closed. For an
// element of two bytes, the library allocates about a hundred.
const (
	fewBytes  = 1 << 20  // an account's entries, or a greeting
	pageBytes = 4 << 20  // a page of pageEntries
	idleBytes = 64 << 10 // unasked
)

// conn is a connection, used by one call at a time.
type conn struct {
	server *server
	raw    net.Conn // below TLS
	wire   *wire
	ldap   *ldap.Conn
	broken bool // it can't be used again
	reused bool // it has been idle
	idleAt time.Time
}

// wire limits how much is read from a connection.
type wire struct {
	net.Conn
	left atomic.Int64 // bytes that may still come
}

var errTooMuch = errors.New("it sends more data than a directory of people has")

func (w *wire) Read(p []byte) (int, error) {
	left := w.left.Load()
	if left <= 0 {
		return 0, errTooMuch
	}
	if int64(len(p)) > left {
		p = p[:left]
	}
	n, err := w.Conn.Read(p)
	w.left.Add(-int64(n))
	return n, err
}

// failure is the reason why a server couldn't be asked.
type failure struct {
	server *server
	again  bool // another connection or another server may do better
	err    error
}

func (f *failure) Error() string { return "directory server " + f.server.url + ": " + f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// past is a deadline that ends pending reads and writes at once.
var past = time.Unix(1, 0)

// dial connects, encrypts and binds, until ctx ends.
func (d *Source) dial(ctx context.Context, s *server) (*conn, error) {
	again := func(what string, err error) (*conn, error) {
		if ended := ctx.Err(); ended != nil {
			return nil, &failure{s, true, fmt.Errorf("%s: no answer in time: %w", what, ended)}
		}
		return nil, &failure{s, true, fmt.Errorf("%s: %w", what, err)}
	}
	if r := s.refusal.Load(); r != nil && d.now().Sub(r.at) < refusedFor {
		return nil, r.err
	}
	raw, err := (&net.Dialer{}).DialContext(ctx, "tcp", s.address)
	if err != nil {
		return again("cannot connect", err)
	}
	secured := raw
	if s.ldaps {
		client := tls.Client(raw, s.tls)
		if err := client.HandshakeContext(ctx); err != nil {
			_ = raw.Close()
			return again("TLS", explainTLS(err))
		}
		secured = client
	}
	c := &conn{server: s, raw: raw, wire: &wire{Conn: secured}}
	c.wire.left.Store(fewBytes)
	c.ldap = ldap.NewConn(c.wire, s.ldaps)
	c.ldap.Start()
	if s.startTLS {
		err := c.ask(ctx, fewBytes, func() error { return c.ldap.StartTLS(s.tls) })
		if err != nil {
			c.close()
			return again("StartTLS", explainTLS(answered(err)))
		}
	}
	if d.options.BindDN != "" {
		err := c.ask(ctx, fewBytes, func() error { return c.ldap.Bind(d.options.BindDN, d.options.Password) })
		if err != nil {
			c.close()
			if code, ok := resultCode(err); ok && code != ldap.LDAPResultBusy && code != ldap.LDAPResultUnavailable {
				refused := &failure{s, false, fmt.Errorf("cannot bind as the configured reader: %w", answered(err))}
				if code == ldap.LDAPResultInvalidCredentials {
					s.refusal.Store(&refusal{d.now(), refused})
				}
				return nil, refused
			}
			return again("cannot bind", err)
		}
	}
	return c, nil
}

// close ends the connection, without waiting for the server.
func (c *conn) close() {
	_ = c.raw.Close() // first: the library would wait for what it still writes
	_ = c.ldap.Close()
}

// ask runs one exchange until ctx ends, and bounds the bytes that come.
func (c *conn) ask(ctx context.Context, budget int64, exchange func() error) (err error) {
	if err := ctx.Err(); err != nil {
		return err // nothing was sent
	}
	c.wire.left.Store(budget)
	c.ldap.SetTimeout(patience(ctx))
	stop := context.AfterFunc(ctx, func() { _ = c.wire.SetDeadline(past) })
	defer func() {
		if r := recover(); r != nil { // the library reads what a stranger may have sent
			err = fmt.Errorf("its answer can't be read: %v", r)
			c.broken = true
		}
		if !stop() {
			c.broken = true
		}
		if _, ok := resultCode(err); err != nil && !ok {
			c.broken = true
			if c.wire.left.Load() <= 0 {
				err = errTooMuch
			}
			if ended := ctx.Err(); ended != nil {
				err = ended
			}
		}
		c.wire.left.Store(idleBytes)
	}()
	return exchange()
}

// patience is for the library's own timers. It is longer than the context, which is what
// ends an exchange.
func patience(ctx context.Context) time.Duration {
	const more = time.Second
	if deadline, ok := ctx.Deadline(); ok {
		return max(time.Until(deadline), 0) + more
	}
	return time.Hour
}

// search runs one search. It also returns what was found if the server says that there
// is more ([ldap.LDAPResultSizeLimitExceeded], which isn't an error here).
func (c *conn) search(
	ctx context.Context, budget int64, request *ldap.SearchRequest,
) (result *ldap.SearchResult, more bool, err error) {
	if deadline, ok := ctx.Deadline(); ok {
		request.TimeLimit = int(max(1, math.Ceil(time.Until(deadline).Seconds())))
	}
	request.DerefAliases = ldap.NeverDerefAliases
	request.EnforceSizeLimit = true
	err = c.ask(ctx, budget, func() error {
		result, err = c.ldap.Search(request)
		return err
	})
	code, isAnswer := resultCode(err)
	switch {
	case err == nil:
		return result, false, nil
	case isAnswer && code == ldap.LDAPResultSizeLimitExceeded:
		return result, true, nil
	case isAnswer && code == ldap.LDAPResultNoSuchObject:
		err = fmt.Errorf("there is no entry %q, or the reader may not see it", request.BaseDN)
	case isAnswer && code == ldap.LDAPResultReferral:
		err = fmt.Errorf("it leads to another server for %q, and is not followed: name that server", request.BaseDN)
	case isAnswer:
		again := code == ldap.LDAPResultBusy || code == ldap.LDAPResultUnavailable
		// operationsError is how Active Directory says that nobody has bound
		c.broken = c.broken || again || code == ldap.LDAPResultOperationsError
		return nil, false, &failure{c.server, again, answerOf(code)}
	case errors.Is(err, errTooMuch), errors.Is(err, ldap.ErrSizeLimitExceeded):
		err = errTooMuch
	case ctx.Err() != nil:
		return nil, false, &failure{c.server, true, fmt.Errorf("no answer in time: %w", ctx.Err())}
	default:
		return nil, false, &failure{c.server, true, err}
	}
	return nil, false, &failure{c.server, false, err}
}

// resultCode is what the server has answered, if it has.
func resultCode(err error) (uint16, bool) {
	var coded *ldap.Error
	if errors.As(err, &coded) && coded.ResultCode < ldap.ErrorNetwork {
		return coded.ResultCode, true
	}
	return 0, false
}

// answerOf describes a result code. The server's own text is left out, as it may name
// people.
func answerOf(code uint16) error {
	if text := ldap.LDAPResultCodeMap[code]; text != "" {
		return fmt.Errorf("it answers %d (%s)", code, text)
	}
	return fmt.Errorf("it answers %d", code)
}

// answered reduces an error to the server's result code, if it has one.
func answered(err error) error {
	if code, ok := resultCode(err); ok {
		return answerOf(code)
	}
	return err
}

// explainTLS says what is wrong with a certificate. It parses the error's text, since the
// library keeps nothing else.
func explainTLS(err error) error {
	text := err.Error()
	for _, known := range []struct{ sign, meaning string }{
		{"unknown authority", "its certificate is signed by an authority that isn't trusted: put that one into the CA file"},
		{"has expired", "its certificate has expired, or isn't valid yet"},
		{"certificate is valid for", "its certificate is for another name"},
		{"not valid for any names", "its certificate is for another name"},
		{"any IP SANs", "its certificate is for another name"},
	} {
		if strings.Contains(text, known.sign) {
			return fmt.Errorf("%s: %w", known.meaning, err)
		}
	}
	return err
}
