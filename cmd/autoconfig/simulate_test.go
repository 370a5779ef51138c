package main

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"autoconfig/clients"
	"autoconfig/internal/doctor/simulate"
	"autoconfig/internal/testkit"
)

func TestSimulateShowsEachStep(t *testing.T) {
	t.Parallel()
	server := testkit.StartDNS(t, "127.0.0.1:0", "_imaps._tcp.example.com. SRV 0 1 993 imap.example.com.", "_submissions._tcp.example.com. SRV 0 1 465 smtp.example.com.")
	command := "autoconfig simulate --demo --resolver " + server.Addr + " office@example.com "
	for args, want := range map[string]string{
		"--client fairemail":               "SRV _imaps._tcp.example.com\n      0 1 993 imap.example.com.\n      keeps it",
		"--client fairemail; echo exit $?": "IMAP      imap.example.com:993  tls  office@example.com\n  SMTP      smtp.example.com:465  tls  office@example.com\n\nexit 0",
		"--client kmail; echo exit $?":     "no account: nothing that it asks gives a usable account\n\nexit 1",
		"--client pine":                    "must be one of",
	} {
		if seen := shell(t, "", command+args); !strings.Contains(seen, want) {
			t.Errorf("simulate %s shows\n%s\nwant %s", args, seen, want)
		}
	}
	out, err := exec.Command("sh", "-c", command+"--json").Output()
	var all []simulate.Result
	if jsonErr := json.Unmarshal(out, &all); jsonErr != nil || err == nil || len(all) != len(clients.Simulations()) {
		t.Errorf("%v %v\n%s", jsonErr, err, out)
	}
}
