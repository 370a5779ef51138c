package clients

import (
	"strings"
	"testing"
)

func TestFamilies(t *testing.T) { //nolint:paralleltest // it counts allocations
	for agent, want := range map[string]Family{
		"": FamilyNone,
		"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Thunderbird/128.3.0": FamilyThunderbird,
		"Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.17928; Pro)":   FamilyOutlook,
		"okhttp/4.12.0": FamilyOkHTTP,
		"Dalvik/2.1.0 (Linux; U; Android 14; SM-S911B Build/UP1A)":                                                                     FamilyAndroid,
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile Safari/1": FamilyBrowser,
		"accountsd/113 CFNetwork/1568.200.51 Darwin/24.1.0":                                                                            FamilyApple,
		"Prometheus/2.42.0": FamilyMonitor,
		"curl/7.88.1":       FamilyScript,
		"\x00\xff":          FamilyOther,
		strings.Repeat("x", 10_000) + "Thunderbird/1": FamilyOther,
	} {
		if got := FamilyOf(agent, Shape{}); got != want {
			t.Errorf("%.80q is %s, want %s", agent, got.ID(), want.ID())
		}
	}
	if got := FamilyOf("Mozilla/5.0", Shape{Digest: true}); got != FamilyEvolution {
		t.Error(got.ID())
	}
	if got := FamilyOf("", Shape{PostedForm: true}); got != FamilyFairEmail {
		t.Error(got.ID())
	}
	seen := map[string]bool{}
	for f := range Families {
		if f.ID() == "" || f.Name() == "" || seen[f.ID()] {
			t.Errorf("family %d has no name, or another one's", f)
		}
		seen[f.ID()] = true
	}
	agent := "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101"
	if n := testing.AllocsPerRun(100, func() { FamilyOf(agent, Shape{}) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
