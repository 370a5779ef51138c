package mobileconfig

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// key is what Apple's schema says of a payload's key (github.com/apple/device-management,
// commit b6202ca, folder mdm/profiles). Values are the only ones allowed, where it
// names them.
type key struct {
	kind     string
	required bool
	values   []string
}

// schema holds each payload type's keys. "Configuration" is the profile itself,
// "" what every payload in it has.
var schema = map[string]map[string]key{
	"Configuration": {
		"PayloadIdentifier":        {kind: "string", required: true},
		"PayloadUUID":              {kind: "string", required: true},
		"PayloadType":              {kind: "string", required: true, values: []string{"Configuration"}},
		"PayloadVersion":           {kind: "integer", required: true, values: []string{"1"}},
		"IsEncrypted":              {kind: "boolean"},
		"PayloadContent":           {kind: "array", required: true},
		"EncryptedPayloadContent":  {kind: "data"},
		"PayloadDescription":       {kind: "string"},
		"PayloadDisplayName":       {kind: "string"},
		"HasRemovalPasscode":       {kind: "boolean"},
		"PayloadOrganization":      {kind: "string"},
		"PayloadRemovalDisallowed": {kind: "boolean"},
		"PayloadScope":             {kind: "string", values: []string{"System", "User"}},
		"RemovalDate":              {kind: "date"},
		"DurationUntilRemoval":     {kind: "real"},
		"PayloadExpirationDate":    {kind: "date"},
		"TargetDeviceType":         {kind: "integer", values: []string{"0", "1", "2", "3", "4", "5", "6"}},
		"ConsentText":              {kind: "dictionary"},
	},
	"": {
		"PayloadIdentifier":   {kind: "string", required: true},
		"PayloadUUID":         {kind: "string", required: true},
		"PayloadType":         {kind: "string", required: true},
		"PayloadVersion":      {kind: "integer", required: true, values: []string{"1"}},
		"PayloadDescription":  {kind: "string"},
		"PayloadDisplayName":  {kind: "string"},
		"PayloadOrganization": {kind: "string"},
	},
	"com.apple.mail.managed": {
		"EmailAccountDescription":                        {kind: "string"},
		"EmailAccountName":                               {kind: "string"},
		"EmailAccountType":                               {kind: "string", required: true, values: []string{"EmailTypeIMAP", "EmailTypePOP"}},
		"EmailAddress":                                   {kind: "string"},
		"IncomingMailServerAuthentication":               {kind: "string", required: true, values: []string{"EmailAuthNone", "EmailAuthPassword", "EmailAuthCRAMMD5", "EmailAuthNTLM", "EmailAuthHTTPMD5"}},
		"IncomingMailServerHostName":                     {kind: "string", required: true},
		"IncomingMailServerPortNumber":                   {kind: "integer"},
		"IncomingMailServerUseSSL":                       {kind: "boolean"},
		"IncomingMailServerUsername":                     {kind: "string"},
		"IncomingPassword":                               {kind: "string"},
		"OutgoingPassword":                               {kind: "string"},
		"OutgoingPasswordSameAsIncomingPassword":         {kind: "boolean"},
		"OutgoingMailServerAuthentication":               {kind: "string", required: true, values: []string{"EmailAuthNone", "EmailAuthPassword", "EmailAuthCRAMMD5", "EmailAuthNTLM", "EmailAuthHTTPMD5"}},
		"OutgoingMailServerHostName":                     {kind: "string", required: true},
		"OutgoingMailServerPortNumber":                   {kind: "integer"},
		"OutgoingMailServerUseSSL":                       {kind: "boolean"},
		"OutgoingMailServerUsername":                     {kind: "string"},
		"PreventMove":                                    {kind: "boolean"},
		"PreventAppSheet":                                {kind: "boolean"},
		"SMIMEEnabled":                                   {kind: "boolean"},
		"SMIMESigningEnabled":                            {kind: "boolean"},
		"SMIMESigningCertificateUUID":                    {kind: "string"},
		"SMIMEEncryptionEnabled":                         {kind: "boolean"},
		"SMIMEEncryptionCertificateUUID":                 {kind: "string"},
		"SMIMEEnablePerMessageSwitch":                    {kind: "boolean"},
		"disableMailRecentsSyncing":                      {kind: "boolean"},
		"allowMailDrop":                                  {kind: "boolean"},
		"IncomingMailServerIMAPPathPrefix":               {kind: "string"},
		"SMIMESigningUserOverrideable":                   {kind: "boolean"},
		"SMIMESigningCertificateUUIDUserOverrideable":    {kind: "boolean"},
		"SMIMEEncryptByDefault":                          {kind: "boolean"},
		"SMIMEEncryptByDefaultUserOverrideable":          {kind: "boolean"},
		"SMIMEEncryptionCertificateUUIDUserOverrideable": {kind: "boolean"},
		"SMIMEEnableEncryptionPerMessageSwitch":          {kind: "boolean"},
		"VPNUUID":                                        {kind: "string"},
	},
	"com.apple.caldav.account": {
		"CalDAVAccountDescription": {kind: "string"},
		"CalDAVHostName":           {kind: "string", required: true},
		"CalDAVUsername":           {kind: "string"},
		"CalDAVPassword":           {kind: "string"},
		"CalDAVPrincipalURL":       {kind: "string"},
		"CalDAVUseSSL":             {kind: "boolean"},
		"CalDAVPort":               {kind: "integer"},
		"VPNUUID":                  {kind: "string"},
	},
	"com.apple.carddav.account": {
		"CardDAVAccountDescription": {kind: "string"},
		"CardDAVHostName":           {kind: "string", required: true},
		"CardDAVUsername":           {kind: "string"},
		"CardDAVPassword":           {kind: "string"},
		"CardDAVPrincipalURL":       {kind: "string"},
		"CardDAVUseSSL":             {kind: "boolean"},
		"CardDAVPort":               {kind: "integer"},
		"CommunicationServiceRules": {kind: "dictionary"},
		"VPNUUID":                   {kind: "string"},
	},
}

// The table is Apple's own (github.com/apple/device-management, under its licence).
func TestSchemaIsApples(t *testing.T) {
	t.Parallel()
	const folder = "testdata/schema"
	for kind, want := range schema {
		name := map[string]string{"Configuration": "TopLevel", "": "CommonPayloadKeys"}[kind]
		data, err := os.ReadFile(filepath.Join(folder, cmp.Or(name, kind)+".yaml"))
		if err != nil {
			t.Fatal(err)
		}
		var theirs struct {
			Payloadkeys []struct {
				Key, Type, Presence string
				Rangelist           []string
			}
		}
		if err := yaml.Unmarshal(data, &theirs); err != nil {
			t.Fatal(err)
		}
		if len(theirs.Payloadkeys) != len(want) {
			t.Errorf("%s: %d keys, Apple has %d", kind, len(want), len(theirs.Payloadkeys))
		}
		for _, k := range theirs.Payloadkeys {
			got := want[k.Key]
			if got.kind != strings.Trim(k.Type, "<>") || got.required != (k.Presence == "required") || !slices.Equal(got.values, k.Rangelist) {
				t.Errorf("%s %s: %+v, Apple has %+v", kind, k.Key, got, k)
			}
		}
	}
}
