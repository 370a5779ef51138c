package staff

import (
	"encoding/base64"
	"encoding/binary"
	"time"
)

// Shown is what a browser keeps of something that is shown once, on the page after the one
// that made it: nobody reads it on the way, and only this session's next page takes it.
func (d *Desk) Shown(session, what string) string {
	return d.keep("shown once\x00"+session, []byte(what), ShownLife)
}

// ToShow is what [Desk.Shown] was given; "" once its time is over, or for another session.
func (d *Desk) ToShow(session, kept string) string {
	what, _ := d.kept("shown once\x00"+session, kept)
	return string(what)
}

// ShownLife is how long the next page may take.
const ShownLife = time.Minute

// Asked is what a browser keeps of a question that it is asked, such as a passkey's challenge.
func (d *Desk) Asked(purpose string, what []byte, life time.Duration) string {
	return d.keep("asked\x00"+purpose, what, life)
}

// Question is what [Desk.Asked] was given; not ok once its time is over, or for another purpose.
func (d *Desk) Question(purpose, kept string) (what []byte, ok bool) {
	return d.kept("asked\x00"+purpose, kept)
}

// keep seals what a browser keeps for a while. It can be taken for nothing but its purpose.
func (d *Desk) keep(purpose string, plain []byte, life time.Duration) string {
	until := binary.BigEndian.AppendUint64(nil, uint64(d.now().Add(life).Unix())) //nolint:gosec // after 1970
	return base64.RawURLEncoding.EncodeToString(d.browsers.Close(append(until, plain...), purpose))
}

func (d *Desk) kept(purpose, text string) (plain []byte, ok bool) {
	sealed, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil, false
	}
	plain, err = d.browsers.Open(sealed, purpose)
	now := uint64(d.now().Unix()) //nolint:gosec // after 1970
	if err != nil || len(plain) < 8 || now >= binary.BigEndian.Uint64(plain) {
		return nil, false
	}
	return plain[8:], true
}
