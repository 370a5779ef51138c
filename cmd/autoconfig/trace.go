package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"autoconfig/internal/operator"
	"autoconfig/settings"
)

// traceEvery is how often a trace that is followed is read.
const traceEvery = time.Second

type traceCmd struct {
	jsonFlag
	Domain  string `arg:"" help:"The domain, or an alias of one."`
	Address string `help:"Only the requests for this address." placeholder:"ADDRESS"`
	Follow  bool   `help:"Go on with what is asked from now on, until Ctrl-C."`
}

func (traceCmd) Help() string {
	return `Shows the last requests of a domain, as the service that runs with this configuration
remembers them: when, the format, what it got, a token of the address, and the kind of
program (a guess by its User-Agent). No address is remembered: the token is the same for the
same address as long as the service runs. Each replica has its own requests. To see why an
address gets its protocol, run: autoconfig explain ADDRESS.

The outcomes are: answered; impossible (this format can't express the account's settings);
unknown (the domain isn't served); refused (the request was wrong); failed (the service
couldn't answer); redirected (from plain http to https).

Examples:
  autoconfig trace example.org
  autoconfig trace example.org --address office@example.org --follow`
}

// Run asks the service on its private listener.
func (t *traceCmd) Run(c *call) error {
	process, err := readProcess(c.configFile)
	if err != nil {
		return err
	}
	domain, err := parseDomain(t.Domain)
	if err != nil {
		return err
	}
	if t.Address != "" {
		if _, err := settings.ParseAddress(t.Address); err != nil {
			return err
		}
	}
	query := url.Values{"domain": {domain}}
	if t.Address != "" {
		query.Set("address", t.Address)
	}
	var last time.Time
	for first := true; ; first = false {
		all, err := process.askTrace(c, query)
		if errors.Is(err, context.Canceled) && !first {
			return nil // Ctrl-C is how it ends
		} else if err != nil {
			return err
		}
		if t.JSON && !t.Follow {
			return c.json(all)
		}
		for _, r := range all {
			if r.At.After(last) {
				t.print(c, r)
				last = r.At
			}
		}
		if !t.Follow {
			if len(all) == 0 {
				c.printf("nothing was asked about %s since the service started\n", domain)
			}
			return nil
		}
		select {
		case <-c.Done():
			return nil
		case <-time.After(traceEvery):
		}
	}
}

func (t *traceCmd) print(c *call, r operator.TracedRequest) {
	if t.JSON {
		_ = c.jsonLine(r) // the output is gone, and the next line says so
		return
	}
	got := r.Outcome
	if r.Protocol != "" {
		got += " " + upper(r.Protocol)
	}
	c.printf("%s  %-17s  %-14s  %-16s  %s\n", r.At.Local().Format("2006-01-02 15:04:05"), r.Format, got, r.Address, r.Name)
}

// askTrace asks the service for a domain's last requests.
func (s configuration) askTrace(ctx context.Context, query url.Values) ([]operator.TracedRequest, error) {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.privateURL()+"/trace?"+query.Encode(), nil)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, refusal{fmt.Errorf("no service answers there: %w", err)}
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(answer.Body, 1<<22))
	if err != nil {
		return nil, err
	}
	if answer.StatusCode == http.StatusNotFound {
		return nil, refusal{fmt.Errorf("%s isn't served here", query.Get("domain"))}
	}
	var said struct {
		Requests []operator.TracedRequest `json:"requests"`
	}
	if err := json.Unmarshal(body, &said); err != nil || answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s %.200q", r.URL.Host, answer.Status, strings.TrimSpace(string(body)))
	}
	return said.Requests, nil
}
