// Package probe asks: recursive name servers, a zone's own name servers, and web
// servers. A stranger's records never lead it to an address that the policy for
// dialling doesn't permit. Checks and simulations of mail programs stand on it.
package probe
