package web

import (
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/maypok86/otter/v2"
)

// Failures keep for all replicas what clients got wrong, by a kind and a keyed hash
// of the client.
type Failures interface {
	// ForgivenAt is when the last failure is forgiven: each takes its time after the
	// one before it. The zero time means that there is none.
	ForgivenAt(ctx context.Context, kind string, client []byte) (time.Time, error)
	// AddFailure moves that time on by what one failure takes, from now on if it has
	// passed or is later than latest.
	AddFailure(ctx context.Context, kind string, client []byte, now, latest time.Time, each time.Duration) error
}

// Attempts bound what one client may get wrong (the generic cell rate algorithm: of
// a client only one time is kept). Memory is asked first: a client that is known to
// be blocked costs no question. While the database can't be asked, memory alone
// holds: nobody is locked out, and nobody gets more than that.
type Attempts struct {
	kind    string
	rate    Rate
	key     []byte
	clients *otter.Cache[clientHash, *bucket]
	shared  Failures
	logger  *slog.Logger
	now     func() time.Time
}

// clientHash stands for a client where it is kept. Without the secret, it leads to
// no address.
type clientHash [16]byte

// newAttempts bounds one kind of attempts. A bucket that a replica has in memory is the
// same in the database, so that more replicas aren't more guesses.
func (f *Front) newAttempts(kind string, r Rate) *Attempts {
	key, err := hkdf.Key(sha256.New, f.Secret, nil, "autoconfig clients and what they get wrong", sha256.Size)
	if err != nil {
		panic(err) // the size is one that SHA-256 can give
	}
	return &Attempts{
		kind: kind, rate: r, key: key, shared: f.Failures, logger: f.Logger, now: f.Now,
		clients: otter.Must(&otter.Options[clientHash, *bucket]{
			MaximumSize:      maxClients,
			ExpiryCalculator: otter.ExpiryAccessing[clientHash, *bucket](2 * r.window()),
		}),
	}
}

func (r Rate) each() time.Duration   { return time.Duration(float64(time.Second) / r.PerSecond) }
func (r Rate) window() time.Duration { return time.Duration(r.Burst) * r.each() }

// clockSkew is how far the clocks of replicas may be apart. What is written from
// further ahead is a clock that was wrong, and counts for nothing.
const clockSkew = time.Minute

// next is when all is forgiven after one more failure, and whether that is within
// the bounds.
func (r Rate) next(forgiven, now time.Time) (time.Time, bool) {
	if forgiven.Before(now) || forgiven.After(now.Add(r.window()+clockSkew)) {
		forgiven = now
	}
	after := forgiven.Add(r.each())
	return after, !after.After(now.Add(r.window()))
}

type bucket struct {
	mu       sync.Mutex
	forgiven time.Time
}

func (b *bucket) take(r Rate, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	after, ok := r.next(b.forgiven, now)
	if ok {
		b.forgiven = after
	}
	return ok
}

func (b *bucket) giveBack(r Rate) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.forgiven = b.forgiven.Add(-r.each())
}

// learn takes over what other replicas know.
func (b *bucket) learn(forgiven time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if forgiven.After(b.forgiven) {
		b.forgiven = forgiven
	}
}

func (b *bucket) spent(r Rate, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, ok := r.next(b.forgiven, now)
	return !ok
}

// Attempt is one that is going on. It counts as failed until it is said to be good:
// many at once are no more than many in a row.
type Attempt struct {
	*Attempts
	client clientHash
	bucket *bucket
}

// Begin begins an attempt, or refuses it with ErrTooMany.
func (a *Attempts) Begin(ctx context.Context, client string) (Attempt, error) {
	try := Attempt{a, a.hash(client), nil}
	try.bucket = a.bucket(try.client)
	if !try.bucket.take(a.rate, a.now()) {
		return try, ErrTooMany
	}
	if a.spentElsewhere(ctx, try.client) {
		return try, ErrTooMany
	}
	return try, nil
}

// Failed counts it for the other replicas too.
func (a Attempt) Failed(ctx context.Context) { a.add(ctx, a.client) }

// Good takes it back.
func (a Attempt) Good() { a.bucket.giveBack(a.rate) }

// Spent tells whether a client has got too much wrong.
func (a *Attempts) Spent(ctx context.Context, client string) bool {
	hash := a.hash(client)
	if known, found := a.clients.GetIfPresent(hash); found && known.spent(a.rate, a.now()) {
		return true
	}
	return a.spentElsewhere(ctx, hash)
}

// Failed counts a failure, and tells whether the client had one left.
func (a *Attempts) Failed(ctx context.Context, client string) bool {
	hash := a.hash(client)
	if !a.bucket(hash).take(a.rate, a.now()) {
		return false
	}
	a.add(ctx, hash)
	return true
}

func (a *Attempts) spentElsewhere(ctx context.Context, client clientHash) bool {
	if a.shared == nil {
		return false
	}
	forgiven, err := a.shared.ForgivenAt(ctx, a.kind, client[:])
	if err != nil {
		a.logger.DebugContext(ctx, "failures of a client can't be read", "kind", a.kind, "error", err)
		return false
	}
	if _, ok := a.rate.next(forgiven, a.now()); ok {
		return false
	}
	a.bucket(client).learn(forgiven)
	return true
}

func (a *Attempts) add(ctx context.Context, client clientHash) {
	if a.shared == nil {
		return
	}
	now := a.now()
	err := a.shared.AddFailure(ctx, a.kind, client[:], now, now.Add(a.rate.window()+clockSkew), a.rate.each())
	if err != nil {
		a.logger.DebugContext(ctx, "a failure of a client can't be kept", "kind", a.kind, "error", err)
	}
}

func (a *Attempts) bucket(client clientHash) *bucket {
	if known, found := a.clients.GetIfPresent(client); found {
		return known
	}
	b, _ := a.clients.SetIfAbsent(client, &bucket{})
	return b
}

func (a *Attempts) hash(client string) (hash clientHash) {
	mac := hmac.New(sha256.New, a.key)
	mac.Write([]byte(client))
	copy(hash[:], mac.Sum(nil))
	return hash
}

// ClientOf is who a request is from, as far as its address says.
func ClientOf(c echo.Context) string {
	client, _ := netip.ParseAddr(c.RealIP())
	return clientPrefix(client).String()
}
