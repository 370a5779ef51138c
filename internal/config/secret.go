package config

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// secretSize is the length of a secret in bytes.
const secretSize = 32

// LoadSecret reads the secret from which keys derive, and makes it if the file
// isn't there. One that others may read is refused.
func LoadSecret(file string) ([]byte, error) {
	info, err := os.Stat(file)
	if errors.Is(err, fs.ErrNotExist) {
		return createSecret(file)
	} else if err != nil {
		return nil, fmt.Errorf("secret_file: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("secret_file: %s may be read by others (mode %04o); do: chmod 600 %s", file, info.Mode().Perm(), file)
	}
	secret, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("secret_file: %w", err)
	}
	if len(secret) != secretSize {
		return nil, fmt.Errorf("secret_file: %s has %d bytes instead of %d; restore it, or remove it to have a new one made", file, len(secret), secretSize)
	}
	return secret, nil
}

func createSecret(file string) ([]byte, error) {
	secret := make([]byte, secretSize)
	_, _ = rand.Read(secret) // never fails
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) { // another process was quicker
		return LoadSecret(file)
	} else if err != nil {
		return nil, fmt.Errorf("secret_file: %w", err)
	}
	_, err = f.Write(secret)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, errors.Join(fmt.Errorf("secret_file: %w", err), os.Remove(file))
	}
	return secret, nil
}
