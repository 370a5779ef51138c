//go:build !unix

package database

import "context"

// LockFolder does nothing: there is no lock here that ends with its process.
func LockFolder(context.Context, string) (release func(), err error) { return func() {}, nil }
