// Package doctor checks what mail programs find for a domain. It knows the DNS records
// that a domain should publish, asks name servers, mail servers and web servers as
// programs do, and reports what is wrong and how to fix it.
package doctor
