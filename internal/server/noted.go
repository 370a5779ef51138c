package server

import (
	"errors"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"autoconfig/autodiscover"
	"autoconfig/clients"
	"autoconfig/internal/directory"
	"autoconfig/internal/lookup"
	"autoconfig/internal/trace"
	"autoconfig/internal/web"
	"autoconfig/mobileconfig"
	"autoconfig/settings"
	"autoconfig/thunderbird"
)

// noted is what is remembered of a request for a configuration: counted by the kind of
// program, and kept among the domain's last ones. A known account and an unknown one leave
// the same.
type noted struct {
	format  string
	outcome trace.Outcome
	shape   clients.Shape
	typed   settings.Address
	asked   *directory.Entry // nil where no served domain was asked for
	given   settings.Protocol
}

// become says what became of a request that came as far as a look-up.
func (n *noted) become(a *lookup.Answer, err error) {
	n.asked, n.outcome = a.Asked, outcomeOf(err)
	if err == nil {
		n.given = a.Settings.Decision.Protocol
	}
}

// outcomeOf sorts errors.
func outcomeOf(err error) trace.Outcome {
	is := func(all ...error) bool {
		for _, one := range all {
			if errors.Is(err, one) {
				return true
			}
		}
		return false
	}
	switch {
	case err == nil:
		return trace.Answered
	case is(directory.ErrNotFound):
		return trace.Unknown
	case is(
		thunderbird.ErrLogin, autodiscover.ErrPlaintext, autodiscover.ErrAuth, errNotForThunderbird, mobileconfig.ErrPlaintext,
		mobileconfig.ErrAuth, errNoService,
	):
		return trace.Impossible
	case is(errPostOnly, errNoAddress, errTwoAddresses, errTwoValues, errPlusInFront, errSeparator, web.ErrNoDomainName, settings.ErrAddress):
		return trace.Refused
	}
	return trace.Failed
}

// note remembers it.
func (s *Public) note(c echo.Context, n *noted) {
	r := c.Request()
	n.shape.PostedForm = n.format == formatAutodiscover && r.Method == http.MethodPost &&
		strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded")
	family := clients.FamilyOf(r.UserAgent(), n.shape)
	s.asked.of(family, n.format, n.outcome).Inc()
	if n.asked == nil || s.trace == nil {
		return
	}
	kept := trace.Request{
		At: s.Now(), Client: family, Format: n.format, Outcome: n.outcome, Protocol: n.given,
	}
	if !n.shape.Digest {
		kept.Address = s.trace.Token(n.typed)
	}
	s.trace.Note(n.asked.Terms.Name, kept)
}

// formatsNoted are the formats that are counted.
var formatsNoted = [...]string{formatAutoconfig, formatAutodiscover, formatJSON, formatProfile, formatPACC, formatPage}

// askedCounters count requests by the kind of program. Each counter is looked up once.
type askedCounters struct {
	all  *prometheus.CounterVec
	each [clients.Families][len(formatsNoted)][trace.Outcomes]atomic.Pointer[prometheus.Counter]
}

func (a *askedCounters) of(family clients.Family, format string, outcome trace.Outcome) prometheus.Counter {
	i := 0
	for i < len(formatsNoted)-1 && formatsNoted[i] != format {
		i++
	}
	place := &a.each[family][i][outcome]
	if counter := place.Load(); counter != nil {
		return *counter
	}
	counter := a.all.WithLabelValues(family.ID(), formatsNoted[i], outcome.String())
	place.Store(&counter)
	return counter
}
