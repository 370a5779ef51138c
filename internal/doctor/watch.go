package doctor

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"log/slog"
	"slices"
	"time"

	"autoconfig/internal/queue"
)

// Result is the stored result of a domain's last check.
type Result struct {
	Report    Report    `json:"report"`
	CheckedAt time.Time `json:"checked_at"`
	// DueAt is when the next check is due.
	DueAt time.Time `json:"due_at"`
	// Failures counts consecutive inconclusive checks.
	Failures int `json:"failures,omitempty"`
	// Source is the source that lists the domain; empty for one of our own.
	Source string `json:"source,omitempty"`
}

// State summarises the report in one word: the worst severity, or "good".
func (r Report) State() string { return cmp.Or(string(r.Worst()), "good") }

// inconclusive reports whether no question was answered.
func (r Report) inconclusive() bool {
	for _, f := range r.Findings {
		// The two of the policy need no question.
		if !slices.Contains(unknown, f.Code) && f.Code != PolicyMisleads && f.Code != PolicyServerless {
			return false
		}
	}
	return slices.ContainsFunc(r.Findings, func(f Finding) bool {
		return slices.Contains(unknown, f.Code) && f.Severity == Error
	})
}

// Results stores results, and the lease that decides which replica checks. The store
// implements it.
type Results interface {
	TakeLease(ctx context.Context, name, holder string, now, until time.Time) (bool, error)
	DueChecks(ctx context.Context, now time.Time, limit int) ([]string, error)
	PutCheck(ctx context.Context, r Result) error
	// Check returns the last result, or an error if there is none or it can't be read.
	Check(ctx context.Context, name string) (Result, error)
}

// Watcher checks domains on a schedule; of several replicas, one at a time.
type Watcher struct {
	Results Results
	Checker *Checker
	// Plan returns a name's plan.
	Plan func(ctx context.Context, name string) (*Plan, error)
	// Changed is called for every domain whose state has changed.
	Changed func(ctx context.Context, before, after Result)
	// Every is the interval between two checks of a domain.
	Every time.Duration
	// Holder names this replica.
	Holder string
	Logger *slog.Logger
	// Now defaults to time.Now, Tick to every ten seconds.
	Now  func() time.Time
	Tick <-chan time.Time
}

const (
	watchEvery = 10 * time.Second
	watchLease = 2 * time.Minute
	// watchBatch bounds the checks of one tick, so that the lease is renewed in time: a
	// check takes at most checkTimeout, and watchAtOnce run concurrently.
	watchBatch  = 16
	watchAtOnce = 8
	// retryFirst is the delay after an inconclusive check; it doubles each time.
	retryFirst = 5 * time.Minute
)

// Run checks what is due until ctx ends.
func (w *Watcher) Run(ctx context.Context) error {
	queue.Work(ctx, w.Tick, watchEvery, w.Once, func(err error) {
		w.Logger.Error("domains can't be checked", "error", err)
	})
	return nil
}

// Once checks what is due, unless another replica does.
func (w *Watcher) Once(ctx context.Context) error {
	now := w.now()
	mine, err := w.Results.TakeLease(ctx, "checks", w.Holder, now, now.Add(watchLease))
	if err != nil || !mine {
		return err
	}
	names, err := w.Results.DueChecks(ctx, now, watchBatch)
	if err != nil {
		return err
	}
	slots := make(chan struct{}, watchAtOnce)
	errs := make(chan error, len(names))
	for _, name := range names {
		slots <- struct{}{}
		go func() {
			defer func() { <-slots }()
			errs <- w.one(ctx, name)
		}()
	}
	for range names {
		if failure := <-errs; err == nil {
			err = failure
		}
	}
	return err
}

func (w *Watcher) one(ctx context.Context, name string) error {
	plan, err := w.Plan(ctx, name)
	if err != nil {
		return err
	}
	before, missing := w.Results.Check(ctx, name)
	after := Result{Report: w.Checker.Check(ctx, name, plan), CheckedAt: w.now()}
	if ctx.Err() != nil {
		return ctx.Err() // an interrupted check is no result
	}
	wait := w.spread(name)
	if after.Report.inconclusive() {
		after.Failures = before.Failures + 1
		wait = queue.Pause(retryFirst, wait, before.Failures)
	}
	after.DueAt = after.CheckedAt.Add(wait)
	if err := w.Results.PutCheck(ctx, after); err != nil {
		return err
	}
	if w.Changed != nil && missing == nil && before.Report.State() != after.Report.State() {
		w.Changed(ctx, before, after)
	}
	return nil
}

// spread is Every plus or minus up to a tenth, constant for a name, so that checks that
// began at the same time drift apart.
func (w *Watcher) spread(name string) time.Duration {
	sum := sha256.Sum256([]byte(name))
	part := float64(binary.BigEndian.Uint16(sum[:])) / (1 << 16)
	return time.Duration(float64(w.Every) * (0.9 + 0.2*part))
}

func (w *Watcher) now() time.Time {
	if w.Now != nil {
		return w.Now()
	}
	return time.Now()
}
