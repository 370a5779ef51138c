// Package pacc writes and reads the configuration document of
// draft-ietf-mailmaint-pacc (-03) and its digest in the DNS. The document is the
// same for a whole domain: it can't carry an account's own protocol.
package pacc
