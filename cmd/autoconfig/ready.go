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
)

// readyTimeout is for the whole question; container health checks have 30 seconds by default.
const readyTimeout = 5 * time.Second

type readyCmd struct {
	jsonFlag
}

func (readyCmd) Help() string {
	return `Asks /readyz of the service that runs with this configuration, on its private listener.
Exit status 0: it answers, perhaps with problems, which are listed; 1: it is stopping, or
isn't there. For health checks of containers, where there is no other program.

Example:
  autoconfig ready --config /etc/autoconfig/autoconfig.yaml`
}

// readiness is the part of /readyz that is shown.
type readiness struct {
	Status   string `json:"status"`
	Problems []struct {
		Code string `json:"code"`
		What string `json:"what"`
	} `json:"problems"`
}

// Run asks the service on its private listener.
func (r *readyCmd) Run(c *call) error {
	process, err := readProcess(c.configFile)
	if err != nil {
		return err
	}
	host := process.AdminListen.Host
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	url := "http://" + net.JoinHostPort(host, fmt.Sprint(process.AdminListen.Port)) + "/readyz"
	ctx, cancel := context.WithTimeout(c, readyTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return refusal{fmt.Errorf("no service answers there: %w", err)}
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err != nil {
		return err
	}
	if r.JSON {
		c.printf("%s\n", strings.TrimSpace(string(body)))
	} else if err := r.print(c, url, body); err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return errFinding
	}
	return nil
}

func (r *readyCmd) print(c *call, url string, body []byte) error {
	var said readiness
	if err := json.Unmarshal(body, &said); err != nil || said.Status == "" {
		return refusal{fmt.Errorf("%s isn't this service: %.80q", url, body)}
	}
	c.printf("%s\n", said.Status)
	for _, p := range said.Problems {
		c.printf("  %s  %s\n", p.Code, p.What)
	}
	return nil
}
