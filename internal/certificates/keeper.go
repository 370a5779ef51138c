package certificates

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/maypok86/otter/v2"
	"github.com/mholt/acmez/v3"
	"github.com/mholt/acmez/v3/acme"
	"golang.org/x/sync/errgroup"

	"autoconfig/internal/seal"
)

// Options are what a Keeper works with. Zero values are good but for Store, Secret,
// Served, Directory and Agreed.
type Options struct {
	Store Store
	// Secret is the root of the key that seals keys.
	Secret []byte
	// Served finds the domain whose special name a name is, or ErrNotServed. Another error
	// is that nobody can say now.
	Served func(ctx context.Context, name string) (domain string, err error)
	// Own are the service's own names, which are served too.
	Own []string
	// Labels begin the special names of a domain that are wanted ahead.
	Labels []string
	// LeadsHere tells why the DNS of a name doesn't lead to this service. It isn't asked
	// if nil.
	LeadsHere func(ctx context.Context, name string) error

	// Directory is the ACME server's URL.
	Directory string
	// Agreed says that the operator agrees to the authority's terms.
	Agreed bool
	// Contact is the operator's mail address; "" for none.
	Contact string
	// External is an account that the authority knows already.
	External External
	// Challenges are the kinds that are answered: both if empty.
	Challenges []string
	// Roots are the authorities that vouch for the ACME server; the system's if nil.
	Roots *x509.CertPool

	// PerHour bounds the orders of all replicas in an hour: 100 if 0. Names that clients
	// asked for first have half of them, a domain a tenth.
	PerHour int
	// AtOnce is how many orders this process works on at once: 4 if 0.
	AtOnce int
	// Entries is how many certificates are kept in memory: 20,000 if 0, of some 3 kB.
	Entries int
	// Patience is how long a handshake waits for a first certificate: 4 seconds if 0.
	// Thunderbird gives up after 5.
	Patience time.Duration

	// Holder names this process among the replicas.
	Holder string
	// UserAgent tells the authority who asks.
	UserAgent string
	Logger    *slog.Logger
	Now       func() time.Time
}

// External is an account that the authority knows already: RFC 8555, section 7.3.4. The
// zero value is none.
type External struct {
	// KeyID and MACKey are what the authority gave; the key in base64url.
	KeyID, MACKey string
}

// Keeper gets, keeps and renews certificates. It is safe for concurrent use.
type Keeper struct {
	Options
	keys    seal.Seal
	client  *acmez.Client
	loaded  *otter.Cache[string, *entry]
	own     map[string]bool
	wake    chan struct{}
	waiting chan struct{} // places for handshakes that wait

	mu      sync.Mutex
	account *acme.Account
	// heldUntil is until when nothing is ordered, after inARow failures of the server.
	heldUntil time.Time
	inARow    int
}

// mostWaiting bounds the handshakes that wait for a first certificate.
const mostWaiting = 64

// How often is looked for work, for what other replicas have done, and for domains that
// are new.
const (
	workEvery = 5 * time.Second
	seeEvery  = 500 * time.Millisecond
	wantEvery = time.Minute
)

// New makes a Keeper, which does nothing before Run.
func New(o Options) (*Keeper, error) {
	if !o.Agreed {
		return nil, errors.New("the authority's terms aren't agreed to")
	}
	o.PerHour, o.AtOnce = cmp.Or(o.PerHour, 100), cmp.Or(o.AtOnce, 4)
	o.Patience = cmp.Or(o.Patience, 4*time.Second)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if len(o.Challenges) == 0 {
		o.Challenges = []string{acme.ChallengeTypeTLSALPN01, acme.ChallengeTypeHTTP01}
	}
	keys, err := seal.New(o.Secret, "autoconfig keys of certificates")
	if err != nil {
		return nil, err
	}
	loaded, err := otter.New(&otter.Options[string, *entry]{MaximumSize: cmp.Or(o.Entries, 20_000)})
	if err != nil {
		return nil, err
	}
	k := &Keeper{
		Options: o, keys: keys, loaded: loaded, own: map[string]bool{},
		wake: make(chan struct{}, 1), waiting: make(chan struct{}, mostWaiting),
	}
	for _, name := range o.Own {
		k.own[name] = true
	}
	k.client = k.newClient()
	return k, nil
}

func (k *Keeper) newClient() *acmez.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{RootCAs: k.Roots}
	client := &acmez.Client{
		Client: &acme.Client{
			Directory: k.Directory, UserAgent: k.UserAgent, PollTimeout: time.Minute,
			HTTPClient: &http.Client{Transport: transport, Timeout: 30 * time.Second},
		},
		ChallengeSolvers: map[string]acmez.Solver{},
	}
	for _, kind := range k.Challenges {
		client.ChallengeSolvers[kind] = &solver{k}
	}
	return client
}

// Run works until ctx ends.
func (k *Keeper) Run(ctx context.Context) error {
	defer k.client.HTTPClient.CloseIdleConnections()
	group, ctx := errgroup.WithContext(ctx)
	every := func(interval time.Duration, wake <-chan struct{}, do func(context.Context)) {
		group.Go(func() error {
			tick := time.NewTicker(interval)
			defer tick.Stop()
			for {
				do(ctx)
				select {
				case <-ctx.Done():
					return nil
				case <-tick.C:
				case <-wake:
				}
			}
		})
	}
	var mark int64
	every(seeEvery, nil, func(ctx context.Context) { k.see(ctx, &mark) })
	every(wantEvery, nil, k.want)
	for i := range k.AtOnce {
		// Each begins with another class: one that is never empty keeps no other waiting.
		turn := i
		every(workEvery, k.wake, func(ctx context.Context) {
			for k.workOne(ctx, turn) && ctx.Err() == nil {
				turn++
			}
		})
	}
	return group.Wait()
}

// see has what another replica has renewed read again at its next use. Until then the
// last one is kept, for a database that is down.
func (k *Keeper) see(ctx context.Context, mark *int64) {
	names, next, err := k.Store.CertificatesSince(ctx, *mark)
	if err != nil {
		return // the database's health is told elsewhere
	}
	*mark = next
	for _, name := range names {
		if last, found := k.loaded.GetIfPresent(name); found {
			k.loaded.Set(name, &entry{certificate: last.certificate})
		}
	}
}

// want adds rows for what is served since. One replica does it.
func (k *Keeper) want(ctx context.Context) {
	now := k.Now()
	mine, err := k.Store.TakeLease(ctx, "names of certificates", k.Holder, now, now.Add(wantEvery))
	if err != nil || !mine {
		return
	}
	var own []Certificate
	for _, name := range k.Own {
		own = append(own, Certificate{Name: name, Class: Own})
	}
	err = errors.Join(k.Store.WantCertificates(ctx, now, own...), k.Store.WantSpecialNames(ctx, now, k.Labels))
	if err != nil && ctx.Err() == nil {
		k.Logger.Warn("names that need certificates can't be noted", "error", err)
	}
}

// turns are what is looked for, in this order, each worker beginning at another place.
var turns = []struct {
	class    Class
	renewals bool
}{{Own, false}, {Ahead, true}, {Ahead, false}, {Asked, true}, {Asked, false}}

// workOne works on one row, if one is due.
func (k *Keeper) workOne(ctx context.Context, turn int) (worked bool) {
	now := k.Now()
	if k.isHeld(now) {
		return false
	}
	for i := range turns {
		t := turns[(turn+i)%len(turns)]
		c, found, err := k.Store.ClaimCertificate(ctx, t.class, t.renewals, k.Holder, now, now.Add(leaseTime))
		if err != nil {
			return false
		}
		if found {
			k.work(ctx, c)
			return true
		}
	}
	return false
}

func (k *Keeper) isHeld(now time.Time) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return now.Before(k.heldUntil)
}

// hold stops orders for a while after a failure that others would share, and lets them
// go on after a success.
func (k *Keeper) hold(f *Failure) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if f == nil {
		k.inARow, k.heldUntil = 0, time.Time{}
		return
	}
	if pause := f.Code.holdsUp(k.inARow); pause > 0 {
		k.inARow++
		k.heldUntil = k.Now().Add(pause)
	}
}

// hurry lets a worker look now.
func (k *Keeper) hurry() {
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// spread is a time near another one, so that not all are due at once.
func spread(at time.Time, by time.Duration) time.Time {
	if by <= 0 {
		return at
	}
	return at.Add(rand.N(by)) //nolint:gosec // nothing is secured by it
}
