// Package certificates gets a TLS certificate for each name by which programs come,
// from an ACME server (RFC 8555), keeps it in the database that all replicas share,
// and renews it. Names that aren't served cost a look-up, and have no certificate.
package certificates
