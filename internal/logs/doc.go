// Package logs is a log that never makes anybody wait: what can't be written in time
// is counted instead.
package logs
