package ldapdir

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"autoconfig/internal/directory"
)

// idleFor is how long an idle connection is kept.
const idleFor = 5 * time.Minute

var errClosed = errors.New("directory server: closed")

// pool holds the open connections.
type pool struct {
	slots chan struct{} // one for each call that may run

	mu      sync.Mutex
	closed  bool
	open    map[*conn]bool
	dialing int     // connections that are being made
	idle    []*conn // the one that has waited longest first
	timer   *time.Timer
}

func newPool(size int) *pool {
	return &pool{slots: make(chan struct{}, size), open: map[*conn]bool{}}
}

// call asks a server: by an idle connection to the first one in rank, or else by a new one to
// the first that can be reached. What fails on an idle connection is retried once, on a new
// one. Each remaining server gets its share of the time. ask must have had no effect if it
// fails with a [failure] that may be retried.
func (d *Source) call(ctx context.Context, ask func(context.Context, *conn) error) error {
	select {
	case d.pool.slots <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("directory server: all %d connections are in use: %w", cap(d.pool.slots), ctx.Err())
	}
	defer func() { <-d.pool.slots }()

	order := d.ranked()
	next := 0 // the first server that hasn't been tried, or is to be tried again
	c := d.pool.take(order[0])
	if c != nil {
		next = 1
	}
	var before error
	for asked := 1; ; asked++ {
		if c == nil {
			if next == len(order) {
				next-- // the only one left has dropped a connection: once more
			}
			fresh, err := d.connect(ctx, order[next:])
			if fresh == nil {
				return both(before, err)
			}
			c = fresh
			next = slices.Index(order, c.server) + 1
		}
		shared, cancel := share(ctx, 1+len(order)-next)
		err := ask(shared, c)
		late := shared.Err() != nil || errors.Is(err, context.DeadlineExceeded)
		cancel()
		reused := c.reused
		again := d.recordOutcome(ctx, c.server, err)
		d.give(c)
		c = nil
		if !again || asked == 2 || ctx.Err() != nil || late && next == len(order) {
			return err
		}
		before = err
		if reused && !late {
			next = 0 // the server may have been started again
		}
	}
}

// recordOutcome records whether a server could be asked, and reports whether to ask another
// one.
func (d *Source) recordOutcome(ctx context.Context, s *server, err error) (again bool) {
	var f *failure
	if errors.As(err, &f) && f.again {
		if !errors.Is(ctx.Err(), context.Canceled) { // the caller went away: nobody's fault
			now := d.now()
			s.failed.Store(&now)
			d.pool.drop(s)
		}
		return true
	}
	if err == nil || errors.Is(err, directory.ErrNotFound) {
		s.failed.Store(nil)
	}
	return false
}

// connect connects to the first server that can be reached.
func (d *Source) connect(ctx context.Context, servers []*server) (*conn, error) {
	var problems error
	for i, s := range servers {
		if !d.pool.makeRoom() {
			return nil, errClosed
		}
		shared, release := share(ctx, len(servers)-i)
		bounded, cancel := context.WithTimeout(shared, d.options.Timeout)
		c, err := d.dial(bounded, s)
		cancel()
		release()
		if !d.pool.add(c) {
			return nil, errClosed
		}
		if err == nil {
			return c, nil
		}
		problems = both(problems, err)
		if !d.recordOutcome(ctx, s, err) || ctx.Err() != nil {
			break
		}
	}
	return nil, problems
}

// both joins two errors in one line.
func both(first, second error) error {
	if first == nil {
		return second
	}
	return fmt.Errorf("%w; %w", first, second)
}

// share limits a context to its part of the remaining time.
func share(ctx context.Context, parts int) (context.Context, context.CancelFunc) {
	deadline, bounded := ctx.Deadline()
	if !bounded || parts < 2 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, time.Until(deadline)/time.Duration(parts))
}

// add adds a connection to the pool, or gives up its place if c is nil. If the pool is closed,
// it closes the connection and returns false.
func (p *pool) add(c *conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dialing--
	switch {
	case c == nil:
	case p.closed:
		c.close()
	default:
		p.open[c] = true
	}
	return !p.closed
}

// take returns the most recently used idle connection to a server, or nil.
func (p *pool) take(s *server) *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := len(p.idle) - 1; i >= 0; i-- {
		c := p.idle[i]
		if c.server != s {
			continue
		}
		p.idle = slices.Delete(p.idle, i, i+1)
		if c.ldap.IsClosing() { // the server has closed it
			p.remove(c)
			continue
		}
		c.reused = true
		return c
	}
	return nil
}

// give returns a connection to the pool, unless it is broken.
func (d *Source) give(c *conn) {
	p := d.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.broken || p.closed || c.ldap.IsClosing() {
		p.remove(c)
		return
	}
	c.idleAt = d.now()
	p.idle = append(p.idle, c)
	if p.timer == nil {
		p.timer = time.AfterFunc(idleFor, d.expire)
	}
}

// expire closes connections that have been idle for too long.
func (d *Source) expire() {
	p := d.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	p.timer = nil
	now := d.now()
	p.closeIdle(func(c *conn) bool { return now.Sub(c.idleAt) >= idleFor })
	if len(p.idle) > 0 && !p.closed {
		p.timer = time.AfterFunc(idleFor, d.expire)
	}
}

// drop closes the idle connections to a server that has failed, as they are probably dead
// too.
func (p *pool) drop(s *server) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closeIdle(func(c *conn) bool { return c.server == s })
}

// makeRoom closes idle connections until one more may be opened, and reserves its place until
// [pool.add]. It returns false if the pool is closed.
func (p *pool) makeRoom() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	p.dialing++
	excess := len(p.open) + p.dialing - cap(p.slots)
	p.closeIdle(func(*conn) bool { excess--; return excess >= 0 })
	return true
}

// closeIdle closes some idle connections. The caller holds mu.
func (p *pool) closeIdle(which func(*conn) bool) {
	p.idle = slices.DeleteFunc(p.idle, func(c *conn) bool {
		closes := which(c)
		if closes {
			p.remove(c)
		}
		return closes
	})
}

// remove closes a connection. The caller holds mu.
func (p *pool) remove(c *conn) {
	delete(p.open, c)
	c.close()
}

// shut closes all connections, including those in use, and admits no new ones.
func (p *pool) shut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.idle = nil
	if p.timer != nil {
		p.timer.Stop()
	}
	for c := range p.open {
		p.remove(c)
	}
}

func (p *pool) size() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.open)
}
