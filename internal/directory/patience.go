package directory

import "time"

// firstStep is the shortest delay between a question to a source and its answer. Each
// further step is twice as long.
const firstStep = 10 * time.Millisecond

// impatience is how long a request waits for a newer answer after another one has waited
// in vain: longer than the first step, before which there is none.
const impatience = 3 * firstStep

// patience is how long a request that has an older answer waits for a newer one. Only
// the first request to a slow upstream waits for all of it.
func (u *upstream) patience() time.Duration {
	if u.slow.Load() {
		return min(impatience, u.lifetimes.patience)
	}
	return u.lifetimes.patience
}

// hold delays an answer to the next step after the question. A source may take longer
// for accounts that it knows; of that, only the step can be seen. Steps double, so that
// few borders are left where a small difference would show.
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
