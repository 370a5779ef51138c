package config

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// secretSize is the size of a secret in bytes.
const secretSize = 32

// handedOver is the mode of a file that a service manager provides: systemd's credentials on
// a tmpfs, where the group's bit is the mask of an access list, and Kubernetes' secrets with
// an fsGroup. Its reader can't change it.
const handedOver fs.FileMode = 0o440

// LoadSecret reads the secret from which keys derive, and creates it if the file doesn't
// exist. A file that others may read is refused.
func LoadSecret(file string) ([]byte, error) {
	info, err := os.Stat(file)
	if errors.Is(err, fs.ErrNotExist) {
		return createSecret(file)
	} else if err != nil {
		return nil, fmt.Errorf("secret_file: %w", err)
	}
	if perm := info.Mode().Perm(); perm&0o077 != 0 && perm != handedOver {
		return nil, &ReadableError{"secret_file", file, perm, "600"}
	}
	secret, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("secret_file: %w", err)
	}
	if len(secret) != secretSize {
		return nil, fmt.Errorf("secret_file: %s has %d bytes instead of %d; restore it, or remove it to have a new one "+
			"made", file, len(secret), secretSize)
	}
	return secret, nil
}

// CheckPrivate refuses, with a [ReadableError], a file with a secret that everybody on the
// machine may read or its group may change. The group may read it: this is usual for keys of
// ssl-cert, files of root and the service's group, and systemd's credentials. A file that
// can't be examined is left to its reader.
func CheckPrivate(key, file string) error {
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm()&0o027 == 0 {
		return nil // private, or its reader will report why it can't be read
	}
	return &ReadableError{key, file, info.Mode().Perm(), "640"}
}

// IsPublic reports whether everybody on the machine may read a file.
func IsPublic(file string) bool {
	info, err := os.Stat(file)
	return err == nil && info.Mode().Perm()&0o004 != 0
}

// ReadableError is a file with a secret that others than its reader may read.
type ReadableError struct {
	// Key is the configuration's key for it.
	Key    string
	file   string
	mode   fs.FileMode
	better string
}

func (e *ReadableError) Error() string { return e.Key + ": " + e.What() + "; do: " + e.Remedy() }

// What says what is wrong.
func (e *ReadableError) What() string {
	return fmt.Sprintf("%s may be read by others (mode %04o)", e.file, e.mode)
}

// Remedy is the command that fixes it.
func (e *ReadableError) Remedy() string { return "chmod " + e.better + " " + e.file }

func createSecret(file string) ([]byte, error) {
	secret := make([]byte, secretSize)
	_, _ = rand.Read(secret) // never fails
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) { // another process was faster
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

// HasPassword reports whether a text has a URL with a password.
func HasPassword(text []byte) bool { return password.Match(text) }
