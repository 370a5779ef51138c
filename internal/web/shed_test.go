package web

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// While as much is worked on as may be, the rest is told to come again, and what has
// to get through gets through. An answer that is on its way isn't work any more.
func TestWhatIsTooMuchIsShed(t *testing.T) {
	t.Parallel()
	c, told := fewClients(100, 100) // 4 slots
	begun, goOn := make(chan struct{}), make(chan struct{})
	slow := &work{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun <- struct{}{}
		if r.URL.Path == "/written" {
			w.WriteHeader(http.StatusOK)
			begun <- struct{}{}
		}
		<-goOn
	}), c, nil}
	var group sync.WaitGroup
	ask := func(path string) {
		group.Go(func() { slow.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, path, nil)) })
	}
	for range 10 { // each has begun to write before the next comes
		ask("/written")
		<-begun
		<-begun
	}
	for range 4 {
		ask("/")
		<-begun
	}
	quick := &work{http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), c, []string{"/healthz"}}
	get := func(path string) *httptest.ResponseRecorder {
		answer := httptest.NewRecorder()
		quick.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
		return answer
	}
	if r := get("/"); r.Code != http.StatusServiceUnavailable || r.Header().Get("Retry-After") == "" || r.Header().Get("Connection") != "close" || told[overBusy] != 1 {
		t.Errorf("%d %v %v", r.Code, r.Header(), told)
	}
	if r := get("/healthz"); r.Code != http.StatusOK {
		t.Errorf("/healthz: %d", r.Code)
	}
	close(goOn)
	group.Wait()
	if r := get("/"); r.Code != http.StatusOK || len(c.slots.taken) != 0 {
		t.Errorf("afterwards: %d, %d at work", r.Code, len(c.slots.taken))
	}
}

// One client has half of the slots at most.
func TestOneClientDoesntKeepAllAtWork(t *testing.T) {
	t.Parallel()
	c, told := fewClients(100, 100)
	p := c.enter(from("192.0.2.7:1"))
	for range 2 {
		if !c.beginWork(p) {
			t.Fatal("refused")
		}
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r = r.WithContext(context.WithValue(t.Context(), connectionKey{}, p))
	answer := httptest.NewRecorder()
	(&work{http.NotFoundHandler(), c, nil}).ServeHTTP(answer, r)
	if answer.Code != http.StatusServiceUnavailable || told[overClient] != 1 {
		t.Errorf("%d %v", answer.Code, told)
	}
}

// Who asks too much loses the connection; a proxy's is that of others too.
func TestRefusalsCloseTheConnection(t *testing.T) {
	t.Parallel()
	c, _ := fewClients(100, 100)
	for _, status := range []int{http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusOK} {
		for address, closes := range map[string]bool{"192.0.2.7:1": true, "192.0.2.1:1": false} {
			w := &work{http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }), c, nil}
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r = r.WithContext(context.WithValue(t.Context(), connectionKey{}, c.enter(from(address))))
			answer := httptest.NewRecorder()
			w.ServeHTTP(answer, r)
			if got := answer.Header().Get("Connection") == "close"; got != (closes && status != http.StatusOK) {
				t.Errorf("%d to %s: closed %v", status, address, got)
			}
		}
	}
}

// Of a request of HTTP/2 that was reset before its turn came, nothing is made.
func TestWhatWasResetIsNotWorkedOn(t *testing.T) {
	t.Parallel()
	c, _ := fewClients(100, 100)
	ctx, reset := context.WithCancel(t.Context())
	reset()
	h := &work{http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("worked on") }), c, nil}
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
	r.ProtoMajor, r.ProtoMinor = 2, 0
	h.ServeHTTP(httptest.NewRecorder(), r)
	if len(c.slots.taken) != 0 {
		t.Errorf("%d at work", len(c.slots.taken))
	}
}
