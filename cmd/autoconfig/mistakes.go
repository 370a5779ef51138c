package main

import (
	"errors"
	"fmt"
	"strings"
)

// unjoined are the errors that were joined into one.
func unjoined(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return []error{err}
}

// keyError is an error that one key is to blame for.
type keyError struct {
	key string
	error
}

func (k keyError) Unwrap() error { return k.error }

// mistakes are what keeps a configuration from being used. They are collected, and
// told all at once.
type mistakes []error

func (m *mistakes) add(err error) {
	if err != nil {
		*m = append(*m, err)
	}
}

// at adds an error with the key that it is about.
func (m *mistakes) at(key string, err error) {
	if err != nil {
		*m = append(*m, fmt.Errorf("%s: %w", key, err))
	}
}

// err is nil, the one mistake, or a list of all.
func (m mistakes) err() error {
	switch len(m) {
	case 0:
		return nil
	case 1:
		return m[0]
	}
	text := fmt.Sprintf("%d things are wrong:", len(m))
	for _, one := range m {
		text += "\n- " + strings.ReplaceAll(one.Error(), "\n", "\n  ")
	}
	return errors.New(text)
}
