// Package links knows setup links: short-lived pages for one account, made by
// staff or by a program, that set up a person's device.
package links
