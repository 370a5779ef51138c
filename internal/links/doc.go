// Package links implements setup links: short-lived pages for one account, created by the help
// desk or an integration, with which a person sets up a device.
package links
