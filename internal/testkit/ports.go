package testkit

import (
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
	"testing"
)

// FreePort is a port of 127.0.0.1 that nobody has and nobody takes until the test
// ends, for a server that can't be asked which one it was given, or for none at all.
func FreePort(t testing.TB) string {
	t.Helper()
	port, release, err := reservePort()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	return port
}

// FreeAddress is host:port of a [FreePort].
func FreeAddress(t testing.TB) string {
	t.Helper()
	return net.JoinHostPort("127.0.0.1", FreePort(t))
}

// reservePort finds a port that is free for packets and streams. The system gives none
// of these numbers to outgoing connections or to those that ask for any port, and other
// tests see by a socket of that name, which ends with the process, that it is taken.
func reservePort() (port string, release func(), err error) {
	for range 1000 {
		port := strconv.Itoa(16000 + rand.IntN(16000))
		mark, err := net.Listen("unix", "@autoconfig-testkit-port-"+port)
		if err != nil {
			continue
		}
		if isFree(net.JoinHostPort("127.0.0.1", port)) {
			return port, func() { _ = mark.Close() }, nil
		}
		_ = mark.Close()
	}
	return "", nil, errors.New("no port is free")
}

func isFree(address string) bool {
	stream, err := net.Listen("tcp", address)
	if err != nil {
		return false
	}
	defer func() { _ = stream.Close() }()
	packets, err := net.ListenPacket("udp", address)
	if err != nil {
		return false
	}
	return packets.Close() == nil
}
