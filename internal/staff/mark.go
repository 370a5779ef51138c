package staff

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"encoding/hex"
	"errors"
)

// marks turn the numbers of audit entries into text. The database counts the entries of all
// domains together: whoever may read those of one domain would learn from the numbers how
// much happens in the others.
type marks struct{ block cipher.Block }

func newMarks(key []byte) (marks, error) {
	block, err := aes.NewCipher(key)
	return marks{block}, err
}

// EntryMark is what the API and the help desk call an entry: 32 hexadecimal digits that
// tell nothing to whoever doesn't have the secret.
func (d *Desk) EntryMark(id int64) string {
	var text [aes.BlockSize]byte
	binary.BigEndian.PutUint64(text[8:], uint64(id)) //nolint:gosec // and back as it was
	d.marks.block.Encrypt(text[:], text[:])
	return hex.EncodeToString(text[:])
}

// ErrMark is for a text that is no entry's mark.
var ErrMark = errors.New("not the identity of an audit entry")

// EntryID finds the number of a mark again; 0 for no mark at all, which is where a list
// begins. [ErrMark] if it is none of ours.
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
