package server

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"autoconfig/mobileconfig"
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
}

// stamp tells two states of a file apart.
type stamp struct {
	modified time.Time
	size     int64
}

// checkEvery bounds how often the files are looked at.
const checkEvery = time.Second

func watch[T any](logger *slog.Logger, now func() time.Time, parse func([][]byte) (T, error), files ...string) (*watched[T], error) {
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
			if err := w.load(); err != nil {
				w.logger.Error("changed files can't be used; the last good ones stay", "files", w.files, "error", err)
			} else {
				w.logger.Info("changed files are in use", "files", w.files)
			}
		}
		w.mu.Unlock()
	}
	return *w.value.Load()
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
		return fmt.Errorf("%s: %w", w.files[0], err)
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

// WatchIdentity reads what signs profiles, a certificate with its chain and a
// key, and reads them again when they change.
func WatchIdentity(logger *slog.Logger, now func() time.Time, certificate, key string) (func() *mobileconfig.Identity, error) {
	w, err := watch(logger, now, func(c [][]byte) (*mobileconfig.Identity, error) {
		return mobileconfig.ParseIdentity(c[0], c[1])
	}, certificate, key)
	if err != nil {
		return nil, err
	}
	return w.get, nil
}

// WatchCertificate is the same for the certificate of the public listener.
func WatchCertificate(logger *slog.Logger, now func() time.Time, certificate, key string) (func(*tls.ClientHelloInfo) (*tls.Certificate, error), error) {
	w, err := watch(logger, now, func(c [][]byte) (*tls.Certificate, error) {
		pair, err := tls.X509KeyPair(c[0], c[1])
		return &pair, err
	}, certificate, key)
	if err != nil {
		return nil, err
	}
	return func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return w.get(), nil }, nil
}
