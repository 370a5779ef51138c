package ldapdir

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"autoconfig/internal/testkit"
)

func TestMain(m *testing.M) { os.Exit(testkit.Run(m)) }

// fake is a server that answers each connection as a test likes.
type fake struct {
	url      string
	accepted atomic.Int64
	open     atomic.Int64
	most     atomic.Int64 // that were open at once

	mu    sync.Mutex
	conns []net.Conn
}

func startFake(t testing.TB, answer func(net.Conn)) *fake {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{url: "ldap://" + listener.Addr().String()}
	var group sync.WaitGroup
	group.Go(func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			f.accepted.Add(1)
			if now := f.open.Add(1); now > f.most.Load() {
				f.most.Store(now) // only this goroutine writes it
			}
			f.mu.Lock()
			f.conns = append(f.conns, c)
			f.mu.Unlock()
			group.Go(func() {
				defer f.open.Add(-1)
				defer c.Close()
				answer(c)
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		f.dropAll()
		group.Wait()
	})
	return f
}

// dropAll closes the connections that there are.
func (f *fake) dropAll() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.conns {
		_ = c.Close()
	}
	f.conns = nil
}

// relayTo answers as another server does.
func relayTo(address string) func(net.Conn) {
	return func(c net.Conn) {
		upstream, err := net.Dial("tcp", address)
		if err != nil {
			return
		}
		var group sync.WaitGroup
		for _, pair := range [][2]net.Conn{{c, upstream}, {upstream, c}} {
			group.Go(func() {
				_, _ = io.Copy(pair[0], pair[1])
				_, _ = pair[0].Close(), pair[1].Close()
			})
		}
		group.Wait()
	}
}

// tlv is one element in BER, with the long form of its length.
func tlv(tag byte, parts ...[]byte) []byte {
	content := []byte{}
	for _, part := range parts {
		content = append(content, part...)
	}
	n := len(content)
	return append([]byte{tag, 0x84, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}, content...)
}

func octets(text string) []byte { return tlv(0x04, []byte(text)) }

func message(id byte, parts ...[]byte) []byte {
	return tlv(0x30, append([][]byte{tlv(0x02, []byte{id})}, parts...)...)
}

// entryMessage is an entry with an address.
func entryMessage(id byte, address string) []byte {
	attribute := tlv(0x30, octets("mail"), tlv(0x31, octets(address)))
	return message(id, tlv(0x64, octets("cn=x"), tlv(0x30, attribute)))
}

// resultMessage is the end of an answer of a kind.
func resultMessage(id, kind, code byte) []byte {
	return message(id, tlv(kind, tlv(0x0a, []byte{code}), octets(""), octets("")))
}

// pageEnd is the end of a page, with more to come if there is a cookie.
func pageEnd(id byte, cookie string) []byte {
	control := tlv(0x30, octets("1.2.840.113556.1.4.319"), tlv(0x04, tlv(0x30, tlv(0x02, []byte{0}), octets(cookie))))
	return message(id, tlv(searchDone, tlv(0x0a, []byte{0}), octets(""), octets("")), tlv(0xa0, control))
}

const (
	bindDone         = 0x61
	searchDone       = 0x65
	extendedResponse = 0x78
)

// request reads one request, and gives its number; false at the end.
func request(c net.Conn) (id byte, ok bool) {
	packet := make([]byte, 64<<10) // what is asked for comes in one piece on this machine
	n, err := c.Read(packet)
	if err != nil || n < 5 || packet[0] != 0x30 {
		return 0, false
	}
	at := 2
	if packet[1]&0x80 != 0 {
		at += int(packet[1] & 0x7f)
	}
	if at+2 >= n {
		return 0, false
	}
	return packet[at+2], true
}

// always answers every request with some bytes.
func always(answer func(id byte) []byte) func(net.Conn) {
	return func(c net.Conn) {
		for {
			id, ok := request(c)
			if !ok {
				return
			}
			if _, err := c.Write(answer(id)); err != nil {
				return
			}
		}
	}
}

// silent never answers.
func silent(c net.Conn) { _, _ = io.Copy(io.Discard, c) }

var errWrong = errors.New("it has an answer")
