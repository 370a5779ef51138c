package operator

import (
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"autoconfig/internal/doctor"
	"autoconfig/internal/web"
	"autoconfig/settings"
)

// stateTexts are the states in words and with a sign, so that colour isn't all
// that tells them apart.
var stateTexts = map[string]string{
	"good": "✓ good", "info": "ℹ could be better", "warning": "⚠ warning",
	"error": "✗ error",
}

// homePage says what is there. The help desk and the API are here unless they have a listener
// of their own.
func (s *Private) homePage(staffHere bool) echo.HandlerFunc {
	return func(c echo.Context) error {
		r, _ := s.readiness()
		page := struct {
			State, StateText, StaffURL, PublicURL string
			Problems                              []Problem
			Checks                                bool
		}{State: "good", StateText: r.Status, PublicURL: s.PublicURL.String(), Problems: r.Problems, Checks: s.Checks != nil}
		switch {
		case r.Status != "ready":
			page.State = "error"
		case len(r.Problems) > 0:
			page.State = "warning"
		}
		if !staffHere {
			page.StaffURL = s.StaffURL.String()
		}
		return s.SendOperatorPage(c, "home", page)
	}
}

// checkRow is a domain in the list.
type checkRow struct {
	Domain, Source, State, StateText string
	Errors, Warnings                 int
	Checked                          time.Time
}

// rowsAtOnce is how many domains the page shows.
const rowsAtOnce = 100

func (s *Private) checksPage(c echo.Context) error {
	results, err := s.Checks.Checks(c.Request().Context(), nil, c.QueryParam("after"), rowsAtOnce)
	if err != nil {
		return err
	}
	var page struct {
		Rows  []checkRow
		After string
	}
	for _, r := range results {
		row := checkRow{Domain: r.Report.Domain, Source: r.Source, State: r.Report.State(), Checked: r.CheckedAt}
		row.StateText = stateTexts[row.State]
		for _, f := range r.Report.Findings {
			switch f.Severity {
			case doctor.Error:
				row.Errors++
			case doctor.Warning:
				row.Warnings++
			}
		}
		page.Rows = append(page.Rows, row)
	}
	if len(results) == rowsAtOnce {
		page.After = results[rowsAtOnce-1].Report.Domain
	}
	return s.SendOperatorPage(c, "checks", page)
}

// pageFinding is a finding with what its code means.
type pageFinding struct {
	doctor.Finding
	SeverityText, Means, Records string
}

func (s *Private) checkPage(c echo.Context) error {
	name, err := settings.ParseDomain(c.Param("domain"))
	if err != nil {
		return web.ErrNoDomainName
	}
	r, err := s.Checks.Check(c.Request().Context(), name)
	if err != nil {
		return err
	}
	page := struct {
		Domain, Source, State, StateText string
		Checked, Due                     time.Time
		Days                             *int
		Findings                         []pageFinding
		Requests                         []TracedRequest
	}{
		Domain: name, Source: r.Source, State: r.Report.State(),
		Checked: r.CheckedAt, Due: r.DueAt, Days: r.Report.CertificateDays,
	}
	page.StateText = stateTexts[page.State]
	page.Requests, _ = s.requestsOf(c.Request().Context(), name) // a domain that was served before has none
	slices.Reverse(page.Requests)
	means := map[doctor.Code]string{}
	for _, m := range doctor.Catalogue() {
		means[m.Code] = m.Means
	}
	for _, f := range r.Report.Findings {
		p := pageFinding{Finding: f, SeverityText: stateTexts[string(f.Severity)], Means: means[f.Code]}
		var records []string
		for _, record := range f.Records {
			records = append(records, record.String())
		}
		p.Records = strings.Join(records, "\n")
		page.Findings = append(page.Findings, p)
	}
	return s.SendOperatorPage(c, "check", page)
}
