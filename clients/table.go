package clients

var (
	both = []Place{AutoconfigHTTPS, WellKnownHTTPS, AutoconfigHTTP, WellKnownHTTP}

	// androidLookup is Thunderbird for Android's and K-9 Mail's, which share their code.
	androidLookup = Lookup{
		Places: append(append([]Place{}, both...), Database, MailExchanger, AutoconfigMX, DatabaseMX),
		Sends:  NoAddress, Source: androidRead,
	}
	androidIgnores = []Remark{
		{"POP3 servers", androidRead},
		{"every server after the first of a kind", androidRead},
		{"OAuth2, except at hosts that it knows", androidRead},
	}
	// cloudLookup is what asks nobody but Microsoft's AutoDetect.
	cloudLookup = Lookup{Places: []Place{Cloud}, Sends: Nothing, Source: outlookDetect}
)

var table = []Client{
	{
		ID: "thunderbird", Name: "Thunderbird", Simulation: "thunderbird", Shown: true,
		Devices: []Device{Windows, Mac, Linux, Other},
		Lookup: Lookup{
			Places: append(append([]Place{}, both...), DesktopDatabase, MailExchanger, AutoconfigMX, DesktopDatabaseMX,
				AutodiscoverPOX, DomainPOX, AutodiscoverPOXHTTP, AutodiscoverSRV, Guesses),
			Sends: Address, Source: thunderbirdSeen,
		},
		IMAP: Ability{ByItself, thunderbirdSeen}, POP3: Ability{ByItself, thunderbirdSeen},
		Profile: Trait{false, thunderbirdSeen}, QRCode: Trait{false, thunderbirdSeen},
		Retention:      Trait{true, thunderbirdSeen},
		ChangesNumbers: true, OnlyASCII: true,
		Ignores: []Remark{
			{"every outgoing server but the first that it can use", thunderbirdSeen},
			{"OAuth2, except at hosts that it knows", thunderbirdSeen},
			{"client certificates and SASL names", thunderbirdSeen},
			{"calendars, contacts, webmail and documentation in the document", thunderbirdSeen},
			{"the port and the priority of the SRV record", thunderbirdSeen},
			{"domains with letters that aren't ASCII: it asks nothing", thunderbirdSeen},
			{"zeros in front of a login, and whatever else makes it look like a number", thunderbirdSeen},
		},
	},
	{
		ID: "thunderbird_android", Name: "Thunderbird for Android", Simulation: "thunderbird-android", Shown: true,
		Devices: []Device{Android}, Lookup: androidLookup,
		IMAP: Ability{ByItself, androidRead}, POP3: Ability{ByHand, androidRead},
		Profile: Trait{false, androidRead}, QRCode: Trait{true, qrFormat}, Retention: Trait{false, androidRead},
		Ignores: androidIgnores,
	},
	{
		ID: "k9", Name: "K-9 Mail", Simulation: "thunderbird-android", Shown: true,
		Devices: []Device{Android}, Lookup: androidLookup,
		IMAP: Ability{ByItself, androidRead}, POP3: Ability{ByHand, androidRead},
		Profile: Trait{false, androidRead}, QRCode: Trait{false, k9Build}, Retention: Trait{false, androidRead},
		Ignores: androidIgnores,
	},
	{
		ID: "outlook_classic", Name: "Outlook (classic)", Simulation: "outlook", Shown: true,
		Devices: []Device{Windows},
		Lookup: Lookup{
			Places: []Place{Cloud, ActiveDirectory, DomainPOX, AutodiscoverPOX, AutodiscoverPOXHTTP, AutodiscoverSRV},
			Sends:  Address, Source: outlookOrder,
		},
		IMAP: Ability{ByItself, outlookOrder}, POP3: Ability{ByItself, outlookOrder},
		Profile: Trait{false, noSign}, QRCode: Trait{false, noSign}, Retention: Trait{false, outlookPOX},
		Ignores: []Remark{
			{"everything, where Microsoft's AutoDetect answers first", outlookDetect},
			{"how long mail stays on the server: Autodiscover has no word for it", outlookPOX},
		},
	},
	{
		ID: "outlook_new", Name: "Outlook (new)", Shown: true,
		Devices: []Device{Windows}, Lookup: cloudLookup,
		IMAP: Ability{ByHand, outlookNewPOP3}, POP3: Ability{ByHand, outlookNewPOP3},
		Profile: Trait{false, noSign}, QRCode: Trait{false, noSign}, Retention: Trait{false, noSign},
		Ignores: []Remark{{"everything that the domain publishes", outlookDetect}},
	},
	{
		ID: "apple_ios", Name: "Apple Mail (iPhone, iPad)", Simulation: "apple", Shown: true,
		Devices: []Device{IPhone}, Lookup: Lookup{Places: []Place{BuiltIn}, Sends: Nothing, Source: appleAsks},
		IMAP: Ability{ByProfile, appleProfiles}, POP3: Ability{ByProfile, appleProfiles},
		Profile: Trait{true, appleProfiles}, QRCode: Trait{false, noSign}, Retention: Trait{false, appleProfiles},
		Ignores: appleIgnores,
	},
	{
		ID: "apple_mac", Name: "Apple Mail (Mac)", Simulation: "apple", Shown: true,
		Devices: []Device{Mac}, Lookup: Lookup{Places: []Place{BuiltIn}, Sends: Nothing, Source: appleAsks},
		IMAP: Ability{ByProfile, appleProfiles}, POP3: Ability{ByProfile, appleProfiles},
		Profile: Trait{true, appleProfiles}, QRCode: Trait{false, noSign}, Retention: Trait{false, appleProfiles},
		Ignores: appleIgnores,
	},
	{
		ID: "outlook_mac", Name: "Outlook for Mac", Shown: true,
		Devices: []Device{Mac},
		Lookup:  Lookup{Places: []Place{Cloud, Guesses}, Sends: Nothing, Source: outlookMacAsks},
		IMAP:    Ability{ByHand, outlookMac}, POP3: Ability{ByHand, outlookMac},
		Profile: Trait{false, noSign}, QRCode: Trait{false, noSign}, Retention: Trait{false, noSign},
		Ignores: []Remark{{"IMAP and POP3 in Autodiscover", Source{outlookMacAsks.At, Unverified}}},
	},
	{
		ID: "gmail", Name: "Gmail", Shown: true,
		Devices: []Device{Android}, Lookup: Lookup{
			Places: []Place{BuiltIn, Guesses}, Sends: Nothing,
			Source: Source{gmailHand.At, Unverified},
		},
		IMAP: Ability{ByHand, gmailHand}, POP3: Ability{ByHand, gmailHand},
		Profile: Trait{false, noSign}, QRCode: Trait{false, noSign}, Retention: Trait{false, noSign},
		Ignores: []Remark{{"everything that the domain publishes", noSign}},
	},
	{
		ID: "samsung", Name: "Samsung Email", Shown: true,
		Devices: []Device{Android}, Lookup: Lookup{
			Places: []Place{BuiltIn, Guesses}, Sends: Nothing,
			Source: Source{samsung.At, Unverified},
		},
		IMAP: Ability{ByHand, samsung}, POP3: Ability{ByHand, samsung},
		Profile: Trait{false, noSign}, QRCode: Trait{false, noSign}, Retention: Trait{false, noSign},
		Ignores: []Remark{{"everything that the domain publishes", noSign}},
	},
	{
		ID: "outlook_mobile", Name: "Outlook (iPhone, iPad, Android)", Shown: true,
		Devices: []Device{IPhone, Android}, Lookup: cloudLookup,
		IMAP: Ability{ByHand, outlookMobile}, POP3: Ability{ByHand, outlookMobile},
		Profile: Trait{false, noSign}, QRCode: Trait{false, noSign}, Retention: Trait{false, noSign},
		Ignores: []Remark{{"everything that the domain publishes", outlookDetect}},
	},
	{
		ID: "evolution", Name: "Evolution", Simulation: "evolution", Shown: true,
		Devices: []Device{Linux},
		Lookup: Lookup{
			Places: []Place{AutoconfigHTTPS, AutoconfigHTTP, WellKnownHTTPS, WellKnownHTTP, Database},
			Sends:  Digest, Source: evolutionSeen,
		},
		IMAP: Ability{ByItself, evolutionSeen}, POP3: Ability{ByItself, evolutionSeen},
		Profile: Trait{false, evolutionSeen}, QRCode: Trait{false, evolutionSeen}, Retention: Trait{false, evolutionSeen},
		Ignores: []Remark{
			{"every server but the last of a type", evolutionSeen},
			{"servers whose element has another attribute than type", evolutionSeen},
			{"OAuth2, except of services that it knows", Source{evolutionCode, Read}},
			{"SRV records, beyond offering host and port as a choice", evolutionSeen},
		},
	},
	{
		ID: "kmail", Name: "KMail", Simulation: "kmail", Shown: true,
		Devices: []Device{Linux},
		Lookup: Lookup{
			Places: []Place{Database, AutoconfigHTTPS, AutoconfigHTTP, WellKnownHTTPS}, Sends: NoAddress,
			Source: kmailRead,
		},
		IMAP: Ability{ByItself, kmailRead}, POP3: Ability{ByItself, kmailRead},
		Profile: Trait{false, kmailRead}, QRCode: Trait{false, kmailRead}, Retention: Trait{false, kmailRead},
		Ignores: []Remark{
			{"every provider but the first", kmailRead},
			{"POP3 before IMAP, and an outgoing server with SSL beside one with STARTTLS", kmailRead},
			{"a socketType that it doesn't know: it means SSL", kmailRead},
		},
	},
	{
		ID: "geary", Name: "Geary", Shown: true,
		Devices: []Device{Linux},
		Lookup:  Lookup{Places: []Place{AutoconfigHTTPS, Database}, Sends: NoAddress, Source: gearyRead},
		IMAP:    Ability{ByItself, gearyRead}, POP3: Ability{Never, gearyRead},
		Profile: Trait{false, gearyRead}, QRCode: Trait{false, gearyRead}, Retention: Trait{false, gearyRead},
		Ignores: []Remark{
			{"every server after the first, which must be IMAP", gearyRead},
			{"login and authentication", gearyRead},
		},
	},
	{
		ID: "claws", Name: "Claws Mail", Shown: true,
		Devices: []Device{Linux, Windows},
		Lookup:  Lookup{Places: []Place{IMAPSRV, POP3SRV, SubmissionSRV}, Sends: NoAddress, Source: clawsRead},
		IMAP:    Ability{ByHand, clawsRead}, POP3: Ability{ByHand, clawsRead},
		Profile: Trait{false, clawsRead}, QRCode: Trait{false, clawsRead}, Retention: Trait{false, clawsRead},
		Ignores: []Remark{
			{"everything but SRV: a button fills host and port of the protocol that the person chose, and the address as " +
				"login", clawsRead},
			{"_submissions._tcp", clawsRead},
		},
	},
	{
		ID: "emclient", Name: "eM Client", Shown: true,
		Devices: []Device{Windows, Mac, Android, IPhone},
		Lookup: Lookup{
			Places: []Place{ActiveDirectory, IMAPSRV, SubmissionSRV, Cloud, DomainPOX, AutodiscoverPOX, Guesses},
			Sends:  Address, SRVFirst: true, Source: emClient,
		},
		IMAP: Ability{ByItself, emClient}, POP3: Ability{ByHand, Source{emClient.At, Unverified}},
		Profile: Trait{false, noSign}, QRCode: Trait{false, noSign}, Retention: Trait{false, noSign},
		Ignores: []Remark{{"autoconfig", Source{emClient.At, Unverified}}},
	},
	{
		ID: "spark", Name: "Spark", Shown: true,
		Devices: []Device{IPhone, Mac, Android, Windows}, Lookup: Lookup{
			Places: []Place{BuiltIn}, Sends: Nothing,
			Source: Source{sparkAsks.At, Unverified},
		},
		IMAP: Ability{ByHand, sparkAsks}, POP3: Ability{Never, sparkIMAP},
		Profile: Trait{false, noSign}, QRCode: Trait{false, noSign}, Retention: Trait{false, sparkIMAP},
		Ignores: []Remark{{"servers without TLS", Source{
			"https://helpspot.readdle.com/spark/index.php?pg=kb.page&id=989",
			Documented,
		}}},
	},
	{
		ID: "fairemail", Name: "FairEmail", Simulation: "fairemail", Shown: true,
		Devices: []Device{Android},
		Lookup: Lookup{
			Places: []Place{
				BuiltIn, IMAPSRV, SubmissionSRV, AutoconfigHTTPS, WellKnownHTTPS, AutoconfigHTTP, WellKnownHTTP,
				Database, DomainPOX, AutodiscoverPOX, Guesses, MailExchanger,
			},
			Sends: Address, SRVFirst: true, TriesLogins: true, Source: fairemailRead,
		},
		IMAP: Ability{ByItself, fairemailRead}, POP3: Ability{ByHand, fairemailRead},
		Profile: Trait{false, fairemailRead}, QRCode: Trait{false, noSign}, Retention: Trait{false, fairemailRead},
		Ignores: []Remark{
			{"every incoming server after the first, which must be IMAP", fairemailRead},
			{"placeholders with anything beside them: it takes them as they are written, and then tries the address and the " +
				"local part", fairemailRead},
			{"every username but the last one of the document", fairemailRead},
			{"authentication, plaintext, and LoginName in Autodiscover", fairemailRead},
		},
	},
	{
		ID: "deltachat", Name: "Delta Chat", Simulation: "deltachat", Shown: true,
		Devices: []Device{Android, IPhone, Windows, Mac, Linux},
		Lookup: Lookup{
			Places: []Place{BuiltIn, AutoconfigHTTPS, WellKnownHTTPS, DomainPOX, AutodiscoverPOX, Database},
			Sends:  NoAddress, Source: deltachatRead,
		},
		IMAP: Ability{ByItself, deltachatRead}, POP3: Ability{Never, deltachatRead},
		Profile: Trait{false, deltachatRead}, QRCode: Trait{false, deltachatRead}, Retention: Trait{false, deltachatRead},
		Ignores: []Remark{
			{"POP3 servers", deltachatRead},
			{"authentication, and LoginName in Autodiscover", deltachatRead},
			{"the status of an answer: a text without tags ends its search", deltachatRead},
		},
	},
	{
		ID: "nextcloud", Name: "Nextcloud Mail", Simulation: "nextcloud",
		Devices: []Device{Other},
		Lookup: Lookup{
			Places: []Place{
				AutoconfigHTTPS, WellKnownHTTPS, Database, AutoconfigHTTP, WellKnownHTTP, MailExchanger,
				AutoconfigMX, WellKnownMX, DatabaseMX, AutoconfigMXHTTP, WellKnownMXHTTP,
			},
			Sends: Address, Source: nextcloudRead,
		},
		IMAP: Ability{ByItself, nextcloudRead}, POP3: Ability{Never, nextcloudRead},
		Profile: Trait{false, nextcloudRead}, QRCode: Trait{false, nextcloudRead}, Retention: Trait{false, nextcloudRead},
		Ignores: []Remark{
			{"POP3 servers, and every server after the first of a kind", nextcloudRead},
			{"authentication, and placeholders in a hostname", nextcloudRead},
			{"encryption, where the socketType is none that it knows", nextcloudRead},
		},
	},
}

var appleIgnores = []Remark{
	{"everything that the domain publishes for IMAP and POP3", appleAsks},
	{"how long mail stays on the server: a profile has no word for it", appleProfiles},
	{"OAuth2: a profile has no word for it", appleProfiles},
}
