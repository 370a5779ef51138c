package links

import (
	"cmp"
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"autoconfig/settings"
)

// Window is how long a use opens a link's page for the browser that used it: phones and in-app
// browsers fail, or fetch twice.
const Window = 15 * time.Minute

// ErrOrder means that an order is invalid.
var ErrOrder = errors.New("invalid link request")

// Keeper makes, opens and uses links.
type Keeper struct {
	Store Store
	// Secret is the root of the keys.
	Secret []byte
	// Tell stores what happens to links for a program that is told ([Notice]).
	Tell bool
	// Now is time.Now if nil.
	Now func() time.Time
}

// letters are in lower case, as chat programs change the case of what looks like a name.
var letters = base32.NewEncoding("0123456789abcdefghijklmnopqrstuv").WithPadding(base32.NoPadding)

// A token has 128 bits, written in 26 letters.
const (
	tokenSize   = 16
	tokenLength = 26
)

func (k *Keeper) now() time.Time {
	if k.Now != nil {
		return k.Now().UTC()
	}
	return time.Now().UTC()
}

func (k *Keeper) mac(label, text string, size int) []byte {
	key, err := hkdf.Key(sha256.New, k.Secret, nil, "autoconfig "+label, sha256.Size)
	if err != nil {
		panic(err) // SHA-256 allows this size
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return mac.Sum(nil)[:size]
}

// Make makes a link and its token, which isn't kept. Errors are [ErrOrder], [ErrOther], [ErrTaken]
// if the caller should retry, and the store's.
func (k *Keeper) Make(ctx context.Context, o Order) (token string, l Link, err error) {
	o.Valid = cmp.Or(o.Valid, DefaultValid)
	o.Uses = cmp.Or(o.Uses, 1)
	if err := o.check(); err != nil {
		return "", Link{}, err
	}
	raw := make([]byte, tokenSize)
	_, _ = rand.Read(raw) // never fails
	if o.IdempotencyKey != "" {
		raw = k.mac("link that is made once", o.By+"\x00"+o.IdempotencyKey, tokenSize)
	}
	token = letters.EncodeToString(raw)
	ordered := ""
	if o.IdempotencyKey != "" {
		ordered = string(k.mac("order of a link", o.Address.String()+"\x00"+o.Request, sha256.Size))
		if l, err = k.Store.LinkByHash(ctx, hashOf(token)); err == nil {
			return again(token, l, o, ordered)
		} else if !errors.Is(err, ErrUnknown) {
			return "", Link{}, err
		}
	}
	now := k.now().Truncate(time.Second)
	l = Link{
		ID: newID(now), Address: o.Address.String(), Domain: o.Domain, Language: o.Language, Note: o.Note,
		MadeBy: o.By, MadeAt: now, ExpiresAt: now.Add(o.Valid).Truncate(time.Second), Uses: o.Uses, Ordered: ordered,
	}
	_, err = k.together(ctx, func(ctx context.Context) (bool, error) {
		return true, k.Store.PutLink(ctx, hashOf(token), o.Address.Key(), l)
	}, noticeOf(l, NoticeExpired, l.ExpiresAt))
	return token, l, err
}

// again returns the existing link if it was made for the same order. For links of earlier versions
// only the address can be compared.
func again(token string, l Link, o Order, ordered string) (string, Link, error) {
	if l.Ordered == "" && l.Address != o.Address.String() || l.Ordered != "" && l.Ordered != ordered {
		return "", Link{}, ErrOther
	}
	l.Again = true
	return token, l, nil
}

func (o Order) check() error {
	switch {
	case o.Address.IsZero():
		return fmt.Errorf("%w: it needs an address", ErrOrder)
	case o.Valid < MinValid || o.Valid > MaxValid:
		return fmt.Errorf("%w: it may be valid for one minute to 30 days", ErrOrder)
	case o.Uses < 1 || o.Uses > MaxUses:
		return fmt.Errorf("%w: it may have 1 to %d uses", ErrOrder, MaxUses)
	case utf8.RuneCountInString(o.Note) > MaxNote || settings.CheckText(o.Note) != nil:
		return fmt.Errorf("%w: a note is one line of at most %d characters", ErrOrder, MaxNote)
	}
	return nil
}

// newID begins with the time, so that IDs sort by it, and ends with 72 random bits.
func newID(now time.Time) string {
	raw := make([]byte, 15)
	_, _ = rand.Read(raw[6:])
	milliseconds := uint64(now.UnixMilli())
	binary.BigEndian.PutUint64(raw, milliseconds<<16|uint64(binary.BigEndian.Uint16(raw[6:8])))
	return letters.EncodeToString(raw)
}

// hashOf is the stored hash of a token. A token has 128 random bits, so a slow hash would protect
// nothing.
func hashOf(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// URL returns the link for a token at the service's public URL.
func URL(public *url.URL, token string) string {
	return public.Scheme + "://" + public.Host + "/s/" + token
}

// IsToken reports whether a text has the form of a token.
func IsToken(text string) bool {
	raw, err := letters.DecodeString(text)
	return err == nil && len(raw) == tokenSize && len(text) == tokenLength // the decoder ignores line breaks
}

// Find finds a link by its token, in any letter case. It is looked up by its hash, so that response
// times don't reveal how much of it is right.
func (k *Keeper) Find(ctx context.Context, token string) (Link, error) {
	token = strings.ToLower(token)
	if len(token) != tokenLength {
		return Link{}, ErrUnknown
	}
	return k.Store.LinkByHash(ctx, hashOf(token))
}

// Use counts a use, and returns the pass with which the same browser may return within [Window].
// [ErrSpent] means that no use was left.
func (k *Keeper) Use(ctx context.Context, l Link) (pass string, err error) {
	now := k.now()
	ok, err := k.together(ctx, func(ctx context.Context) (bool, error) {
		return k.Store.UseLink(ctx, l.ID, now)
	}, func(ctx context.Context) (Notice, error) {
		used, err := k.Store.Link(ctx, l.ID) // which nobody else can use before this use is kept
		return Notice{l.ID, l.Domain, NoticeUsed, used.Used, now}, err
	})
	if err != nil {
		return "", err
	}
	if !ok {
		return "", ErrSpent
	}
	until := now.Add(Window).Unix()
	return fmt.Sprintf("%d.%s", until, k.sign(l.ID, until)), nil
}

func (k *Keeper) sign(id string, until int64) string {
	return base64.RawURLEncoding.EncodeToString(k.mac("link pass", fmt.Sprintf("%s.%d", id, until), sha256.Size))
}

// AdmittedUntil returns until when a pass admits its browser, or the zero time if it doesn't. A revoked
// link admits nobody.
func (k *Keeper) AdmittedUntil(l Link, pass string) time.Time {
	var until int64
	text, signature, _ := strings.Cut(pass, ".")
	if _, err := fmt.Sscanf(text, "%d", &until); err != nil || !l.RevokedAt.IsZero() {
		return time.Time{}
	}
	if !hmac.Equal([]byte(signature), []byte(k.sign(l.ID, until))) || k.now().Unix() >= until {
		return time.Time{}
	}
	return time.Unix(until, 0).UTC()
}

// Record stores an event. Its kind is told once for each link, unless the device is a [Preview].
func (k *Keeper) Record(ctx context.Context, l Link, kind Kind, device Device) error {
	now := k.now()
	_, err := k.together(ctx, func(ctx context.Context) (bool, error) {
		return device != Preview, k.Store.AddLinkEvent(ctx, l.ID, kind, device, now)
	}, noticeOf(l, kind, now))
	return err
}

// Revoke revokes a link.
func (k *Keeper) Revoke(ctx context.Context, l Link, by string) error {
	now := k.now()
	_, err := k.together(ctx, func(ctx context.Context) (bool, error) {
		return k.Store.RevokeLink(ctx, l.ID, by, now)
	}, noticeOf(l, NoticeRevoked, now))
	return err
}

// StateOf is a link's current state.
func (k *Keeper) StateOf(l Link) State { return l.State(k.now()) }
