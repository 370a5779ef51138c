package directory

import (
	"context"
	"errors"
	"fmt"
)

// ErrUnavailable means that what is known can't be asked now.
var ErrUnavailable = errors.New("the directory can't be asked")

// Unavailable says of an error of what is asked that it is an [ErrUnavailable], unless
// who asked has gone.
func Unavailable(err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}
