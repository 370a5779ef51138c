package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
)

// Every metric has the unit, the suffix and the type that Prometheus asks for.
func TestMetricsAreNamedAsPrometheusAsks(t *testing.T) {
	t.Parallel()
	o := checkedOffice(t)
	o.ask(t, http.MethodGet, autoconfigURL+"?emailaddress=workshop%40example.com", "")
	metrics := text(do(o.server.Private(), http.MethodGet, "http://127.0.0.1/metrics", ""))
	problems, err := promlint.New(strings.NewReader(metrics)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	for _, want := range []string{"autoconfig_directory_cache_hits_total counter", "autoconfig_directory_cache_misses_total counter"} {
		if !strings.Contains(metrics, "# TYPE "+want+"\n") {
			t.Errorf("there is no %s", want)
		}
	}
}
