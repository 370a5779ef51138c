package reading

import (
	"math"
	"regexp"
	"strings"
)

// What Thunderbird's InputSanitizer.sys.mjs and hostnameUtils.sys.mjs do.

// sanitizeInteger is InputSanitizer.integer.
func sanitizeInteger(v value) (float64, error) {
	n := parseInt(v.String())
	if v.kind == number && !math.IsNaN(v.number) {
		n = math.Trunc(v.number)
	}
	if math.IsNaN(n) {
		return 0, refuse("%q is not a number", v)
	}
	return n, nil
}

func sanitizePort(v value) (int, error) {
	n, err := sanitizeInteger(v)
	if err == nil && (n < 1 || n > 65535) {
		err = refuse("%q is not a port", v)
	}
	return int(n), err
}

func sanitizeBoolean(v value) (bool, error) {
	if v.kind != boolean { // "true" in any letter case is one already
		return false, refuse("%q is neither true nor false", v)
	}
	return v.truth, nil
}

var (
	hostWithPlaceholder = regexp.MustCompile(`^[a-zA-Z0-9.-]*(%[A-Z0-9]+%[a-zA-Z0-9.-]*)+$`)
	hostPattern         = regexp.MustCompile(`(?i)^(([a-z0-9]|[a-z0-9][a-z0-9-]{0,61}[a-z0-9])\.)*([a-z0-9]|[a-z0-9][a-z0-9-]{0,61}[a-z0-9])\.?$`)
	octet               = regexp.MustCompile(`^(0|[1-9][0-9]{0,9})$`)
	hextet              = regexp.MustCompile(`^[0-9a-f]{1,4}$`)
)

// sanitizeHost is InputSanitizer.hostname.
func sanitizeHost(v value) (string, error) {
	if v.falsy() {
		return "", refuse("the host name is empty")
	}
	host := trim(v.String())
	if hostWithPlaceholder.MatchString(host) {
		return host, nil
	}
	legal := len(host) <= 255 && hostPattern.MatchString(host) && isASCII(host)
	if !legal && !isIPv4(host) && !isIPv6(host) {
		return "", refuse("%q is not a host name", host)
	}
	return strings.ToLower(host), nil
}

func isASCII(s string) bool { return strings.IndexFunc(s, func(r rune) bool { return r > 0x7F }) < 0 }

func isIPv4(host string) bool {
	parts := strings.Split(host, ".")
	if len(parts) != 4 {
		return false
	}
	for _, p := range parts {
		if !octet.MatchString(p) || toNumber(p) > 255 {
			return false
		}
	}
	return parts[0] != "0"
}

// isIPv6 is isLegalIPv6Address: one "::", no brackets, no zone, not the unspecified one.
func isIPv6(host string) bool {
	parts := strings.Split(strings.ToLower(host), ":")
	if len(parts) < 3 {
		return false
	}
	if last := parts[len(parts)-1]; isIPv4(last) {
		parts = append(parts[:len(parts)-1], "1", "1") // two groups; their value doesn't matter
	}
	empty := 0
	for i := 1; i < len(parts)-1; i++ {
		if parts[i] == "" {
			if empty != 0 {
				return false
			}
			empty = i
		}
	}
	count := len(parts)
	if empty != 0 {
		count = max(count, 8)
	}
	if count != 8 {
		return false
	}
	zero := true
	for _, p := range parts {
		if p != "" && !hextet.MatchString(p) {
			return false
		}
		zero = zero && strings.Trim(p, "0") == ""
	}
	return !zero
}
