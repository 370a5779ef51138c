package webhook

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// prefix marks a secret in the form of the specification: base64 follows.
const prefix = "whsec_"

// Bounds of a key, in bytes. The specification has 24 to 64 for its own form; texts as they are were
// allowed from 16 before that form was read.
const minSpecified, maxSpecified, minText = 24, 64, 16

// ParseKey reads a secret, without the blanks around it: whsec_ and the key in base64, as the libraries of
// Standard Webhooks read it, or any other text, whose bytes are the key.
func ParseKey(text string) ([]byte, error) {
	text = strings.TrimSpace(text)
	encoded, specified := strings.CutPrefix(text, prefix)
	if !specified {
		if len(text) < minText {
			return nil, fmt.Errorf("it has less than %d bytes", minText)
		}
		return []byte(text), nil
	}
	key, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil, errors.New("what follows " + prefix + " isn't base64")
	}
	if len(key) < minSpecified || len(key) > maxSpecified {
		return nil, fmt.Errorf("what follows %s is %d bytes: use %d to %d", prefix, len(key), minSpecified, maxSpecified)
	}
	return key, nil
}
