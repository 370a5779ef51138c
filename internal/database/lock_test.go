//go:build unix

package database

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestLockFolder(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	release, err := LockFolder(t.Context(), folder)
	if err != nil {
		t.Fatal(err)
	}
	why := errors.New("long enough")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 4*lockPoll, why)
	defer cancel()
	if _, err := LockFolder(ctx, folder); !errors.Is(err, why) {
		t.Errorf("locked twice: %v", err)
	}
	if other, err := LockFolder(t.Context(), t.TempDir()); err != nil {
		t.Errorf("another folder: %v", err)
	} else {
		other()
	}

	got := make(chan func(), 1)
	go func() {
		next, err := LockFolder(t.Context(), folder)
		if err != nil {
			t.Error(err)
			next = func() {}
		}
		got <- next
	}()
	release()
	select {
	case next := <-got:
		next()
	case <-time.After(time.Minute):
		t.Fatal("whoever waited never got the lock")
	}

	missing := filepath.Join(folder, "missing")
	if _, err := LockFolder(t.Context(), missing); err == nil || !strings.Contains(err.Error(), missing) {
		t.Errorf("no such folder: %v", err)
	}
}
