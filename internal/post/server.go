package post

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail/smtp"

	"autoconfig/settings"
)

// Security is how the way to the mail server is secured.
type Security string

// The kinds. None is for a server on this machine.
const (
	TLS      Security = "tls"
	StartTLS Security = "starttls"
	None     Security = "none"
)

// Server is the operator's mail server.
type Server struct {
	Host     string
	Port     int
	Security Security
	// Roots are the authorities that vouch for it; the system's if nil.
	Roots *x509.CertPool
	// Username signs in; "" for nobody. Password is asked for at each sign-in: the file
	// may have changed.
	Username string
	Password func() (string, error)
	From     settings.Address
	// Step bounds each step of the conversation: 30 seconds if 0.
	Step time.Duration
}

// outcome is what came of handing a message over.
type outcome int

const (
	taken outcome = iota + 1
	refused
	later
	nobodyKnows
)

// session is a conversation with the server.
type session struct {
	server Server
	conn   net.Conn
	client *smtp.Client
	run    context.Context // ends when the service does
	forget func() bool
}

// atTheEnd is how long a step may take when the service ends.
const atTheEnd = 5 * time.Second

// open connects, secures the connection and signs in.
func (s Server) open(ctx context.Context) (*session, error) {
	if s.Step == 0 {
		s.Step = 30 * time.Second
	}
	conn, err := s.dial(ctx)
	if err != nil {
		return nil, fmt.Errorf("the mail server %s can't be reached: %w", s.Host, err)
	}
	v := &session{server: s, conn: conn, run: ctx}
	v.forget = context.AfterFunc(ctx, v.hurry)
	v.hurry()
	if err := v.greet(); err != nil {
		v.forget()
		_ = conn.Close()
		return nil, err
	}
	return v, nil
}

func (s Server) dial(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, s.Step)
	defer cancel()
	address := net.JoinHostPort(s.Host, strconv.Itoa(s.Port))
	if s.Security == TLS {
		return (&tls.Dialer{Config: s.tls()}).DialContext(ctx, "tcp", address)
	}
	return (&net.Dialer{}).DialContext(ctx, "tcp", address)
}

func (s Server) tls() *tls.Config {
	return &tls.Config{ServerName: s.Host, RootCAs: s.Roots, MinVersion: tls.VersionTLS12}
}

// greet does what comes before the first message.
func (v *session) greet() (err error) {
	if v.client, err = smtp.NewClient(v.conn, v.server.Host); err != nil {
		return fmt.Errorf("the mail server %s doesn't greet: %w", v.server.Host, err)
	}
	if err := v.client.Hello(v.server.From.Domain()); err != nil {
		return fmt.Errorf("the mail server %s doesn't take our greeting: %w", v.server.Host, err)
	}
	if v.server.Security == StartTLS {
		if offered, _ := v.client.Extension("STARTTLS"); !offered {
			return fmt.Errorf("the mail server %s doesn't offer STARTTLS", v.server.Host)
		}
		if err := v.client.StartTLS(v.server.tls()); err != nil {
			return fmt.Errorf("the way to the mail server %s can't be secured: %w", v.server.Host, err)
		}
	}
	if v.server.Username == "" {
		return nil
	}
	password, err := v.server.Password()
	if err != nil {
		return err
	}
	how, err := v.mechanism(password)
	if err != nil {
		return err
	}
	if err := v.client.Auth(how); err != nil {
		return fmt.Errorf("the mail server %s refuses our sign-in: %w", v.server.Host, err)
	}
	return nil
}

// mechanism is the best one that the server offers.
func (v *session) mechanism(password string) (smtp.Auth, error) {
	_, offered := v.client.Extension("AUTH")
	s := v.server
	for _, word := range strings.Fields("SCRAM-SHA-256 PLAIN LOGIN") {
		if !containsWord(offered, word) {
			continue
		}
		switch word {
		case "SCRAM-SHA-256":
			return smtp.ScramSHA256Auth(s.Username, password), nil
		case "PLAIN":
			return smtp.PlainAuth("", s.Username, password, s.Host, false), nil
		default:
			return smtp.LoginAuth(s.Username, password, s.Host, false), nil
		}
	}
	return nil, fmt.Errorf("the mail server %s offers none of SCRAM-SHA-256, PLAIN and LOGIN to sign in by, but %q",
		s.Host, offered)
}

func containsWord(list, word string) bool {
	for _, w := range strings.Fields(list) {
		if strings.EqualFold(w, word) {
			return true
		}
	}
	return false
}

// hurry gives the next step its time.
func (v *session) hurry() {
	step := v.server.Step
	if v.run.Err() != nil {
		step = min(step, atTheEnd)
	}
	_ = v.conn.SetDeadline(time.Now().Add(step))
}

// give hands a message over. mine is asked just before the last bytes are sent: if it
// says no, they aren't. What the outcome isn't taken by, the error tells.
func (v *session) give(to string, raw []byte, mine func() (bool, error)) (outcome, error) {
	v.hurry()
	v.client.SkipSMTPUTF8(isASCII(to) && isASCII(v.server.From.String())) // not all servers on the way may have it
	for _, step := range []func() error{
		func() error { return v.client.Mail("<" + v.server.From.String() + ">") },
		func() error { return v.client.Rcpt("<" + to + ">") },
	} {
		if err := step(); err != nil {
			return judge(err), err
		}
	}
	if ok, err := mine(); err != nil || !ok {
		return later, err
	}
	v.hurry()
	data, err := v.client.Data()
	if err != nil {
		return judge(err), err
	}
	if _, err := data.Write(raw); err != nil {
		return later, err // without its end it is no message
	}
	err = data.Close()
	if answer := (*textproto.Error)(nil); err != nil && !errors.As(err, &answer) {
		return nobodyKnows, err
	} else if err != nil {
		return judge(err), err
	}
	return taken, nil
}

// judge tells what an answer of the server means: 5xx is for good (RFC 5321, 4.2.1).
func judge(err error) outcome {
	if answer := (*textproto.Error)(nil); errors.As(err, &answer) && answer.Code >= 500 {
		return refused
	}
	return later
}

// again makes the session ready for another message.
func (v *session) again() error {
	v.hurry()
	return v.client.Reset()
}

func (v *session) close() {
	v.forget()
	v.hurry()
	_ = v.client.Quit()
	_ = v.conn.Close()
}

func isASCII(s string) bool { return !strings.ContainsFunc(s, func(r rune) bool { return r > 127 }) }
