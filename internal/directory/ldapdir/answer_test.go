package ldapdir

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"autoconfig/internal/directory"
)

// Whatever a server sends, it isn't taken for somebody else's account, and nothing
// hangs or breaks.
func FuzzAnswer(f *testing.F) {
	f.Add(append(entryMessage(1, "anna@example.com"), resultMessage(1, searchDone, 0)...))
	f.Add(append(entryMessage(1, "ben@example.com"), pageEnd(1, "more")...))
	f.Add(resultMessage(1, searchDone, 32))
	f.Add(resultMessage(1, extendedResponse, 0))
	f.Add(message(1, tlv(0x73, octets("ldap://stranger.example"))))
	f.Add([]byte{0x30, 0x80, 0x02, 0x01, 0x01, 0x65, 0x80})
	f.Fuzz(func(t *testing.T, answer []byte) {
		mapping, _ := Preset("openldap")
		d, err := Open(Options{Servers: []string{"ldap://localhost"}, Base: "dc=example", Mapping: mapping})
		if err != nil {
			t.Fatal(err)
		}
		ours, theirs := net.Pipe()
		done := make(chan struct{})
		go func() {
			defer close(done)
			defer theirs.Close()
			if _, ok := request(theirs); ok {
				_, _ = theirs.Write(answer)
			}
		}()
		c := &conn{server: d.servers[0], raw: ours, wire: &wire{Conn: ours}}
		c.wire.left.Store(fewBytes)
		c.ldap = ldap.NewConn(c.wire, false)
		c.ldap.Start()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		account, err := d.account(ctx, c, annaAddress)
		c.close()
		<-done
		switch {
		case ctx.Err() != nil:
			t.Error("it waits for a server that has gone")
		case err == nil && account.Address.Key() != annaAddress.Key() && len(account.Addresses) == 0:
			t.Errorf("somebody else: %+v", account)
		case err != nil && !account.Address.IsZero():
			t.Errorf("an account and an error: %+v, %v", account, err)
		}
		var f *failure
		if err != nil && !errors.Is(err, directory.ErrNotFound) && !errors.As(err, &f) {
			t.Errorf("a failure that nobody can judge: %v", err)
		}
	})
}
