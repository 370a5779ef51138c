/* Asks Evolution's library for the configuration of addresses, as the account
 * assistant does. Arguments: a home folder, then the addresses. Prints one line of
 * JSON for each: the account, or why there is none. */

#include <locale.h>
#include <stdio.h>

#include <camel/camel.h>
#include <libedataserver/libedataserver.h>
#include <mail/e-mail-autoconfig.h>

typedef gboolean (*SetDetails) (EMailAutoconfig *autoconfig, ESource *source);

static void
print_string (const gchar *key,
              const gchar *value)
{
	const gchar *c;

	printf (", \"%s\": \"", key);
	for (c = value ? value : ""; *c != '\0'; c++) {
		if (*c == '"' || *c == '\\')
			printf ("\\%c", *c);
		else if ((guchar) *c < 0x20)
			printf ("\\u%04x", *c);
		else
			putchar (*c);
	}
	putchar ('"');
}

/* Lets the library fill a fresh source, and prints what it has set. */
static void
print_server (EMailAutoconfig *autoconfig,
              const gchar *key,
              const gchar *extension_name,
              const gchar *backend_name,
              SetDetails set_details)
{
	ESource *source;
	ESourceBackend *backend;
	gboolean found;

	source = e_source_new (NULL, NULL, NULL);

	/* The library's own name for the POP3 backend is wrong ("pop3"), and
	 * it keeps a name that is set already. */
	backend = e_source_get_extension (source, extension_name);
	e_source_backend_set_backend_name (backend, backend_name);

	found = set_details (autoconfig, source);
	printf ("\"%s\": {\"found\": %s", key, found ? "true" : "false");

	if (found) {
		ESourceCamel *camel;
		CamelNetworkSettings *settings;
		GEnumClass *methods;
		GEnumValue *method;

		camel = e_source_get_extension (source, e_source_camel_get_extension_name (backend_name));
		settings = CAMEL_NETWORK_SETTINGS (e_source_camel_get_settings (camel));
		methods = g_type_class_ref (CAMEL_TYPE_NETWORK_SECURITY_METHOD);
		method = g_enum_get_value (methods, camel_network_settings_get_security_method (settings));

		print_string ("host", camel_network_settings_get_host (settings));
		printf (", \"port\": %u", camel_network_settings_get_port (settings));
		print_string ("user", camel_network_settings_get_user (settings));
		print_string ("security", method ? method->value_nick : "unknown");
		print_string ("authMechanism", camel_network_settings_get_auth_mechanism (settings));
		g_type_class_unref (methods);
	}

	printf ("}");
	g_object_unref (source);
}

static void
print_account (ESourceRegistry *registry,
               const gchar *address)
{
	EMailAutoconfig *autoconfig;
	GError *error = NULL;

	autoconfig = e_mail_autoconfig_new_sync (registry, address, NULL, NULL, &error);
	printf ("{\"ok\": %s", autoconfig ? "true" : "false");
	if (autoconfig == NULL) {
		print_string ("why", error ? error->message : "no reason given");
		g_clear_error (&error);
	} else {
		printf (", ");
		print_server (autoconfig, "imap", E_SOURCE_EXTENSION_MAIL_ACCOUNT, "imapx", e_mail_autoconfig_set_imap_details);
		printf (", ");
		print_server (autoconfig, "pop3", E_SOURCE_EXTENSION_MAIL_ACCOUNT, "pop", e_mail_autoconfig_set_pop3_details);
		printf (", ");
		print_server (autoconfig, "smtp", E_SOURCE_EXTENSION_MAIL_TRANSPORT, "smtp", e_mail_autoconfig_set_smtp_details);
		g_object_unref (autoconfig);
	}
	printf ("}\n");
}

int
main (int argc,
      char **argv)
{
	ESourceRegistry *registry;
	GError *error = NULL;
	int i;

	setlocale (LC_ALL, "");
	if (argc < 3) {
		g_printerr ("usage: %s HOME ADDRESS...\n", argv[0]);
		return 1;
	}

	/* The camel providers bring the types of the settings. */
	camel_init (argv[1], TRUE);
	camel_provider_init ();
	e_source_camel_register_types ();

	registry = e_source_registry_new_sync (NULL, &error);
	if (registry == NULL) {
		g_printerr ("source registry: %s\n", error->message);
		return 1;
	}
	for (i = 2; i < argc; i++)
		print_account (registry, argv[i]);

	g_object_unref (registry);
	return 0;
}
