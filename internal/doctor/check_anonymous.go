package doctor

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"autoconfig/clients"
	"autoconfig/internal/doctor/probe"
	"autoconfig/thunderbird"
)

// anonymous is the answer of a URL to a request without an address.
type anonymous struct {
	page probe.Page
	err  error
}

// askWithoutAddress asks where programs ask without an address: a service may require
// one, or answer differently without it.
func (c *check) askWithoutAddress(ctx context.Context) {
	urls := []string{
		"https://" + thunderbird.HostLabel + "." + c.domain + thunderbird.Path,
		"https://" + c.domain + thunderbird.PathWellKnown,
	}
	answers := make([]anonymous, len(urls))
	parallel([]int{0, 1}, func(i int) { answers[i].page, answers[i].err = c.Fetch(ctx, probe.Get(urls[i])) })
	c.anonymous = map[string]anonymous{}
	for i, url := range urls {
		c.anonymous[url] = answers[i]
	}
}

// namesNobody reports whether a program asks without an address.
func namesNobody(program string) bool {
	return slices.ContainsFunc(clients.All(), func(known clients.Client) bool {
		return known.Simulation == program && known.Lookup.Sends == clients.NoAddress
	})
}

// gets reports whether a program sees this page: the answer to a request with an address,
// or the one without if that differs and the program sends none.
func (c *check) gets(program string, p probe.Page) bool {
	url, _, named := strings.Cut(p.Asked, "?")
	alone, known := c.anonymous[url]
	switch {
	case !known || !named:
		return namesNobody(program) || !known
	case alone.err == nil && (alone.page.Status != p.Status || !bytes.Equal(alone.page.Body, p.Body)):
		return !namesNobody(program)
	}
	return true
}

// judgeAnonymous judges the answers without an address that differ from those with one.
func (c *check) judgeAnonymous(got []*place) (more []*place) {
	for _, pl := range got {
		url, _, named := strings.Cut(pl.url, "?")
		alone, known := c.anonymous[url]
		if !named || !known || alone.err != nil || slices.ContainsFunc(pl.readings, func(r programReading) bool {
			return namesNobody(r.program)
		}) {
			continue
		}
		p := alone.page
		switch {
		case isConfig(p.Body):
			more = append(more, c.readConfig(p))
		case p.Status == http.StatusOK:
			more = append(more, c.noDocument(autoconfigPlace, p))
		default:
			nobody := c.readByAll(autoconfigPlace, probe.Page{Asked: p.Asked, Status: http.StatusOK})
			nobody.imap = pl.imap
			if refused := c.refusals(nobody); len(refused) > 0 {
				c.report(Finding{
					Code: HTTPStatus, Subject: p.Asked,
					Seen: fmt.Sprintf("status %d to a request without an address", p.Status) +
						noAccountIn + namesOf(refused) + ")",
					Expected: "the domain's settings, as with an address",
				})
			}
		}
	}
	return more
}
