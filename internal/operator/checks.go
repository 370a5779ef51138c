package operator

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// checkCollector counts the last results when the metrics are read. Its labels are
// our own codes and words. With many domains the counting takes a while: what was
// counted is told again for twenty times as long, and longer while the database
// can't be asked.
type checkCollector struct {
	checks Checks
	// down tells whether our own database is known to be down.
	down func() bool

	mu       sync.Mutex
	kept     []prometheus.Metric
	until    time.Time
	counting chan struct{} // closed when the counting ends; nil while there is none
}

var (
	findingsDesc = prometheus.NewDesc("autoconfig_check_findings", "Findings of the last checks, by code and severity.",
		[]string{"code", "severity"}, nil)
	domainsDesc = prometheus.NewDesc("autoconfig_check_domains", "Domains by the state of their last check.",
		[]string{"state"}, nil)
	expiryDesc = prometheus.NewDesc("autoconfig_check_certificate_expiry_timestamp_seconds",
		"When the first certificate of a mail server expires, to a day, in seconds since 1970.", nil, nil)
)

// Whoever scrapes the metrics waits ten seconds by default: they wait for the
// counting for a while, and have the counts of before if it takes longer.
const (
	collectPatience = 3 * time.Second
	collectTimeout  = time.Minute
)

// Describe implements prometheus.Collector.
func (k *checkCollector) Describe(out chan<- *prometheus.Desc) {
	out <- findingsDesc
	out <- domainsDesc
	out <- expiryDesc
}

// Collect implements prometheus.Collector.
func (k *checkCollector) Collect(out chan<- prometheus.Metric) {
	if !k.down() { // else it would only cost time
		select {
		case <-k.fresh():
		case <-time.After(collectPatience):
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, m := range k.kept {
		out <- m
	}
}

// fresh is closed when what is kept is new enough.
func (k *checkCollector) fresh() <-chan struct{} {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case k.counting != nil:
		return k.counting
	case time.Now().Before(k.until):
		done := make(chan struct{})
		close(done)
		return done
	}
	k.counting = make(chan struct{})
	go k.renew(k.counting)
	return k.counting
}

// renew ends after collectTimeout at the latest.
func (k *checkCollector) renew(done chan struct{}) {
	ctx, cancel := context.WithTimeout(context.Background(), collectTimeout)
	defer cancel()
	began := time.Now()
	all, err := k.count(ctx)
	ended := time.Now()
	k.mu.Lock()
	defer k.mu.Unlock()
	if err == nil {
		k.kept, k.until = all, ended.Add(20*ended.Sub(began))
	}
	k.counting = nil
	close(done)
}

func (k *checkCollector) count(ctx context.Context) (all []prometheus.Metric, err error) {
	findings, states := map[[2]string]int64{}, map[string]int64{"good": 0, "info": 0, "warning": 0, "error": 0}
	var expiry time.Time // the first
	for r, err := range k.checks.AllChecks(ctx) {
		if err != nil {
			return nil, err
		}
		states[r.Report.State()]++
		for _, f := range r.Report.Findings {
			findings[[2]string{string(f.Code), string(f.Severity)}]++
		}
		if days := r.Report.CertificateDays; days != nil {
			if at := r.CheckedAt.AddDate(0, 0, *days); expiry.IsZero() || at.Before(expiry) {
				expiry = at
			}
		}
	}
	gauge := func(desc *prometheus.Desc, value int64, labels ...string) {
		all = append(all, prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(value), labels...))
	}
	for key, n := range findings {
		gauge(findingsDesc, n, key[0], key[1])
	}
	for state, n := range states {
		gauge(domainsDesc, n, state)
	}
	if !expiry.IsZero() {
		gauge(expiryDesc, expiry.Unix())
	}
	return all, nil
}
