// Package doctor proves what mail programs meet: it knows the records that a
// domain should publish, asks name servers, mail servers and web servers as
// programs do, and says what is wrong and how to fix it.
package doctor
