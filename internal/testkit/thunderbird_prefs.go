package testkit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"
)

// Prefs are Thunderbird preferences: strings, booleans and integers.
type Prefs map[string]any

// quietPrefs keep Thunderbird from asking, showing or fetching anything that
// belongs to no test.
func quietPrefs() Prefs {
	return Prefs{
		// 0 means any free port, which it writes to MarionetteActivePort.
		"marionette.port": 0,

		"app.update.enabled":                                    false,
		"app.update.auto":                                       false,
		"app.update.disabledForTesting":                         true,
		"app.normandy.enabled":                                  false,
		"app.donation.eoy.version.viewed":                       999,
		"browser.safebrowsing.malware.enabled":                  false,
		"browser.safebrowsing.phishing.enabled":                 false,
		"browser.shell.checkDefaultClient":                      false,
		"datareporting.healthreport.uploadEnabled":              false,
		"datareporting.policy.dataSubmissionEnabled":            false,
		"datareporting.policy.bypassNotification":               true,
		"toolkit.telemetry.enabled":                             false,
		"toolkit.telemetry.server":                              "data:,",
		"extensions.update.enabled":                             false,
		"extensions.systemAddon.update.enabled":                 false,
		"extensions.getAddons.cache.enabled":                    false,
		"extensions.blocklist.enabled":                          false,
		"services.settings.server":                              "data:,#remote-settings-dummy/v1",
		"network.captive-portal-service.enabled":                false,
		"network.connectivity-service.enabled":                  false,
		"network.dns.disablePrefetch":                           true,
		"network.prefetch-next":                                 false,
		"mail.inappnotifications.url":                           "",
		"mail.inappnotifications.enabled":                       false,
		"mail.provider.suppress_dialog_on_startup":              true,
		"mail.spotlight.firstRunDone":                           true,
		"mail.winsearch.firstRunDone":                           true,
		"mail.shell.checkDefaultClient":                         false,
		"mailnews.start_page.enabled":                           false,
		"mailnews.start_page_override.mstone":                   "ignore",
		"mail.rights.version":                                   1,
		"toolkit.startup.max_resumed_crashes":                   -1,
		"browser.cache.disk.enable":                             false,
		"browser.cache.memory.enable":                           false,
		"network.dnsCacheExpiration":                            0,
		"network.dnsCacheExpirationGracePeriod":                 0,
		"security.OCSP.enabled":                                 0,
		"security.pki.crlite_mode":                              0,
		"security.certerrors.mitm.auto_enable_enterprise_roots": false,
		// Names must come from the test's name server.
		"network.trr.mode":               5,
		"network.proxy.type":             0,
		"network.manage-offline-status":  false,
		"offline.autoDetect":             false,
		"devtools.console.stdout.chrome": true,
		"mail.setup.loglevel":            "All",
	}
}

// userJS writes preferences as a profile reads them.
func userJS(t testing.TB, extra []Prefs) []byte {
	t.Helper()
	prefs := quietPrefs()
	for _, more := range extra {
		maps.Copy(prefs, more)
	}
	var out bytes.Buffer
	for _, key := range slices.Sorted(maps.Keys(prefs)) {
		value, err := json.Marshal(prefs[key])
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "user_pref(%q, %s);\n", key, value)
	}
	return out.Bytes()
}
