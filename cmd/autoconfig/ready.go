package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"autoconfig/internal/operator"
)

// readyTimeout is for the whole question; container health checks have 30 seconds by default.
const readyTimeout = 5 * time.Second

type readyCmd struct {
	jsonFlag
}

func (readyCmd) Help() string {
	return `Asks /readyz of the service that runs with this configuration, on its private listener.
The exit status is 0 if it answers, even with problems, which are listed, and 1 if it is
stopping or not running. It is meant for health checks in containers that have no other
program.

Example:
  autoconfig ready --config /etc/autoconfig/autoconfig.yaml`
}

// readiness is the part of /readyz that is shown.
type readiness struct {
	Status    string             `json:"status"`
	PublicURL string             `json:"public_url"`
	Problems  []operator.Problem `json:"problems"`

	ready bool // by the answer's status
	url   string
	body  []byte
}

// Run asks the service on its private listener.
func (r *readyCmd) Run(c *call) error {
	process, err := readProcess(c.configFile)
	if err != nil {
		return err
	}
	said, err := process.askReady(c)
	if err != nil {
		return refusal{err}
	}
	if r.JSON {
		c.printf("%s\n", strings.TrimSpace(string(said.body)))
	} else {
		said.print(c)
	}
	if !said.ready {
		return errFinding
	}
	return nil
}

// askReady asks /readyz of the service that runs with this configuration.
func (s configuration) askReady(ctx context.Context) (said readiness, err error) {
	said.url = s.privateURL() + "/readyz"
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, said.url, nil)
	if err != nil {
		return said, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return said, fmt.Errorf("no service answers there: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	if said.body, err = io.ReadAll(io.LimitReader(answer.Body, 1<<20)); err != nil {
		return said, err
	}
	said.ready = answer.StatusCode == http.StatusOK
	if err := json.Unmarshal(said.body, &said); err != nil || said.Status == "" {
		return said, fmt.Errorf("%s isn't this service: %.80q", said.url, said.body)
	}
	return said, nil
}

// privateURL is where the service's private listener is reached from this machine.
func (s configuration) privateURL() string {
	host := s.AdminListen.Host
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, fmt.Sprint(s.AdminListen.Port))
}

func (r readiness) print(c *call) {
	c.printf("%s\n", r.Status)
	for _, p := range r.Problems {
		c.printf("  %s  %s\n", p.Code, p.What)
	}
}
