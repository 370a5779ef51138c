package server_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"testing"
)

// Every answer says its length, also those that net/http would send in chunks (HTTP/1.1) or after
// their header (HTTP/2): programs that are cut off must notice it.
func TestAnswersSayTheirLength(t *testing.T) {
	t.Parallel()
	address := secure(t, newWorld(t))
	for version, http2 := range map[int]bool{1: false, 2: true} {
		protocols := new(http.Protocols)
		protocols.SetHTTP1(!http2)
		protocols.SetHTTP2(http2)
		transport := &http.Transport{
			Protocols:       protocols,
			TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, // a test's client
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, network, address)
			},
		}
		t.Cleanup(transport.CloseIdleConnections)
		client := &http.Client{Transport: transport}
		for _, path := range []string{
			configPath, configPath + "?emailaddress=workshop%40example.com", configPath + "?emailaddress=nobody%40nowhere.invalid",
			"/email.mobileconfig?email=workshop%40example.com", "/autodiscover/autodiscover.json?Email=workshop%40example.com&Protocol=AutodiscoverV1",
			"/", "/assets/page.css", "/nothing/here",
		} {
			for _, method := range []string{http.MethodGet, http.MethodHead} {
				r, err := http.NewRequestWithContext(t.Context(), method, "https://autoconfig.example.com"+path, nil)
				if err != nil {
					t.Fatal(err)
				}
				answer, err := client.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				body, err := io.ReadAll(answer.Body)
				_ = answer.Body.Close()
				if err != nil || answer.ProtoMajor != version {
					t.Fatalf("%s: %v", answer.Proto, err)
				}
				if answer.ContentLength < 0 || method == http.MethodGet && answer.ContentLength != int64(len(body)) {
					t.Errorf("%s %s %s: %s, length %d of %d bytes", answer.Proto, method, path, answer.Status, answer.ContentLength, len(body))
				}
			}
		}
	}
}
