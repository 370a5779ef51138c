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

// identity is a digest of an offer's content. A changed offer has another one, so that
// nothing that is cached under it has to be invalidated.
type identity [sha256.Size]byte

// offer is what domains on one plan share.
type offer struct {
	policy.Common
	identity identity
}

// offers are the offers that entries use now. Weak pointers let an offer go with its last
// entry.
type offers struct {
	mu   sync.Mutex
	kept map[identity]weak.Pointer[offer]
}

func newOffers() *offers { return &offers{kept: map[identity]weak.Pointer[offer]{}} }

// share returns the offer with the same content, for all entries that have it.
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

// forget drops an offer that no entry uses any more, unless it has come back.
func (o *offers) forget(id identity) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.kept[id].Value() == nil {
		delete(o.kept, id)
	}
}

// maxTemplates bounds the bytes of all templates, which is some thousands of them. A site
// with more offers, times formats, times decisions renders some of them again.
const maxTemplates = 16 << 20

// templateKey is everything that determines a document but for its slots.
type templateKey struct {
	offer identity
	key   settings.TemplateKey
}

// templates are kept for all domains together.
type templates = otter.Cache[templateKey, *settings.Template]

func newTemplates(size uint64) *templates {
	return otter.Must(&otter.Options[templateKey, *settings.Template]{
		MaximumWeight: size,
		Weigher: func(_ templateKey, template *settings.Template) uint32 {
			return uint32(template.Size()) //nolint:gosec // a few kB
		},
	})
}
