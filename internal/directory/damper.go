package directory

import "time"

// logEvery is how often the log says one thing of one source: one that fails some
// questions and answers others would fill it.
const logEvery = time.Minute

// damper lets something be said once in a while.
type damper struct{ last time.Time }

func (d *damper) allows(now time.Time) bool {
	if !d.last.IsZero() && now.Sub(d.last) < logEvery {
		return false
	}
	d.last = now
	return true
}

// outageLog says that an outage begins and, of each whose beginning was said, that it
// ends.
type outageLog struct {
	said   bool
	damper damper
}

// begins tells whether to say so.
func (l *outageLog) begins(now time.Time) bool {
	if l.said || !l.damper.allows(now) {
		return false
	}
	l.said = true
	return true
}

// ends tells whether to say so.
func (l *outageLog) ends() bool {
	said := l.said
	l.said = false
	return said
}
