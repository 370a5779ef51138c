package main

import (
	"context"
	"os"
	"time"
)

// fileEvery is how often it is looked whether the configuration's file has changed. A
// change is taken when the file has stayed the same for as long: an editor may be writing.
const fileEvery = 2 * time.Second

// fileVersion tells one state of a file from another, without reading it.
type fileVersion struct {
	modified time.Time
	size     int64
}

func versionOf(file string) fileVersion {
	info, err := os.Stat(file)
	if err != nil { // between two names, as editors do it
		return fileVersion{}
	}
	return fileVersion{info.ModTime(), info.Size()}
}

// fileWatch notices that a file was changed and then left alone.
type fileWatch struct{ before, reported fileVersion }

// changed tells whether now is a new state of the file that has stayed for a while.
func (w *fileWatch) changed(now fileVersion) bool {
	settled := now == w.before && now != w.reported && now != fileVersion{}
	w.before = now
	if settled {
		w.reported = now
	}
	return settled
}

// watchFile reports each change of the configuration's file until ctx ends.
func (v *running) watchFile(ctx context.Context, changed chan<- struct{}) error {
	start := versionOf(v.call.configFile)
	w := fileWatch{start, start}
	tick := time.NewTicker(fileEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		now := versionOf(v.call.configFile)
		if v.wasRead(now) {
			w = fileWatch{now, now}
			continue
		}
		if w.changed(now) {
			select {
			case changed <- struct{}{}:
			case <-ctx.Done():
				return nil
			}
		}
	}
}

// wasRead tells whether this state of the file was read already, by a signal.
func (v *running) wasRead(state fileVersion) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.readFile == state
}
