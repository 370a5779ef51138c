package server_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
)

// sink is a response that goes nowhere.
type sink struct {
	header http.Header
	status int
	body   []byte
}

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) WriteHeader(status int)      { s.status = status }
func (s *sink) Write(b []byte) (int, error) { s.body = b; return len(b), nil }

// BenchmarkAnswer measures a request for an account that is in the cache, from the
// handler's side, and how many times the floor that is: echo with one route that
// sends the same bytes, in the same run.
func BenchmarkAnswer(b *testing.B) {
	for _, c := range []struct{ name, method, target, body string }{
		{"autoconfig", http.MethodGet, "/mail/config-v1.1.xml?emailaddress=workshop%40example.com", ""},
		{"autoconfig-default", http.MethodGet, "/mail/config-v1.1.xml", ""},
		{"autoconfig-unknown", http.MethodGet, "/mail/config-v1.1.xml?emailaddress=nobody%40example.com", ""},
		{"autodiscover", http.MethodPost, "/autodiscover/autodiscover.xml", poxRequest(mail("workshop@example.com"), outlookSchema)},
		{"setup-page", http.MethodGet, "/", ""},
		{"profile", http.MethodGet, "/email.mobileconfig?email=workshop%40example.com", ""},
	} {
		b.Run(c.name, func(b *testing.B) {
			w := newWorld(b)
			ours := w.server.Public(false)
			body, answer := strings.NewReader(c.body), &sink{}
			request := httptest.NewRequestWithContext(b.Context(), c.method, "http://autoconfig.example.com"+c.target, io.NopCloser(body))
			request.ContentLength = int64(len(c.body))
			one := func(h http.Handler) *sink {
				body.Reset(c.body)
				*answer = sink{header: http.Header{}} // net/http makes one for each request too
				h.ServeHTTP(answer, request)
				return answer
			}
			one(ours)
			ready := slices.Clone(answer.body)
			if answer.status != http.StatusOK {
				b.Fatalf("%d %s", answer.status, answer.body)
			}
			e := echo.New()
			e.Any("/*", func(c echo.Context) error { return c.Blob(http.StatusOK, "text/xml; charset=utf-8", ready) })

			b.ReportAllocs()
			for b.Loop() {
				one(ours)
			}
			began := time.Now()
			for range b.N {
				one(e)
			}
			floor := time.Since(began)
			b.ReportMetric(float64(b.Elapsed())/float64(floor), "x-floor")
		})
	}
}
