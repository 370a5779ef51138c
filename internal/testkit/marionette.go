package testkit

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// marionette speaks Mozilla's remote protocol: a message is "LENGTH:JSON", a
// command [0, id, name, parameters], its reply [1, id, error, result]. One
// command at a time.
type marionette struct {
	conn   net.Conn
	reader *bufio.Reader
	lastID int
	// version is the program's.
	version string
}

// dialMarionette connects, opens a session and enters the chrome context,
// where the program's own modules can be called.
func dialMarionette(ctx context.Context, addr string) (*marionette, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	m := &marionette{conn: conn, reader: bufio.NewReader(conn)}
	if err := m.begin(ctx); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return m, nil
}

func (m *marionette) begin(ctx context.Context) error {
	defer m.watch(ctx)()
	if _, err := m.read(); err != nil { // the greeting
		return fmt.Errorf("marionette's greeting: %w", err)
	}
	var session struct {
		Capabilities struct {
			BrowserVersion string `json:"browserVersion"`
		} `json:"capabilities"`
	}
	if err := m.call(ctx, "WebDriver:NewSession", map[string]any{}, &session); err != nil {
		return err
	}
	m.version = session.Capabilities.BrowserVersion
	// Without it a script has 30 seconds, whatever the command says.
	timeouts := map[string]any{"script": (30 * time.Minute).Milliseconds()}
	if err := m.call(ctx, "WebDriver:SetTimeouts", timeouts, nil); err != nil {
		return err
	}
	return m.call(ctx, "Marionette:SetContext", map[string]any{"value": "chrome"}, nil)
}

// script runs the body of an asynchronous function with the arguments in
// `arguments` and decodes what it returns into result.
func (m *marionette) script(ctx context.Context, body string, result any, arguments ...any) error {
	// Two layers: Marionette's own error for a throw loses the stack.
	wrapped := `const done = arguments[arguments.length - 1];
		(async () => {` + body + `})().then(
			value => done({ value }),
			error => done({ error: String(error), stack: error?.stack ?? "" }));`
	timeout := 10 * time.Minute
	if deadline, ok := ctx.Deadline(); ok {
		timeout = time.Until(deadline)
	}
	if arguments == nil {
		arguments = []any{}
	}
	var reply struct {
		Value struct {
			Value json.RawMessage
			Error string
			Stack string
		}
	}
	err := m.call(ctx, "WebDriver:ExecuteAsyncScript", map[string]any{
		"script": wrapped, "args": arguments, "sandbox": "system",
		"newSandbox": true, "scriptTimeout": max(timeout.Milliseconds(), 1),
	}, &reply)
	switch {
	case err != nil:
		return err
	case reply.Value.Error != "":
		return fmt.Errorf("%s\n%s", reply.Value.Error, reply.Value.Stack)
	case result == nil:
		return nil
	}
	return json.Unmarshal(reply.Value.Value, result)
}

// call sends one command and decodes its result.
func (m *marionette) call(ctx context.Context, name string, parameters, result any) error {
	defer m.watch(ctx)()
	m.lastID++
	message, err := json.Marshal([]any{0, m.lastID, name, parameters})
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(m.conn, "%d:%s", len(message), message); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	raw, err := m.read()
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	var reply [4]json.RawMessage // kind, id, error, result
	if err := json.Unmarshal(raw, &reply); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if string(reply[1]) != strconv.Itoa(m.lastID) {
		return fmt.Errorf("%s: reply to %s, want %d", name, reply[1], m.lastID)
	}
	if string(reply[2]) != "null" {
		return fmt.Errorf("%s: %s", name, reply[2])
	}
	if result == nil {
		return nil
	}
	return json.Unmarshal(reply[3], result)
}

func (m *marionette) read() ([]byte, error) {
	head, err := m.reader.ReadString(':')
	if err != nil {
		return nil, err
	}
	size, err := strconv.Atoi(strings.TrimSuffix(head, ":"))
	if err != nil || size < 0 || size > 16<<20 {
		return nil, fmt.Errorf("length %q of a message", head)
	}
	message := make([]byte, size)
	_, err = io.ReadFull(m.reader, message)
	return message, err
}

// watch makes reading and writing fail when the context ends, until the
// returned function is called. Afterwards the connection is of no use.
func (m *marionette) watch(ctx context.Context) func() {
	stop := context.AfterFunc(ctx, func() { _ = m.conn.SetDeadline(time.Unix(1, 0)) })
	return func() { stop() }
}

func (m *marionette) close() error { return m.conn.Close() }
