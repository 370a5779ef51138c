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

// LockFolder lets one process at a time prepare the SQLite file in a folder: two that switch
// a new file to WAL at the same time fail with "database is locked" without waiting. It locks
// the folder, as a lock on the file would interfere with SQLite's own. The end of the process
// releases it. A folder that can't be locked, as on some network file systems, is used
// without.
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

// lockPoll is the interval between tries of a taken lock, longer than a look at the version.
const lockPoll = 5 * time.Millisecond
