package certificates

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/mholt/acmez/v3/acme"
)

// keptAccount is what is kept of an account, sealed.
type keptAccount struct {
	Account acme.Account `json:"account"`
	Key     []byte       `json:"key"` // PKCS #8
}

// theAccount is that of all replicas, made with the first order.
func (k *Keeper) theAccount(ctx context.Context) (acme.Account, error) {
	k.mu.Lock()
	known := k.account
	k.mu.Unlock()
	if known != nil {
		return *known, nil
	}
	account, err := k.readAccount(ctx)
	if errors.Is(err, ErrNone) {
		if err = k.makeAccount(ctx); err == nil {
			account, err = k.readAccount(ctx) // another replica may have been quicker
		}
	}
	if err != nil {
		return account, err
	}
	k.mu.Lock()
	k.account = &account
	k.mu.Unlock()
	return account, nil
}

// unseal decrypts a key that the database has.
func (k *Keeper) unseal(sealed []byte, of string) ([]byte, error) {
	plain, err := k.keys.Open(sealed, of)
	if err != nil {
		err = fmt.Errorf("a key in the database can't be read: %w; restore that file, or have the certificates ordered "+
			"anew (autoconfig certificates order NAME)", err)
	}
	return plain, err
}

func (k *Keeper) readAccount(ctx context.Context) (acme.Account, error) {
	sealed, err := k.Store.ACMEAccount(ctx, k.Directory)
	if errors.Is(err, ErrNone) {
		return acme.Account{}, err
	} else if err != nil {
		return acme.Account{}, &Failure{Internal, err}
	}
	text, err := k.unseal(sealed, k.Directory)
	if err != nil {
		return acme.Account{}, &Failure{Account, err}
	}
	var kept keptAccount
	if err := json.Unmarshal(text, &kept); err != nil {
		return acme.Account{}, &Failure{Internal, fmt.Errorf("the account in the database: %w", err)}
	}
	key, err := x509.ParsePKCS8PrivateKey(kept.Key)
	if err != nil {
		return acme.Account{}, &Failure{Internal, fmt.Errorf("the account's key in the database: %w", err)}
	}
	kept.Account.PrivateKey, _ = key.(*ecdsa.PrivateKey)
	return kept.Account, nil
}

func (k *Keeper) makeAccount(ctx context.Context) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return &Failure{Internal, err}
	}
	account := acme.Account{TermsOfServiceAgreed: k.Agreed, PrivateKey: key}
	if k.Contact != "" {
		account.Contact = []string{"mailto:" + k.Contact}
	}
	if k.External.KeyID != "" {
		if err := account.SetExternalAccountBinding(ctx, k.client.Client, acme.EAB(k.External)); err != nil {
			return err
		}
	}
	if account, err = k.client.NewAccount(ctx, account); err != nil {
		var problem acme.Problem
		if errors.As(err, &problem) && problem.Type != acme.ProblemTypeRateLimited && problem.Status < 500 {
			return &Failure{Account, errors.New(problemText(problem))}
		}
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return &Failure{Internal, err}
	}
	text, err := json.Marshal(keptAccount{account, der})
	if err != nil {
		return &Failure{Internal, err}
	}
	if err := k.Store.PutACMEAccount(ctx, k.Directory, k.keys.Close(text, k.Directory)); err != nil {
		return &Failure{Internal, err}
	}
	return nil
}
