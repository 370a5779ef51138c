package directory

import "time"

// firstStep is when the answer of a source is let go at the earliest, counted from
// the question. The next steps are each twice as far.
const firstStep = 10 * time.Millisecond

// impatience is how long a request waits for a newer answer where the last one to do
// so has waited in vain: more than the first step, before which there is none.
const impatience = 3 * firstStep

// patience is how long a request waits where it has an older answer. It may have
// to ask several times, and others come: only the first wait is the whole one.
func (u *upstream) patience() time.Duration {
	if u.slow.Load() {
		return min(impatience, u.lifetimes.patience)
	}
	return u.lifetimes.patience
}

// hold keeps an answer back until the next step after the question. A source takes
// its own time for what it knows and for what it doesn't; of that, only the step can
// be seen. Steps that grow leave few borders between them, where a small difference
// would fall on both sides.
func (u *upstream) hold(asked time.Time) {
	took := u.now().Sub(asked)
	step := firstStep
	for step < took {
		step *= 2
	}
	sleep := u.sleep
	if sleep == nil {
		sleep = time.Sleep
	}
	sleep(step - max(took, 0))
}
