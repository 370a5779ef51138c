package web

import (
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// FrontOptions are what a Front needs. Zero values are good.
type FrontOptions struct {
	// Limits bound what clients hold at once.
	Limits Limits
	// Failures keep what clients got wrong, for all replicas; nil means that each
	// process counts by itself.
	Failures Failures
	// Secret is the root of the key by which clients are kept there.
	Secret []byte
	// Logger is slog.Default if nil.
	Logger *slog.Logger
	// LinesLost is how many lines the log had to drop; nil for a log that waits.
	LinesLost func() uint64
	// Now is time.Now if nil.
	Now func() time.Time
	// Version is what the metrics say of the binary.
	Version string
}

// Front is what stands behind the listeners for as long as the process runs: the
// clients and what they hold, what is counted, and the current handlers. A reload
// replaces the handlers; connections, counts and failures stay.
type Front struct {
	FrontOptions
	// The clients of each kind of listener.
	Public, Private, Staff *Clients

	metrics  *metrics
	requests requestLog
	stopping atomic.Bool

	mu      sync.RWMutex
	current *Handlers

	keeping  sync.Mutex // of what follows
	attempts map[string]*Attempts
	limiter  *limiter
}

// Handlers are those of one configuration, for each listener.
type Handlers struct {
	// App is what they stand on.
	App                           *App
	Public, Plain, Private, Staff http.Handler
	users                         sync.WaitGroup
}

// NewFront prepares a Front. Use gives it its handlers, before Serve.
func NewFront(o FrontOptions) *Front {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	f := &Front{FrontOptions: o, attempts: map[string]*Attempts{}}
	f.metrics = newMetrics(o.Version, o.LinesLost)
	limits := o.Limits.orDefault()
	f.Public, f.Private, f.Staff = f.newClients("public", limits), f.newClients("private", privateLimits), f.newClients("staff", limits)
	f.Public.unasked = mostUnasked
	return f
}

func (f *Front) newClients(listener string, limits Limits) *Clients {
	c := newClients(limits, func(a netip.Addr) bool { return f.latest().App.trusts(a) }, f.metrics.refusing(listener))
	f.metrics.holding(listener, c.countOpen)
	return c
}

// Attempts bound one kind of attempts, whichever configuration asks: a reload gives
// nobody new ones.
func (f *Front) Attempts(kind string, r Rate) *Attempts {
	f.keeping.Lock()
	defer f.keeping.Unlock()
	if f.attempts[kind] == nil {
		f.attempts[kind] = f.newAttempts(kind, r)
	}
	return f.attempts[kind]
}

// limiterOf goes on counting as long as the rate stays the same.
func (f *Front) limiterOf(r Rate) *limiter {
	f.keeping.Lock()
	defer f.keeping.Unlock()
	if f.limiter == nil || f.limiter.rate != r {
		f.limiter = newLimiter(r)
	}
	return f.limiter
}

// Stopping tells whether the service is about to end.
func (f *Front) Stopping() bool { return f.stopping.Load() }

// latest are the current handlers.
func (f *Front) latest() *Handlers {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.current
}

// enter returns the handlers for a request; its users.Done must follow. No request enters
// handlers that were replaced.
func (f *Front) enter() *Handlers {
	f.mu.RLock()
	defer f.mu.RUnlock()
	f.current.users.Add(1)
	return f.current
}

// handler answers each request by the handlers that are current when it arrives.
func (f *Front) handler(pick func(*Handlers) http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handlers := f.enter()
		defer handlers.users.Done()
		pick(handlers).ServeHTTP(w, r)
	})
}

// Use makes next the current handlers. Requests in progress finish with the handlers they
// began with; left is called when the last of them has. It isn't called for the first
// handlers, which must be there before Serve.
func (f *Front) Use(next *Handlers, left func()) {
	f.mu.Lock()
	before := f.current
	f.current = next
	f.mu.Unlock()
	if before == nil {
		return
	}
	go func() {
		before.users.Wait()
		left()
	}()
}
