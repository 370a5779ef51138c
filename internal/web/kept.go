package web

import "sync"

// mostKept bounds how many pages are kept. A setup page is 10 kB.
const mostKept = 256

// keptPage is what a kept page depends on.
type keptPage struct {
	name, language string
	brand          Brand
	variant        any
}

// keptPages are pages that were rendered already.
type keptPages struct {
	mu    sync.RWMutex
	pages map[keptPage][]byte
}

func (k *keptPages) get(key keptPage) []byte {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.pages[key]
}

// put keeps a page. Where there are too many, all are dropped: the few that are asked
// for often are soon there again.
func (k *keptPages) put(key keptPage, text []byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.pages == nil || len(k.pages) >= mostKept {
		k.pages = map[keptPage][]byte{}
	}
	k.pages[key] = text
}
