package operator

import (
	"github.com/prometheus/client_golang/prometheus"

	"autoconfig/internal/directory"
)

// directoryCollector counts how the directory and its sources fare. Its label is the operator's name of
// a source, "database" for our own.
type directoryCollector struct{ directory *directory.Directory }

var (
	directoryUp = prometheus.NewDesc("autoconfig_directory_up",
		"1 if the directory could be asked at the last try.", nil, nil)
	directoryEntries = prometheus.NewDesc("autoconfig_directory_cache_entries", "Entries in the directory's cache.", nil,
		nil)
	directoryHits = prometheus.NewDesc("autoconfig_directory_cache_hits_total", "Look-ups answered from the cache.",
		nil, nil)
	directoryMisses = prometheus.NewDesc("autoconfig_directory_cache_misses_total", "Look-ups that asked the source.",
		nil, nil)
	sourceUp = prometheus.NewDesc("autoconfig_source_up", "1 if the source could be asked at the last try.",
		[]string{"source"}, nil)
	sourceAsked = prometheus.NewDesc("autoconfig_source_questions_total", "Questions to the source.",
		[]string{"source"}, nil)
	sourceFailed = prometheus.NewDesc("autoconfig_source_failures_total", "Questions that the source didn't answer.",
		[]string{"source"}, nil)
	sourceOld = prometheus.NewDesc("autoconfig_source_stale_answers_total",
		"Answers that were served though a newer one couldn't be had in time.", []string{"source"}, nil)
	sourceDigests = prometheus.NewDesc("autoconfig_source_digests", "Addresses in the index of digests.",
		[]string{"source"}, nil)
	sourceFull = prometheus.NewDesc("autoconfig_source_digests_full",
		"1 if the index of digests doesn't hold all addresses.", []string{"source"}, nil)
)

// Describe implements prometheus.Collector.
func (s directoryCollector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		directoryUp, directoryEntries, directoryHits, directoryMisses, sourceUp,
		sourceAsked, sourceFailed, sourceOld, sourceDigests, sourceFull,
	} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (s directoryCollector) Collect(out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value float64) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value)
	}
	stats := s.directory.Stats()
	gauge(directoryUp, one(s.directory.Health().Err == nil))
	gauge(directoryEntries, float64(stats.Entries))
	out <- prometheus.MustNewConstMetric(directoryHits, prometheus.CounterValue, float64(stats.Hits))
	out <- prometheus.MustNewConstMetric(directoryMisses, prometheus.CounterValue, float64(stats.Misses))
	for _, h := range append([]directory.Health{s.directory.Health()}, s.directory.Sources()...) {
		out <- prometheus.MustNewConstMetric(sourceUp, prometheus.GaugeValue, one(h.Err == nil), sourceLabel(h.Name))
	}
	for _, x := range s.directory.SourceStats() {
		count := func(d *prometheus.Desc, n int64) {
			out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), sourceLabel(x.Name))
		}
		count(sourceAsked, x.Asked)
		count(sourceFailed, x.Failed)
		count(sourceOld, x.OldOnes)
		if x.Name != "" {
			out <- prometheus.MustNewConstMetric(sourceDigests, prometheus.GaugeValue, float64(x.Digests), x.Name)
			out <- prometheus.MustNewConstMetric(sourceFull, prometheus.GaugeValue, one(x.DigestsFull), x.Name)
		}
	}
}

func sourceLabel(name string) string {
	if name == "" {
		return "database"
	}
	return name
}

func one(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
