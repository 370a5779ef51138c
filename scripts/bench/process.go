package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// server is a process that is asked.
type server struct {
	name, address string
	tls           bool
	pid           int
	end           func()
}

// startServer starts a program on the servers' processor, and waits until it listens.
func startServer(name, address string, secure bool, folder string, command ...string) (*server, error) {
	if taskset, err := exec.LookPath("taskset"); err == nil {
		command = append([]string{taskset, "-c", serverCore}, command...)
	}
	said := &bytes.Buffer{}
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = folder, said, said
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	var failed error
	ended := make(chan struct{})
	go func() {
		failed = cmd.Wait()
		close(ended)
	}()
	s := &server{name: name, address: address, tls: secure, pid: cmd.Process.Pid}
	s.end = sync.OnceFunc(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			_ = cmd.Process.Kill()
		}
	})
	for began := time.Now(); time.Since(began) < time.Minute; time.Sleep(time.Millisecond) {
		select {
		case <-ended:
			return nil, fmt.Errorf("%s ended: %w\n%s", name, failed, said)
		default:
		}
		if conn, err := net.Dial("tcp", address); err == nil {
			_ = conn.Close()
			return s, nil
		}
	}
	s.end()
	return nil, fmt.Errorf("%s doesn't listen\n%s", name, said)
}

// processorTime is what a process has used.
func (s *server) processorTime() (time.Duration, error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(s.pid) + "/stat")
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(fields) < 13 {
		return 0, errors.New("/proc/PID/stat can't be read")
	}
	var ticks int64
	for _, field := range fields[11:13] { // user and system, in hundredths of a second
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond, nil
}

// memoryMB is the resident memory of a process.
func (s *server) memoryMB() (float64, error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(s.pid) + "/statm")
	if err != nil {
		return 0, err
	}
	pages, err := strconv.ParseFloat(strings.Fields(string(text))[1], 64)
	return pages * float64(os.Getpagesize()) / 1e6, err
}

// freeAddress is one of loopback that nobody listens at.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// quietFor is how long is waited for a quiet machine, at most, before a round.
const quietFor = 3 * time.Second

// waitForQuiet waits until nobody else needs the processors. It tells how busy they were
// when it went on.
func waitForQuiet() float64 {
	busy := 0.0
	for began := time.Now(); time.Since(began) < quietFor; {
		before, total := processors()
		time.Sleep(100 * time.Millisecond)
		after, sum := processors()
		if busy = float64(after-before) / max(float64(sum-total), 1); busy < 0.1 {
			break
		}
	}
	return busy
}

// processors are the ticks in which all of them worked, and all ticks.
func processors() (busy, total int64) {
	text, _ := os.ReadFile("/proc/stat") // elsewhere nobody knows
	line, _, _ := strings.Cut(string(text), "\n")
	for i, field := range strings.Fields(line) {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			continue
		}
		total += n
		if i != 4 && i != 5 { // idle, and waiting for a disk
			busy += n
		}
	}
	return busy, total
}
