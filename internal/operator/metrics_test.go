package operator_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"autoconfig/internal/server/servertest"
)

// Every metric has the unit, the suffix and the type that Prometheus asks for.
func TestMetricsAreNamedAsPrometheusAsks(t *testing.T) {
	t.Parallel()
	o := servertest.NewCheckedOffice(t)
	o.Ask(t, http.MethodGet, "http://autoconfig.example.com/mail/config-v1.1.xml"+"?emailaddress=workshop%40example.com", "")
	metrics := servertest.Text(servertest.Do(o.Server.Private(), http.MethodGet, "http://127.0.0.1/metrics", ""))
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
