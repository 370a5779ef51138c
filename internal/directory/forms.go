package directory

import (
	"crypto/sha256"
	"encoding/json"
	"runtime"
	"sync"
	"weak"

	"github.com/maypok86/otter/v2"

	"autoconfig/policy"
	"autoconfig/settings"
)

// identity is a digest of all that an offer says. Another offer has another one,
// so that nothing that is kept under it ever has to be taken back.
type identity [sha256.Size]byte

// offer is what domains on one plan share.
type offer struct {
	policy.Common
	identity identity
}

// offers are the ones that entries have now; the last entry that goes takes its
// offer along.
type offers struct {
	mu   sync.Mutex
	kept map[identity]weak.Pointer[offer]
}

func newOffers() *offers { return &offers{kept: map[identity]weak.Pointer[offer]{}} }

// share gives the one that says the same.
func (o *offers) share(common *policy.Common) *offer {
	text, err := json.Marshal(common)
	if err != nil {
		panic(err) // it came out of JSON or YAML
	}
	id := identity(sha256.Sum256(text))
	o.mu.Lock()
	defer o.mu.Unlock()
	if shared := o.kept[id].Value(); shared != nil {
		return shared
	}
	shared := &offer{Common: *common, identity: id}
	o.kept[id] = weak.Make(shared)
	runtime.AddCleanup(shared, o.forget, id)
	return shared
}

// forget drops an offer that nobody has any more, unless it has come back.
func (o *offers) forget(id identity) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.kept[id].Value() == nil {
		delete(o.kept, id)
	}
}

// maxForms bounds the bytes of all forms: some thousands of them. A site with more
// offers than that, times formats, times decisions, renders some of them anew.
const maxForms = 16 << 20

// formKey is all that decides a document but for its holes.
type formKey struct {
	offer identity
	shape settings.Shape
}

// forms are kept for all domains together.
type forms struct {
	kept *otter.Cache[formKey, *settings.Form]
}

func newForms(size uint64) *forms {
	return &forms{otter.Must(&otter.Options[formKey, *settings.Form]{
		MaximumWeight: size,
		Weigher:       func(_ formKey, form *settings.Form) uint32 { return uint32(form.Size()) }, //nolint:gosec // a few kB
	})}
}

func (f *forms) get(key formKey, render func() (*settings.Form, error)) (*settings.Form, error) {
	if form, found := f.kept.GetIfPresent(key); found {
		return form, nil
	}
	form, err := render()
	if err != nil {
		return nil, err
	}
	f.kept.Set(key, form)
	return form, nil
}
