package clients

// The sources are named with the commit or the day at which they were read.
const (
	thunderbirdCode = "https://github.com/mozilla/releases-comm-central cf9726f, mail/components/accountcreation/modules/"
	androidCode     = "https://github.com/thunderbird/thunderbird-android a59bd67, feature/autodiscovery/autoconfig/"
	evolutionCode   = "https://gitlab.gnome.org/GNOME/evolution, src/mail/e-mail-autoconfig.c"
	kmailCode       = "https://github.com/KDE/kmail-account-wizard 8163b65, src/ispdbservice.cpp"
	deltachatCode   = "https://github.com/chatmail/core 8a5a67d, src/configure.rs, src/configure/auto_mozilla.rs, " +
		"auto_outlook.rs"
	fairemailCode = "https://github.com/M66B/FairEmail e23dd9d, app/src/main/java/eu/faircode/email/EmailProvider.java"
	nextcloudCode = "https://github.com/nextcloud/mail e5734fe, lib/Service/AutoConfig/IspDb.php"
	gearyCode     = "https://gitlab.gnome.org/GNOME/geary a14f5d4, src/client/accounts/accounts-autoconfig.vala"
	clawsCode     = "https://github.com/eworm-de/claws-mail dad7dea, src/wizard.c, src/gtk/gtkutils.c"
	moxCode       = "https://github.com/mjl-/mox 13cc583, http/autoconf.go"
)

var (
	thunderbirdSeen = Source{"Thunderbird 153.7.0esr of Debian 12, and " + thunderbirdCode, Seen}
	evolutionSeen   = Source{"Evolution 3.46.4 of Debian 12, and " + evolutionCode, Seen}
	androidRead     = Source{androidCode, Read}
	qrFormat        = Source{"https://github.com/thunderbird/thunderbird-android 0c4b03e, " +
		"feature/migration/qrcode/qr-code-format.md", Documented}
	k9Build = Source{"https://github.com/thunderbird/thunderbird-android 017307e, app-k9mail/build.gradle.kts " +
		"(feature.migration.launcher.noop)", Read}
	kmailRead     = Source{kmailCode, Read}
	deltachatRead = Source{deltachatCode, Read}
	fairemailRead = Source{fairemailCode, Read}
	nextcloudRead = Source{nextcloudCode, Read}
	gearyRead     = Source{gearyCode, Read}
	clawsRead     = Source{clawsCode, Read}

	appleProfiles = Source{"https://github.com/apple/device-management b6202ca, " +
		"mdm/profiles/com.apple.mail.managed.yaml", Documented}
	appleAsks = Source{moxCode, Reported}

	outlookPOX    = Source{"https://learn.microsoft.com/en-us/openspecs/exchange_server_protocols/ms-oxdscli/78530279-d042-4eb0-a1f4-03b18143cd19", Documented}
	outlookDetect = Source{"https://c7solutions.com/2022/11/troubleshooting-autodetect", Reported}
	outlookOrder  = Source{
		"https://learn.microsoft.com/en-us/previous-versions/office/office-2010/cc511507(v=office.14)", Documented,
	}
	outlookNewPOP3 = Source{
		"https://help.infocert.digital/Home/Guida/guide-to-configuring-legalmail-with-microsoft-365?lang=en", Reported,
	}
	outlookMobile = Source{
		"https://gadgets.ndtv.com/apps/news/microsoft-outlook-android-update-pop3-protocol-compatibility-2102508", Reported,
	}
	outlookMac     = Source{"https://support.microsoft.com/en-au/office/how-do-i-tell-what-type-of-account-i-have-in-outlook-for-mac-e01125fc-bd15-4fb7-8726-66f285cc8aa0", Documented}
	outlookMacAsks = Source{"https://github.com/mailcow/mailcow-dockerized/issues/615", Reported}

	emClient = Source{
		"https://support.emclient.com/index.php?/Knowledgebase/Article/View/258/0/how-does-autodiscover-work", Documented,
	}
	sparkIMAP = Source{"https://sparkmailapp.com/help/234-email-storage-and-backups.html", Documented}
	sparkAsks = Source{"https://migadu.com/guides/spark", Reported}
	gmailHand = Source{"https://portal.prime42.net/knowledgebase/8/Android-Phones-and-Tablets.html", Reported}
	samsung   = Source{"https://informit.com/articles/article.aspx?p=2262136&seqNum=4", Reported}

	// noSign is for what nothing that was read speaks of.
	noSign = Source{"nothing that was read speaks of it", Unverified}
)
