// Package sqldir finds accounts in a database that belongs to the operator: a mail
// server's or a panel's. It asks with SELECTs that the operator has written, or
// with those of a [Preset], and only ever reads.
package sqldir
