// Package migrate converts the data of other systems into a site, and exports ours as files. It
// reads, validates and compares; the store makes the changes, behind [Target].
package migrate
