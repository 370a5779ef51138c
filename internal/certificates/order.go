package certificates

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	"github.com/mholt/acmez/v3"
)

const (
	// leaseTime is how long a replica may work on a row before another takes it over.
	leaseTime = 5 * time.Minute
	// orderTime bounds an order.
	orderTime = 4 * time.Minute
	// askRenewalEvery is how often the authority is asked when to renew (RFC 9773).
	askRenewalEvery = 24 * time.Hour
)

// work does what is due for a row that this process holds, and gives it back.
func (k *Keeper) work(ctx context.Context, c Certificate) {
	ctx, cancel := context.WithTimeout(ctx, orderTime)
	defer cancel()
	now := k.Now()
	if c.HasOne() && now.Before(c.RenewAt) {
		k.askRenewal(ctx, &c)
		if now.Before(c.RenewAt) {
			c.Failures, c.Code, c.Reason = 0, "", "" // of a clock that was wrong, if there are any
			c.DueAt = minTime(c.RenewAt, spread(now.Add(askRenewalEvery), askRenewalEvery/4))
			k.put(ctx, c)
			return
		}
	}
	c.TriedAt = now
	err := k.order(ctx, &c)
	if err == nil {
		c.Failures, c.Code, c.Reason = 0, "", ""
		k.hold(nil)
		k.put(ctx, c)
		k.Logger.Info("a certificate was issued", "name", c.Name, "until", c.NotAfter)
		return
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) { // this process stops: another goes on
		c.DueAt = now
		k.put(ctx, c)
		return
	}
	if errors.Is(err, ErrNotServed) {
		if err := k.Store.DropCertificate(context.WithoutCancel(ctx), c.Name); err != nil {
			k.Logger.Warn("the certificate of a name that isn't served any more can't be removed", "name", c.Name, "error", err)
		}
		return
	}
	f := failureOf(err)
	k.hold(f)
	c.Failures++
	c.Code, c.Reason = f.Code, f.Error()
	c.DueAt = spread(now.Add(f.Code.pause(c.Failures)), f.Code.pause(c.Failures)/10)
	k.put(ctx, c)
	level := k.Logger.Warn
	if f.Code == Elsewhere { // the ordinary state of a domain whose DNS isn't ready
		level = k.Logger.Debug
	}
	level("a certificate could not be had", "name", c.Name, "code", f.Code, "error", f.Err, "failures", c.Failures,
		"next_try", c.DueAt)
}

// put gives a row back, also where ctx has ended.
func (k *Keeper) put(ctx context.Context, c Certificate) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	if err := k.Store.PutCertificate(ctx, k.Holder, c); err != nil {
		k.Logger.Error("a certificate can't be written to the database", "name", c.Name, "error", err)
	}
}

// order gets a certificate for a row, and puts it in.
func (k *Keeper) order(ctx context.Context, c *Certificate) error {
	if err := k.mayOrder(ctx, c); err != nil {
		return err
	}
	account, err := k.theAccount(ctx)
	if err != nil {
		return err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return &Failure{Internal, err}
	}
	request, err := acmez.NewCSR(key, []string{c.Name})
	if err != nil {
		return &Failure{Internal, err}
	}
	parameters, err := acmez.OrderParametersFromCSR(account, request)
	if err != nil {
		return &Failure{Internal, err}
	}
	if c.HasOne() {
		parameters.Replaces, _ = leafOf(c.Chain) // one that can't be read isn't named
	}
	if err := k.Store.AddOrder(ctx, c.Domain, c.Class, k.Now()); err != nil {
		return &Failure{Internal, err}
	}
	chains, err := k.client.ObtainCertificate(ctx, parameters)
	if err != nil {
		return err
	}
	if len(chains) == 0 {
		return &Failure{Server, errors.New("the ACME server sent no certificate")}
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return &Failure{Internal, err}
	}
	return k.take(c, chains[0].ChainPEM, der)
}

// mayOrder looks at all that can be known before anybody is asked.
func (k *Keeper) mayOrder(ctx context.Context, c *Certificate) error {
	domain, err := k.domainOf(ctx, c.Name)
	if errors.Is(err, ErrNotServed) {
		return err
	} else if err != nil {
		return &Failure{Internal, err}
	}
	c.Domain = domain
	if k.LeadsHere != nil {
		if err := k.LeadsHere(ctx, c.Name); err != nil {
			return &Failure{Elsewhere, err}
		}
	}
	if c.Class == Own || c.HasOne() {
		return nil // what is in use is renewed, whatever others order
	}
	hour := k.Now().Add(-time.Hour)
	for _, limit := range []struct {
		domain *string
		class  Class
		most   int
		what   string
	}{
		{nil, 0, k.PerHour, "all names"},
		{nil, c.Class, classShare(c.Class, k.PerHour), "names that clients asked for first"},
		{&c.Domain, 0, max(4, k.PerHour/10), "the domain"},
	} {
		n, err := k.Store.Orders(ctx, limit.domain, limit.class, hour)
		if err != nil {
			return &Failure{Internal, err}
		}
		if n >= limit.most {
			return &Failure{OwnLimit, fmt.Errorf("%d certificates were ordered for %s in an hour, which is the limit", n,
				limit.what)}
		}
	}
	return nil
}

// classShare lets a stranger, who can ask for names that are served, use up half of the
// orders at most.
func classShare(class Class, perHour int) int {
	if class == Asked {
		return max(1, perHour/2)
	}
	return perHour
}

// take puts a new certificate into a row. One that is old already is served as well, for clients
// may have the right time, and is a failure.
func (k *Keeper) take(c *Certificate, chain, key []byte) error {
	leaf, err := leafOf(chain)
	if err != nil {
		return &Failure{Server, err}
	}
	if err := leaf.VerifyHostname(c.Name); err != nil {
		return &Failure{Server, fmt.Errorf("the certificate isn't for the name: %w", err)}
	}
	c.Chain, c.Key = chain, k.keys.Close(key, c.Name)
	c.NotAfter = leaf.NotAfter
	life := leaf.NotAfter.Sub(leaf.NotBefore)
	// Two thirds through, as authorities recommend; spread over a tenth, so that names that
	// were ordered together aren't renewed together.
	c.RenewAt = spread(leaf.NotBefore.Add(life*6/10), life/10)
	c.DueAt = minTime(c.RenewAt, spread(k.Now().Add(askRenewalEvery/4), askRenewalEvery))
	if now := k.Now(); !now.Before(c.RenewAt) { // it would be ordered again at once, and so would all others
		return &Failure{Server, fmt.Errorf("a certificate was issued whose time, from %s to %s, is over or nearly so at %s: "+
			"the clock of this machine or of the authority is wrong", leaf.NotBefore.Format(time.RFC3339),
			leaf.NotAfter.Format(time.RFC3339), now.UTC().Format(time.RFC3339))}
	}
	return nil
}

// askRenewal asks the authority when to renew, where it says so (RFC 9773).
func (k *Keeper) askRenewal(ctx context.Context, c *Certificate) {
	leaf, err := leafOf(c.Chain)
	if err != nil {
		return
	}
	info, err := k.client.GetRenewalInfo(ctx, leaf)
	if err != nil || !info.HasWindow() {
		return // what was reckoned holds
	}
	window := info.SuggestedWindow
	if c.RenewAt.Before(window.Start) || c.RenewAt.After(window.End) {
		c.RenewAt = spread(window.Start, window.End.Sub(window.Start))
	}
}

func leafOf(chain []byte) (*x509.Certificate, error) {
	block, _ := pem.Decode(chain)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, errors.New("there is no certificate in the chain")
	}
	return x509.ParseCertificate(block.Bytes)
}

func minTime(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
