package staff

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"encoding/hex"
	"errors"
)

// marks encrypt the numbers of audit entries. The numbers count the entries of all domains, so that
// they would reveal to people of one domain how much happens in the others.
type marks struct{ block cipher.Block }

func newMarks(key []byte) (marks, error) {
	block, err := aes.NewCipher(key)
	return marks{block}, err
}

// EntryMark is an entry's identity in the API and the help desk: 32 hexadecimal digits that reveal
// nothing without the secret.
func (d *Desk) EntryMark(id int64) string {
	var text [aes.BlockSize]byte
	binary.BigEndian.PutUint64(text[8:], uint64(id)) //nolint:gosec // converted back by EntryID
	d.marks.block.Encrypt(text[:], text[:])
	return hex.EncodeToString(text[:])
}

// ErrMark means that a text isn't an entry's mark.
var ErrMark = errors.New("not the identity of an audit entry")

// EntryID returns the number of a mark; 0 for "", the beginning of a list. [ErrMark] means that it
// isn't one of ours.
func (d *Desk) EntryID(mark string) (int64, error) {
	if mark == "" {
		return 0, nil
	}
	text, err := hex.DecodeString(mark)
	if err != nil || len(text) != aes.BlockSize {
		return 0, ErrMark
	}
	d.marks.block.Decrypt(text, text)
	id := binary.BigEndian.Uint64(text[8:])
	if binary.BigEndian.Uint64(text) != 0 || id == 0 || id > 1<<62 {
		return 0, ErrMark
	}
	return int64(id), nil
}
