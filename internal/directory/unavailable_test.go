package directory

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
)

func TestAFailureIsMarkedAndKeepsItsText(t *testing.T) {
	t.Parallel()
	err := Unavailable(fmt.Errorf("read the domain: %w", io.ErrUnexpectedEOF))
	if !errors.Is(err, ErrUnavailable) || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%v is not both", err)
	}
	if err.Error() != "read the domain: unexpected EOF" {
		t.Errorf("it says %q", err)
	}
}

func TestNoFailureAndACallerWhoHasGoneAreNotUnavailable(t *testing.T) {
	t.Parallel()
	if err := Unavailable(nil); err != nil {
		t.Errorf("nothing failed, and it is %v", err)
	}
	if err := Unavailable(fmt.Errorf("ask: %w", context.Canceled)); errors.Is(err, ErrUnavailable) || !errors.Is(err, context.Canceled) {
		t.Errorf("the caller has gone, and it is %v", err)
	}
}
