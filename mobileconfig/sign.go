package mobileconfig

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	"github.com/smallstep/pkcs7"
)

// minRSA is the smallest RSA key that is taken, in bits (CA/Browser Forum
// baseline requirements, section 6.1.5).
const minRSA = 2048

// Identity signs profiles: a key with its certificate and the intermediates.
type Identity struct {
	leaf          *x509.Certificate
	intermediates []*x509.Certificate
	key           crypto.Signer
}

// ErrMismatch means that certificate and key, each good by itself, don't belong
// together.
var ErrMismatch = errors.New("the key is not the first certificate's")

// KeyError is what is wrong with a key, rather than with the certificate.
type KeyError struct{ error }

// Unwrap gives the error itself.
func (k KeyError) Unwrap() error { return k.error }

// ParseIdentity reads a certificate, followed by its intermediates, and its key,
// all in PEM. The key is RSA (2048 bits or more) or ECDSA on P-256, in PKCS #8,
// PKCS #1 or SEC 1, and not encrypted. A root at the end of the chain is left
// out: devices have their own.
func ParseIdentity(certificates, key []byte) (*Identity, error) {
	chain, err := parseChain(certificates)
	if err != nil {
		return nil, err
	}
	signer, err := parseKey(key)
	if err != nil {
		return nil, KeyError{err}
	}
	public, ok := signer.Public().(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !public.Equal(chain[0].PublicKey) {
		return nil, ErrMismatch
	}
	return &Identity{leaf: chain[0], intermediates: chain[1:], key: signer}, nil
}

// Chain is the certificate with its intermediates. Callers must not change it.
func (i *Identity) Chain() []*x509.Certificate {
	return append([]*x509.Certificate{i.leaf}, i.intermediates...)
}

// NotAfter is when the certificate expires.
func (i *Identity) NotAfter() time.Time { return i.leaf.NotAfter }

// Sign wraps a profile in a CMS SignedData (DER) with SHA-256, the certificate
// and its intermediates. The signature has the time of signing in it.
func (i *Identity) Sign(profile []byte) ([]byte, error) {
	signed, err := pkcs7.NewSignedData(profile)
	if err != nil {
		return nil, err
	}
	signed.SetDigestAlgorithm(pkcs7.OIDDigestAlgorithmSHA256) // the default is SHA-1
	if err := signed.AddSignerChain(i.leaf, i.key, i.intermediates, pkcs7.SignerInfoConfig{}); err != nil {
		return nil, fmt.Errorf("sign the profile: %w", err)
	}
	return signed.Finish()
}

func parseChain(data []byte) ([]*x509.Certificate, error) {
	var chain []*x509.Certificate
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certificate %d can't be read: %w", len(chain)+1, err)
		}
		isRoot := bytes.Equal(certificate.RawIssuer, certificate.RawSubject)
		if isRoot && len(chain) > 0 {
			continue
		}
		chain = append(chain, certificate)
	}
	if len(chain) == 0 {
		return nil, errors.New("there is no certificate (PEM, BEGIN CERTIFICATE)")
	}
	return chain, nil
}

func parseKey(data []byte) (crypto.Signer, error) {
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			return nil, errors.New("there is no private key (PEM, BEGIN PRIVATE KEY)")
		}
		key, err := parseKeyBlock(block)
		if err != nil {
			return nil, err
		}
		if key != nil {
			return supported(key)
		}
	}
}

// parseKeyBlock gives nil for a block that isn't a key.
func parseKeyBlock(block *pem.Block) (key any, err error) {
	switch {
	case block.Type == "ENCRYPTED PRIVATE KEY", block.Headers["DEK-Info"] != "":
		return nil, errors.New("the private key is encrypted; decrypt it with: openssl pkey -in KEY -out KEY.plain")
	case block.Type == "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case block.Type == "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case block.Type == "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	}
	if err != nil {
		return nil, fmt.Errorf("the private key can't be read: %w", err)
	}
	return key, nil
}

func supported(key any) (crypto.Signer, error) {
	switch k := key.(type) {
	case *rsa.PrivateKey:
		if bits := k.N.BitLen(); bits < minRSA {
			return nil, fmt.Errorf("the RSA key has %d bits; at least %d are needed", bits, minRSA)
		}
		return k, nil
	case *ecdsa.PrivateKey:
		if k.Curve != elliptic.P256() {
			return nil, fmt.Errorf("the key is on the curve %s; use P-256 or RSA", k.Curve.Params().Name)
		}
		return k, nil
	}
	return nil, fmt.Errorf("a key of type %T can't sign profiles; use RSA or P-256", key)
}
