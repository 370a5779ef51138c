package server

import (
	"context"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"autoconfig/internal/directory"
	"autoconfig/internal/doctor"
)

// Checks gives the last results of checking domains.
type Checks interface {
	Check(ctx context.Context, name string) (doctor.Result, error)
	Checks(ctx context.Context, after string, limit int) ([]doctor.Result, error)
}

const (
	checksAtOnce = 100
	checksMost   = 1000
)

// listChecks answers the last results in pages: ?after= is the last name of the
// page before, ?limit= at most 1000.
func (s *Server) listChecks(c echo.Context) error {
	limit, err := limitOf(c)
	if err != nil {
		return err
	}
	results, err := s.Checks.Checks(c.Request().Context(), c.QueryParam("after"), limit)
	if err != nil {
		return err
	}
	page := struct {
		Checks []checked `json:"checks"`
		After  string    `json:"after,omitempty"`
	}{Checks: []checked{}}
	for _, r := range results {
		if _, err := s.servedDomain(c, r.Report.Domain); err == nil { // others' aren't this program's to see
			page.Checks = append(page.Checks, checked{State: r.Report.State(), Result: r})
		}
	}
	if len(results) == limit {
		page.After = results[limit-1].Report.Domain
	}
	return c.JSON(http.StatusOK, page)
}

// checked is a result with its state.
type checked struct {
	State string `json:"state"`
	doctor.Result
}

func (s *Server) showCheck(c echo.Context) error {
	entry, err := s.servedDomain(c, c.Param("domain"))
	if err != nil {
		return err
	}
	r, err := s.Checks.Check(c.Request().Context(), entry.Name)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, checked{State: r.Report.State(), Result: r})
}

// checkCollector counts the last results when the metrics are read. Its labels are
// our own codes and words. Where the database can't be asked, they are missing, and
// the other metrics say why.
type checkCollector struct {
	checks    Checks
	directory *directory.Directory
}

var (
	findingsDesc = prometheus.NewDesc("autoconfig_check_findings", "Findings of the last checks, by code and severity.", []string{"code", "severity"}, nil)
	domainsDesc  = prometheus.NewDesc("autoconfig_check_domains", "Domains by the state of their last check.", []string{"state"}, nil)
	daysDesc     = prometheus.NewDesc("autoconfig_check_certificate_days", "Days until the first certificate of a mail server expires.", nil, nil)
)

// collectTimeout bounds how long the metrics wait for the database: whoever scrapes
// them waits ten seconds by default.
const collectTimeout = 3 * time.Second

// Describe implements prometheus.Collector.
func (k checkCollector) Describe(out chan<- *prometheus.Desc) {
	out <- findingsDesc
	out <- domainsDesc
	out <- daysDesc
}

// Collect implements prometheus.Collector.
func (k checkCollector) Collect(out chan<- prometheus.Metric) {
	if k.directory.Health().Err != nil {
		return // it would only cost time
	}
	ctx, cancel := context.WithTimeout(context.Background(), collectTimeout)
	defer cancel()
	findings, states := map[[2]string]int{}, map[string]int{"good": 0, "info": 0, "warning": 0, "error": 0}
	days, known := 0, false
	for after := ""; ; {
		results, err := k.checks.Checks(ctx, after, checksMost)
		if err != nil {
			out <- prometheus.NewInvalidMetric(domainsDesc, err)
			return
		}
		for _, r := range results {
			after = r.Report.Domain
			states[r.Report.State()]++
			for _, f := range r.Report.Findings {
				findings[[2]string{string(f.Code), string(f.Severity)}]++
			}
			if n := r.Report.CertificateDays; n != nil && (!known || *n < days) {
				days, known = *n, true
			}
		}
		if len(results) < checksMost {
			break
		}
	}
	gauge := func(desc *prometheus.Desc, value int, labels ...string) {
		out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(value), labels...)
	}
	for key, n := range findings {
		gauge(findingsDesc, n, key[0], key[1])
	}
	for state, n := range states {
		gauge(domainsDesc, n, state)
	}
	if known {
		gauge(daysDesc, days)
	}
}
