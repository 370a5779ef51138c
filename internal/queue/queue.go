// Package queue has what working off a queue takes, whatever waits in it: rounds, pauses between tries, and the
// reasons that are kept of failed ones.
package queue

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"
)

// Work calls once in rounds, at each tick or every interval if tick is nil, until ctx ends. failed hears of the
// errors, except for those of the end.
func Work(
	ctx context.Context, tick <-chan time.Time, every time.Duration, once func(context.Context) error, failed func(error),
) {
	if tick == nil {
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		tick = ticker.C
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick:
			if err := once(ctx); err != nil && ctx.Err() == nil {
				failed(err)
			}
		}
	}
}

// Pause is how long to wait after a number of earlier failures: first, which doubles with each of them, up to longest.
func Pause(first, longest time.Duration, failures int) time.Duration {
	return min(longest, first<<min(failures, 20))
}

// maxReason is in characters.
const maxReason = 300

// Reason is why a try failed, as it is kept and shown: one line of valid UTF-8, of at most 300 characters. Texts
// of another server's may be anything, and PostgreSQL takes no other text.
func Reason(text string) string {
	text = strings.ReplaceAll(strings.ToValidUTF8(text, "?"), "\x00", "?")
	text = strings.Join(strings.Fields(text), " ")
	if utf8.RuneCountInString(text) > maxReason {
		text = string([]rune(text)[:maxReason]) + "…"
	}
	return text
}
