// Package migrate turns what other systems have into a site of ours.
package migrate
