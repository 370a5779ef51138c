package certificates

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"

	"github.com/mholt/acmez/v3/acme"
)

// Revoke tells the authority that a name's certificate is not to be trusted any more,
// for a reason of RFC 5280, section 5.3.1: keyCompromise or superseded. It is served
// until there is another one. ErrNone is that there is none.
func (k *Keeper) Revoke(ctx context.Context, name string, compromised bool) error {
	row, err := k.Store.Certificate(ctx, name)
	if err != nil {
		return err
	}
	if !row.HasOne() {
		return ErrNone
	}
	leaf, err := leafOf(row.Chain)
	if err != nil {
		return err
	}
	reason := acme.ReasonSuperseded
	if compromised {
		reason = acme.ReasonKeyCompromise
	}
	// With the certificate's own key, any account may revoke it: also one that is new.
	der, err := k.unseal(row.Key, name)
	if err != nil {
		return err
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return err
	}
	signer, isSigner := key.(crypto.Signer)
	if !isSigner {
		return errors.New("the key in the database can't sign")
	}
	if err := k.client.RevokeCertificate(ctx, acme.Account{}, leaf, signer, reason); err != nil {
		return failureOf(err)
	}
	return nil
}
