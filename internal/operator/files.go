package operator

import (
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// watched is a value that was made from files and is made again when they
// change. A change that doesn't work is logged, and the last good value stays.
type watched[T any] struct {
	files  []string
	parse  func(contents [][]byte) (T, error)
	logger *slog.Logger
	now    func() time.Time

	value   atomic.Pointer[T]
	mu      sync.Mutex
	checked time.Time
	stamps  []stamp
	err     error // why the files as they are now can't be used
}

// stamp tells two states of a file apart.
type stamp struct {
	modified time.Time
	size     int64
}

// checkEvery bounds how often the files are looked at.
const checkEvery = time.Second

func watch[T any](
	logger *slog.Logger, now func() time.Time, parse func([][]byte) (T, error), files ...string,
) (*watched[T], error) {
	w := &watched[T]{files: files, parse: parse, logger: logger, now: now}
	if err := w.load(); err != nil {
		return nil, err
	}
	return w, nil
}

// get gives the value, from the files as they were at most a second ago.
func (w *watched[T]) get() T {
	if w.mu.TryLock() { // one looks, the others go on with what there is
		if w.now().Sub(w.checked) >= checkEvery && w.changed() {
			before := w.err
			if w.err = w.load(); w.err != nil {
				if before == nil || before.Error() != w.err.Error() { // one that is gone is looked for every second
					w.logger.Error("changed files can't be used; the last good ones stay", "files", w.files, "error", w.err)
				}
			} else {
				w.logger.Info("changed files are in use", "files", w.files)
			}
		}
		w.mu.Unlock()
	}
	return *w.value.Load()
}

// failure is why the files as they are now can't be used.
func (w *watched[T]) failure() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

func (w *watched[T]) changed() bool {
	w.checked = w.now()
	for i, file := range w.files {
		if s, err := stampOf(file); err != nil || s != w.stamps[i] {
			return true
		}
	}
	return false
}

func (w *watched[T]) load() error {
	w.checked = w.now()
	stamps := make([]stamp, len(w.files))
	contents := make([][]byte, len(w.files))
	for i, file := range w.files {
		var err error
		if stamps[i], err = stampOf(file); err != nil {
			return err
		}
		if contents[i], err = os.ReadFile(file); err != nil {
			return err
		}
	}
	w.stamps = stamps // also of files that can't be used: they are complained of once
	value, err := w.parse(contents)
	if err != nil {
		return err
	}
	w.value.Store(&value)
	return nil
}

func stampOf(file string) (stamp, error) {
	info, err := os.Stat(file)
	if err != nil {
		return stamp{}, err
	}
	return stamp{info.ModTime(), info.Size()}, nil
}
