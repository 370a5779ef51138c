package server

import (
	"context"

	"github.com/coreos/go-oidc/v3/oidc"
)

// AskProvider tells whether the identity provider can be asked now, and is the one
// that is configured; nil also where there is none. It neither waits for nor
// disturbs anybody who signs in.
func (s *Server) AskProvider(ctx context.Context) error {
	if s.oidc == nil {
		return nil
	}
	_, err := oidc.NewProvider(s.oidc.context(ctx), s.oidc.Issuer)
	return err
}
