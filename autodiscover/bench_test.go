package autodiscover

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"autoconfig/settings"
)

// BenchmarkParseRequest measures reading a request, and how many times the floor
// that is: encoding/xml going over the same bytes.
func BenchmarkParseRequest(b *testing.B) {
	body := request("<EMailAddress>fred@example.com</EMailAddress><AcceptableResponseSchema>" + OutlookSchema + "</AcceptableResponseSchema>")
	for b.Loop() {
		if _, err := ParseRequest([]byte(body)); err != nil {
			b.Fatal(err)
		}
	}
	began := time.Now()
	for range b.N {
		d := xml.NewDecoder(strings.NewReader(body))
		for {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed())/float64(time.Since(began)), "x-floor")
}

// BenchmarkFill measures filling a form, and how many times the floor that is:
// copying the finished reply.
func BenchmarkFill(b *testing.B) {
	s := office()
	form, err := Compile(s)
	if err != nil {
		b.Fatal(err)
	}
	text := form.Fill(&s, settings.EscapeXML)
	var keep []byte
	for b.Loop() {
		keep = form.Fill(&s, settings.EscapeXML)
	}
	began := time.Now()
	for range b.N {
		keep = append([]byte(nil), text...)
	}
	_ = keep
	b.ReportMetric(float64(b.Elapsed())/float64(time.Since(began)), "x-floor")
}
