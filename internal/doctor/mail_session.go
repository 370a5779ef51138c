package doctor

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"

	"autoconfig/settings"
)

// Bounds of what a server may send.
const (
	maxLine  = 4096
	maxLines = 100
)

// mailSession is a session with a mail server, in which no credential is sent.
type mailSession struct {
	protocol   settings.Protocol
	connection net.Conn
	reader     *bufio.Reader
	tag        int
}

// offers are a server's capabilities.
type offers struct {
	raw        string
	starttls   bool
	mechanisms []string
	// passwords is set if it accepts one now.
	passwords bool
}

// has reports whether an authentication is offered. Passwords may also be accepted by plain
// commands: LOGIN in IMAP, USER in POP3.
func (o offers) has(a settings.Auth) bool {
	if slices.ContainsFunc(o.mechanisms, func(m string) bool { return strings.EqualFold(m, string(a)) }) {
		return true
	}
	return o.passwords && (a == settings.AuthPlain || a == settings.AuthLogin)
}

func newMailSession(p settings.Protocol, c net.Conn) *mailSession {
	return &mailSession{protocol: p, connection: c, reader: bufio.NewReaderSize(c, maxLine)}
}

// secured continues over TLS. Buffered plaintext is dropped.
func (t *mailSession) secured(c net.Conn) {
	t.connection = c
	t.reader = bufio.NewReaderSize(c, maxLine)
}

// begin reads the greeting and asks for the capabilities.
func (t *mailSession) begin() (offers, error) {
	switch t.protocol {
	case settings.IMAP:
		line, err := t.line()
		if err != nil || !strings.HasPrefix(line, "* OK") && !strings.HasPrefix(line, "* PREAUTH") {
			return offers{}, unexpected(line, err)
		}
	case settings.POP3:
		line, err := t.line()
		if err != nil || !strings.HasPrefix(line, "+OK") {
			return offers{}, unexpected(line, err)
		}
	default:
		if lines, err := t.smtp(""); err != nil {
			return offers{}, unexpected(strings.Join(lines, " "), err)
		}
	}
	return t.ask()
}

// ask asks for the current capabilities.
func (t *mailSession) ask() (offers, error) {
	switch t.protocol {
	case settings.IMAP:
		return t.askIMAP()
	case settings.POP3:
		return t.askPOP3()
	}
	return t.askSMTP()
}

func (t *mailSession) askIMAP() (offers, error) {
	lines, err := t.imap("CAPABILITY")
	var words []string
	for _, line := range lines {
		if rest, ok := strings.CutPrefix(line, "* CAPABILITY "); ok {
			words = strings.Fields(strings.ToUpper(rest))
		}
	}
	o := offers{
		raw:       strings.Join(words, " "),
		starttls:  slices.Contains(words, "STARTTLS"),
		passwords: !slices.Contains(words, "LOGINDISABLED"),
	}
	for _, w := range words {
		if m, ok := strings.CutPrefix(w, "AUTH="); ok {
			o.mechanisms = append(o.mechanisms, m)
		}
	}
	o.passwords = o.passwords || takesPasswords(o.mechanisms)
	return o, err
}

func (t *mailSession) askPOP3() (offers, error) {
	lines, err := t.pop3("CAPA")
	o := offers{raw: strings.Join(lines, ", ")}
	for _, line := range lines {
		words := strings.Fields(strings.ToUpper(line))
		switch {
		case len(words) == 0:
		case words[0] == "STLS":
			o.starttls = true
		case words[0] == "USER":
			o.passwords = true
		case words[0] == "SASL":
			o.mechanisms = words[1:]
		}
	}
	o.passwords = o.passwords || takesPasswords(o.mechanisms)
	return o, err
}

func (t *mailSession) askSMTP() (offers, error) {
	lines, err := t.smtp("EHLO check.invalid")
	o := offers{raw: strings.Join(lines, ", ")}
	for _, line := range lines {
		words := strings.Fields(strings.ToUpper(strings.ReplaceAll(line, "AUTH=", "AUTH ")))
		switch {
		case len(words) == 0:
		case words[0] == "STARTTLS":
			o.starttls = true
		case words[0] == "AUTH":
			o.mechanisms = append(o.mechanisms, words[1:]...)
		}
	}
	o.passwords = takesPasswords(o.mechanisms)
	return o, err
}

func takesPasswords(mechanisms []string) bool {
	return slices.Contains(mechanisms, "PLAIN") || slices.Contains(mechanisms, "LOGIN")
}

// starttls sends the command that starts TLS.
func (t *mailSession) starttls() error {
	var err error
	switch t.protocol {
	case settings.IMAP:
		_, err = t.imap("STARTTLS")
	case settings.POP3:
		var line string
		if err = t.send("STLS"); err == nil {
			if line, err = t.line(); err == nil && !strings.HasPrefix(line, "+OK") {
				err = unexpected(line, nil)
			}
		}
	default:
		_, err = t.smtp("STARTTLS")
	}
	return err
}

// imap sends a command and reads the responses to its end.
func (t *mailSession) imap(command string) ([]string, error) {
	t.tag++
	tag := fmt.Sprintf("c%d ", t.tag)
	if err := t.send(tag + command); err != nil {
		return nil, err
	}
	var lines []string
	for range maxLines {
		line, err := t.line()
		if err != nil {
			return lines, err
		}
		if rest, ok := strings.CutPrefix(line, tag); ok {
			if !strings.HasPrefix(strings.ToUpper(rest), "OK") {
				return lines, unexpected(line, nil)
			}
			return lines, nil
		}
		lines = append(lines, line)
	}
	return lines, errors.New("too many lines")
}

// pop3 sends a command with a multi-line response.
func (t *mailSession) pop3(command string) ([]string, error) {
	if err := t.send(command); err != nil {
		return nil, err
	}
	line, err := t.line()
	if err != nil || !strings.HasPrefix(line, "+OK") {
		return nil, unexpected(line, err)
	}
	var lines []string
	for range maxLines {
		line, err := t.line()
		if err != nil || line == "." {
			return lines, err
		}
		lines = append(lines, line)
	}
	return lines, errors.New("too many lines")
}

// smtp sends a command, unless it is empty, and reads a 2xx reply. Codes are removed, and so
// is the first line of a multi-line reply.
func (t *mailSession) smtp(command string) ([]string, error) {
	if command != "" {
		if err := t.send(command); err != nil {
			return nil, err
		}
	}
	var lines []string
	for range maxLines {
		line, err := t.line()
		if err != nil || len(line) < 4 && len(line) != 3 || line[0] != '2' {
			return lines, unexpected(line, err)
		}
		if len(line) == 3 || line[3] == ' ' {
			if len(lines) > 0 || command != "" && len(line) > 4 {
				lines = append(lines, strings.TrimSpace(line[3:]))
			}
			return lines[min(1, len(lines)):], nil
		}
		lines = append(lines, line[4:])
	}
	return lines, errors.New("too many lines")
}

func (t *mailSession) send(command string) error {
	_, err := io.WriteString(t.connection, command+"\r\n")
	return err
}

func (t *mailSession) line() (string, error) {
	line, err := t.reader.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		return "", errors.New("a line is longer than 4096 bytes")
	}
	return printable(strings.TrimRight(string(line), "\r\n")), err
}

// printable makes a server's text harmless for terminals and logs.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\uFFFD' {
			return '?'
		}
		return r
	}, text)
}

func unexpected(line string, err error) error {
	var timeout net.Error
	switch {
	case errors.As(err, &timeout) && timeout.Timeout():
		return errors.New("it says nothing")
	case err != nil && line == "":
		return fmt.Errorf("it closes the connection: %w", err)
	}
	const most = 200
	return fmt.Errorf("it says %.*q", most, line)
}
