package web

import (
	"errors"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics are counted per process, on a registry of their own. Labels are our
// own words only: routes, formats, protocols and status codes.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	shed     *prometheus.CounterVec

	mu     sync.RWMutex
	routes map[routeStatus]routeMetrics
}

// routeStatus is what a request is counted under. There are no more of them than routes
// times the statuses that they answer with.
type routeStatus struct {
	route  string
	status int
}

// routeMetrics were looked up already: to find them by their labels costs more than to
// count.
type routeMetrics struct {
	requests prometheus.Counter
	seconds  prometheus.Observer
}

func newMetrics(version string, linesLost func() uint64) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		routes:   map[routeStatus]routeMetrics{},
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "autoconfig_http_request_duration_seconds", Help: "Time to answer, by route.",
			Buckets: []float64{.0001, .0005, .001, .005, .01, .05, .1, .5, 1, 5},
		}, []string{"route"}),
	}
	m.requests = m.counter("autoconfig_http_requests_total", "Requests by route and status code.", "route", "code")
	m.shed = m.counter("autoconfig_refused_total", "Connections and requests that were refused or closed, by listener and reason: client (this client has too many), all (all together have too many), room (closed for another client's sake), busy (too much is worked on), bytes (sent without asking).", "listener", "reason")
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "autoconfig_build_info", Help: "Always 1.", ConstLabels: prometheus.Labels{"version": version},
	})
	build.Set(1)
	m.registry.MustRegister(m.seconds, build, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if linesLost != nil {
		m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "autoconfig_log_lines_lost_total", Help: "Lines that were dropped because what the log is written to was blocked.",
		}, func() float64 { return float64(linesLost()) }))
	}
	return m
}

// Counter is the process's counter of a name: a reload goes on with the same.
func (f *Front) Counter(name, help string, labels ...string) *prometheus.CounterVec {
	return f.metrics.counter(name, help, labels...)
}

func (m *metrics) counter(name, help string, labels ...string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	known := prometheus.AlreadyRegisteredError{}
	if err := m.registry.Register(c); errors.As(err, &known) {
		return known.ExistingCollector.(*prometheus.CounterVec)
	} else if err != nil {
		panic(err) // a name that isn't one
	}
	return c
}

// MetricsHandler gives all metrics that can be had, the process's and more: when the
// database is down is when they are looked at.
func (f *Front) MetricsHandler(more *prometheus.Registry) http.Handler {
	return promhttp.HandlerFor(prometheus.Gatherers{f.metrics.registry, more}, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})
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

func (m *metrics) request(route string, status int, took time.Duration) {
	counted := m.of(routeStatus{route, status})
	counted.requests.Inc()
	counted.seconds.Observe(took.Seconds())
}

func (m *metrics) of(key routeStatus) routeMetrics {
	m.mu.RLock()
	found, known := m.routes[key]
	m.mu.RUnlock()
	if known {
		return found
	}
	found = routeMetrics{
		requests: m.requests.WithLabelValues(key.route, strconv.Itoa(key.status)),
		seconds:  m.seconds.WithLabelValues(key.route),
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.routes[key] = found
	return found
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
