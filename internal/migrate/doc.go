// Package migrate turns what other systems have into a site of ours, and writes
// ours as files that other systems read. It reads, validates and compares; what is
// changed in the end is the store's, behind [Target].
package migrate
