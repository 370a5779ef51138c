package directory

import (
	"context"
	"errors"
)

// ErrUnavailable means that something on which an answer depends can't be asked now.
var ErrUnavailable = errors.New("the directory can't be asked")

// Unavailable marks a failure as [ErrUnavailable] and keeps its text. It returns nil for
// nil, and leaves the error of a caller that has gone.
func Unavailable(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	return unavailable{err}
}

type unavailable struct{ error }

func (u unavailable) Unwrap() error { return u.error }

func (u unavailable) Is(target error) bool { return target == ErrUnavailable }
