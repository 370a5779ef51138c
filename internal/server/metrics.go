package server

import (
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"autoconfig/internal/directory"
	"autoconfig/settings"
)

// metrics are counted per process, on a registry of their own. Labels are our
// own words only: routes, formats, protocols and status codes.
type metrics struct {
	registry   *prometheus.Registry
	requests   *prometheus.CounterVec
	seconds    *prometheus.HistogramVec
	answers    *prometheus.CounterVec
	serverless *prometheus.CounterVec
	shed       *prometheus.CounterVec
}

// newMetrics counts for all Servers that stand behind the listeners, one after the
// other; latest is the one that does now.
func newMetrics(latest func() *Server, version string) *metrics {
	lookups := func() *directory.Directory { return latest().Directory }
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "autoconfig_http_requests_total", Help: "Requests by route and status code.",
		}, []string{"route", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "autoconfig_http_request_duration_seconds", Help: "Time to answer, by route.",
			Buckets: []float64{.0001, .0005, .001, .005, .01, .05, .1, .5, 1, 5},
		}, []string{"route"}),
		answers: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "autoconfig_answers_total", Help: "Configurations given, by format and incoming protocol.",
		}, []string{"format", "protocol"}),
	}
	m.shed = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "autoconfig_refused_total", Help: "Connections and requests that were refused or closed, by listener and reason: client (this client has too many), all (all together have too many), room (closed for another client's sake), busy (too much is worked on).",
	}, []string{"listener", "reason"})
	m.serverless = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "autoconfig_protocols_without_server_total", Help: "Look-ups of accounts whose source decides a protocol that the domain has no server for.",
	}, []string{"protocol"})
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "autoconfig_build_info", Help: "Always 1.", ConstLabels: prometheus.Labels{"version": version},
	})
	build.Set(1)
	m.registry.MustRegister(m.requests, m.seconds, m.answers, m.serverless, m.shed, build, sourceCollector{lookups}, problemCollector{latest},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	gauge := func(name, help string, value func() float64) {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
	}
	gauge("autoconfig_directory_up", "1 if the directory could be asked at the last try.", func() float64 {
		if lookups().Health().Err != nil {
			return 0
		}
		return 1
	})
	gauge("autoconfig_directory_cache_entries", "Entries in the directory's cache.", func() float64 { return float64(lookups().Stats().Entries) })
	counter := func(name, help string, value func() float64) {
		m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, value))
	}
	counter("autoconfig_directory_cache_hits_total", "Look-ups answered from the cache.", func() float64 { return float64(lookups().Stats().Hits) })
	counter("autoconfig_directory_cache_misses_total", "Look-ups that asked the source.", func() float64 { return float64(lookups().Stats().Misses) })
	return m
}

// handler gives all metrics that can be had: when the database is down is when they
// are looked at.
func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})
}

// refusing counts for a listener what is refused.
func (m *metrics) refusing(listener string) func(reason string) {
	return func(reason string) { m.shed.WithLabelValues(listener, reason).Inc() }
}

// holding shows how many connections a listener has.
func (m *metrics) holding(listener string, open func() float64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "autoconfig_connections_open", Help: "Connections that are open, by listener.", ConstLabels: prometheus.Labels{"listener": listener},
	}, open))
}

func (m *metrics) answered(format string, p settings.Protocol) {
	m.answers.WithLabelValues(format, string(p)).Inc()
}

// refused counts protocols that a source decides and no server speaks.
func (m *metrics) refused(decision settings.Decision) {
	if decision.Refused != "" {
		m.serverless.WithLabelValues(string(decision.Refused)).Inc()
	}
}

func (m *metrics) request(route string, status int, took time.Duration) {
	m.requests.WithLabelValues(route, strconv.Itoa(status)).Inc()
	m.seconds.WithLabelValues(route).Observe(took.Seconds())
}

// noRoute stands for every path that we don't serve, so that strangers can't
// make labels.
const noRoute = "other"

func route(c echo.Context) string {
	if path := c.Path(); path != "" && path != "/*" {
		return path
	}
	return noRoute
}
