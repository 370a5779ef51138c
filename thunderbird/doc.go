// Package thunderbird writes and reads Mozilla's autoconfig format
// (config-v1.1.xml; draft-ietf-mailmaint-autoconfig), which Thunderbird and most
// free mail programs ask for, and the QR payload of Thunderbird for Android.
package thunderbird
