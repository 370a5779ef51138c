//go:build unix

package database

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// LockFolder lets one process at a time prepare the SQLite file in a folder: two
// that switch a new file to its journal at once get "database is locked" without
// any wait. It is the folder that is locked, for SQLite keeps its own locks on the
// file and would lose them with ours. The lock is gone with the process. A folder
// that can't be locked, as on some network file systems, is taken as it is.
func LockFolder(ctx context.Context, folder string) (release func(), err error) {
	opened, err := os.Open(folder)
	if err != nil {
		return nil, fmt.Errorf("open the database's folder: %w", err)
	}
	for {
		err := syscall.Flock(int(opened.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return func() { _ = opened.Close() }, nil
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(context.Cause(ctx), opened.Close())
		case <-time.After(lockPoll):
		}
	}
}

// lockPoll is how often a taken lock is tried: a look at the version takes less.
const lockPoll = 5 * time.Millisecond
