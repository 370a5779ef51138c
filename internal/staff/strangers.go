package staff

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Bounds of the audit entries that all unknown clients together cause: a hundred at once, and one a
// second. Whoever has many addresses can neither fill the disk nor hide other entries.
const (
	strangerEntries = 1 // a second
	strangerBurst   = 100
)

// strangers counts the omitted entries.
type strangers struct {
	mu      sync.Mutex
	limiter *rate.Limiter
	left    int
}

// LogStranger records a refused sign-in. The first entry after omitted ones says how many.
func (d *Desk) LogStranger(ctx context.Context, subject, detail string) error {
	left, ok := d.strangers.allow(d.now())
	if !ok {
		return nil
	}
	if left > 0 {
		detail = strings.TrimPrefix(fmt.Sprintf("%s; %d more before it are left out", detail, left), "; ")
	}
	return d.Log(ctx, Actor{Name: "stranger"}, "sign-in refused", subject, "", detail)
}

func (t *strangers) allow(now time.Time) (left int, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.limiter == nil {
		t.limiter = rate.NewLimiter(strangerEntries, strangerBurst)
	}
	if !t.limiter.AllowN(now, 1) {
		t.left++
		return 0, false
	}
	left = t.left
	t.left = 0
	return left, true
}
