package operator_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"autoconfig/internal/doctor"
	"autoconfig/internal/server/servertest"
)

func TestChecksAreShownAndCounted(t *testing.T) {
	t.Parallel()
	first := servertest.NewWorld(t)
	w := servertest.NewWorld(t, func(o *servertest.Options) { o.Checks = first.Store })
	private := w.Server.Private()
	days := 5
	for name, findings := range map[string][]doctor.Finding{
		"example.com": {{Code: doctor.HostMissing, Severity: doctor.Error, Subject: "autoconfig.example.com."}, {Code: doctor.SRVMissing, Severity: doctor.Warning}},
		"example.net": {{Code: doctor.HostMissing, Severity: doctor.Error}}, "login.example": {},
	} {
		r := doctor.Result{Report: doctor.Report{Domain: name, Findings: findings, CertificateDays: &days}, CheckedAt: time.Unix(1e9, 0), DueAt: time.Unix(2e9, 0)}
		if err := first.Store.PutCheck(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	get := func(target string, status int) string {
		t.Helper()
		r := servertest.Do(private, http.MethodGet, "http://localhost"+target, "")
		if body := servertest.Text(r); r.StatusCode == status {
			return body
		}
		t.Errorf("%s: %s", target, r.Status)
		return ""
	}
	metrics := get("/metrics", http.StatusOK)
	for _, want := range []string{
		`autoconfig_check_findings{code="HOST-MISSING",severity="error"} 2`, `autoconfig_check_findings{code="SRV-MISSING",severity="warning"} 1`,
		`autoconfig_check_domains{state="error"} 2`, `autoconfig_check_domains{state="good"} 1`, `autoconfig_check_certificate_expiry_timestamp_seconds 1.000432e+09`,
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("the metrics have no %s", want)
		}
	}
	if strings.Contains(metrics, "example.com") {
		t.Error("a domain is a label")
	}
}
