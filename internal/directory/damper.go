package directory

import "time"

// logEvery is the shortest interval between two equal log entries about one source: a
// source that fails some questions and answers others would fill the log.
const logEvery = time.Minute

// damper limits how often an event is logged.
type damper struct{ last time.Time }

func (d *damper) allows(now time.Time) bool {
	if !d.last.IsZero() && now.Sub(d.last) < logEvery {
		return false
	}
	d.last = now
	return true
}

// outageLog decides when to log the beginning of an outage, and its end if the
// beginning was logged.
type outageLog struct {
	said   bool
	damper damper
}

// begins reports whether the beginning is to be logged.
func (l *outageLog) begins(now time.Time) bool {
	if l.said || !l.damper.allows(now) {
		return false
	}
	l.said = true
	return true
}

// ends reports whether the end is to be logged.
func (l *outageLog) ends() bool {
	said := l.said
	l.said = false
	return said
}
