package helpdesk_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"html"
	"regexp"
	"testing"

	"github.com/fxamacker/cbor/v2"
)

// passkeyDevice answers as a device with a passkey does, by WebAuthn's text and not by the
// library that we check answers with. Its fields can be made wrong.
type passkeyDevice struct {
	key    *ecdsa.PrivateKey
	id     []byte
	handle string // the person's
	count  uint32
	// What it says: whose page asked, of whom, and what the person did.
	origin, party string
	flags         byte
}

// Flags of section 6.1.
const (
	present  = 1 << 0
	verified = 1 << 2
	attested = 1 << 6
)

func newPasskeyDevice(t *testing.T, origin, party string) *passkeyDevice {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	id := make([]byte, 32)
	_, _ = rand.Read(id)
	return &passkeyDevice{key: key, id: id, origin: origin, party: party, flags: present | verified}
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// question finds what a page asks.
func question(t *testing.T, page string) (options struct {
	Challenge string
	User      struct{ ID string }
}, kept string,
) {
	t.Helper()
	asks := regexp.MustCompile(`data-options="([^"]+)"`).FindStringSubmatch(page)
	keeps := regexp.MustCompile(`name="kept" value="([^"]+)"`).FindStringSubmatch(page)
	if asks == nil || keeps == nil {
		t.Fatalf("the page asks for no passkey:\n%s", page)
	}
	if err := json.Unmarshal([]byte(html.UnescapeString(asks[1])), &options); err != nil {
		t.Fatal(err)
	}
	return options, keeps[1]
}

// client is what the browser adds, section 5.8.1.
func (d *passkeyDevice) client(t *testing.T, ceremony, challenge string) []byte {
	t.Helper()
	data, err := json.Marshal(map[string]any{"type": ceremony, "challenge": challenge, "origin": d.origin, "crossOrigin": false})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// data is the authenticator's, section 6.1.
func (d *passkeyDevice) data(flags byte) []byte {
	party := sha256.Sum256([]byte(d.party))
	return binary.BigEndian.AppendUint32(append(party[:], flags), d.count)
}

// creates answers a page that asks for a new passkey.
func (d *passkeyDevice) creates(t *testing.T, page string) (kept, answer string) {
	t.Helper()
	ask, kept := question(t, page)
	handle, err := base64.RawURLEncoding.DecodeString(ask.User.ID)
	if err != nil {
		t.Fatal(err)
	}
	d.handle = string(handle)
	point, err := d.key.PublicKey.Bytes() // 4, X, Y
	if err != nil {
		t.Fatal(err)
	}
	encoded := func(v any) []byte {
		b, err := cbor.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	public := encoded(map[int]any{1: 2, 3: -7, -1: 1, -2: point[1:33], -3: point[33:]}) // RFC 9053, ES256
	data := append(d.data(d.flags|attested), make([]byte, 16)...)
	data = binary.BigEndian.AppendUint16(data, uint16(len(d.id)))
	data = append(append(data, d.id...), public...)
	return kept, d.answer(t, map[string]any{
		"clientDataJSON":    b64(d.client(t, "webauthn.create", ask.Challenge)),
		"attestationObject": b64(encoded(map[string]any{"fmt": "none", "attStmt": map[string]any{}, "authData": data})),
	})
}

// signs answers a page that asks for a passkey.
func (d *passkeyDevice) signs(t *testing.T, page string) (kept, answer string) {
	t.Helper()
	ask, kept := question(t, page)
	d.count++
	client, data := d.client(t, "webauthn.get", ask.Challenge), d.data(d.flags)
	hash := sha256.Sum256(client)
	digest := sha256.Sum256(append(append([]byte{}, data...), hash[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, d.key, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	return kept, d.answer(t, map[string]any{
		"clientDataJSON": b64(client), "authenticatorData": b64(data), "signature": b64(signature),
		"userHandle": b64([]byte(d.handle)),
	})
}

func (d *passkeyDevice) answer(t *testing.T, response map[string]any) string {
	t.Helper()
	text, err := json.Marshal(map[string]any{
		"id": b64(d.id), "rawId": b64(d.id), "type": "public-key", "response": response, "clientExtensionResults": map[string]any{},
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
