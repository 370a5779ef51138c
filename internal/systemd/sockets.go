package systemd

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
)

// firstDescriptor is where the passed sockets begin (sd_listen_fds(3)).
const firstDescriptor = 3

// maxSockets is far more than a service has listeners.
const maxSockets = 64

// Sockets are the listening sockets that systemd passed to this process, by the names of
// FileDescriptorName= in their units. Without names, systemd uses the unit's name.
func Sockets(getenv func(string) string, pid int) (map[string]net.Listener, error) {
	if of := getenv("LISTEN_PID"); of == "" || of != strconv.Itoa(pid) {
		return nil, nil
	}
	count, err := strconv.Atoi(getenv("LISTEN_FDS"))
	if err != nil || count < 0 || count > maxSockets {
		return nil, fmt.Errorf("LISTEN_FDS: %q isn't a number of sockets", getenv("LISTEN_FDS"))
	}
	names := strings.Split(getenv("LISTEN_FDNAMES"), ":")
	sockets := map[string]net.Listener{}
	for i := range count {
		name := ""
		if i < len(names) {
			name = names[i]
		}
		if err := take(sockets, firstDescriptor+i, name); err != nil {
			for _, taken := range sockets {
				_ = taken.Close()
			}
			return nil, err
		}
	}
	return sockets, nil
}

func take(sockets map[string]net.Listener, descriptor int, name string) error {
	file := os.NewFile(uintptr(descriptor), name)
	defer func() { _ = file.Close() }() // the listener has a copy
	listener, err := net.FileListener(file)
	if err != nil {
		return fmt.Errorf("the socket %q of systemd isn't one that listens: %w", name, err)
	}
	if sockets[name] != nil {
		_ = listener.Close()
		return fmt.Errorf("systemd passed two sockets called %q", name)
	}
	sockets[name] = listener
	return nil
}
