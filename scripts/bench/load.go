package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"
)

// clients ask at once, each on a connection that is kept.
const clients = 32

// sample is what one server did in one round.
type sample struct {
	perSecond float64
	micros    float64 // of processor time for a request
	p99       time.Duration
}

// request writes the next request of a client.
type request func(to []byte, r *rand.Rand) []byte

// ask asks a server for some time, as fast as it can; pause keeps each client waiting
// between two requests, and the latency is what counts.
func ask(s *server, c *benchCase, howLong, pause time.Duration) (sample, error) {
	before, err := s.processorTime()
	if err != nil {
		return sample{}, err
	}
	var group sync.WaitGroup
	counts, took, failures := make([]int, clients), make([][]time.Duration, clients), make([]error, clients)
	began := time.Now()
	for i := range clients {
		group.Go(func() {
			a := &asker{server: s, of: c, random: rand.New(rand.NewPCG(rand.Uint64(), uint64(i))), until: began.Add(howLong), pause: pause}
			counts[i], failures[i] = a.run()
			took[i] = a.took
		})
	}
	group.Wait()
	seconds := time.Since(began).Seconds()
	after, err := s.processorTime()
	if err := errors.Join(append(failures, err)...); err != nil {
		return sample{}, fmt.Errorf("%s, %s: %w", c.name, s.name, err)
	}
	n, latencies := 0, slices.Concat(took...)
	for _, count := range counts {
		n += count
	}
	slices.Sort(latencies)
	result := sample{perSecond: float64(n) / seconds, micros: float64((after - before).Microseconds()) / float64(max(n, 1))}
	if len(latencies) > 0 {
		result.p99 = latencies[len(latencies)*99/100]
	}
	return result, nil
}

// asker is one client.
type asker struct {
	server *server
	of     *benchCase
	random *rand.Rand
	until  time.Time
	pause  time.Duration
	took   []time.Duration
}

func (a *asker) run() (count int, err error) {
	var conn net.Conn
	var in *bufio.Reader
	var text []byte
	if a.pause > 0 {
		time.Sleep(time.Duration(a.random.Int64N(int64(a.pause))))
	}
	for time.Now().Before(a.until) {
		if conn == nil {
			if conn, err = a.dial(); err != nil {
				return count, err
			}
			in = bufio.NewReader(conn)
		}
		text = a.of.request(text[:0], a.random)
		asked := time.Now()
		if _, err = conn.Write(text); err == nil {
			err = readAnswer(in, a.of.status)
		}
		if err != nil {
			_ = conn.Close()
			return count, err
		}
		count++
		if a.pause > 0 {
			a.took = append(a.took, time.Since(asked))
			time.Sleep(a.pause)
		}
		if a.of.anew {
			_ = conn.Close()
			conn = nil
		}
	}
	if conn != nil {
		_ = conn.Close()
	}
	return count, nil
}

func (a *asker) dial() (net.Conn, error) {
	conn, err := net.Dial("tcp", a.server.address)
	if err != nil || !a.server.tls {
		return conn, err
	}
	name := "autoconfig." + domainName(a.random.IntN(domains))
	secure := tls.Client(conn, &tls.Config{ServerName: name, InsecureSkipVerify: true})
	return secure, secure.Handshake()
}

// readAnswer passes over an answer, and refuses any but that of a status.
func readAnswer(in *bufio.Reader, status string) error {
	length, chunked := 0, false
	for first := true; ; first = false {
		line, err := in.ReadSlice('\n')
		switch {
		case err != nil:
			return err
		case first && !bytes.HasPrefix(line, []byte("HTTP/1.1 "+status)):
			return fmt.Errorf("answered %q", line)
		case bytes.HasPrefix(line, []byte("Content-Length: ")):
			if length, err = strconv.Atoi(string(bytes.TrimSpace(line[len("Content-Length: "):]))); err != nil {
				return err
			}
		case bytes.HasPrefix(line, []byte("Transfer-Encoding: chunked")):
			chunked = true
		}
		if len(line) == 2 {
			break
		}
	}
	if !chunked {
		_, err := in.Discard(length)
		return err
	}
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return err
		}
		size, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 16, 32)
		if err != nil {
			return err
		}
		if _, err := io.CopyN(io.Discard, in, size+2); err != nil || size == 0 {
			return err
		}
	}
}
