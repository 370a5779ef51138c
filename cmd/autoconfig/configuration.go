package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"autoconfig/internal/config"
	"autoconfig/internal/helpdesk"
	"autoconfig/internal/staff"
	"autoconfig/internal/web"
	"autoconfig/templates"
)

// configuration is a configuration that was read, and where it stands.
type configuration struct {
	config.Process
	folder string
	file   string // of the configuration, and what is in it
	text   []byte
}

// defaultConfiguration is the file that is read if none is named.
const defaultConfiguration = "autoconfig.yaml"

// systemConfiguration is where the packages keep it.
const systemConfiguration = "/etc/autoconfig/autoconfig.yaml"

// located is the configuration's file: the system's if none was named and there is none
// in the current folder.
func located(file string) string {
	if _, err := os.Stat(file); file != defaultConfiguration || !isntHere(err) {
		return file
	}
	if _, err := os.Stat(systemConfiguration); errors.Is(err, fs.ErrNotExist) {
		return file
	}
	return systemConfiguration
}

// isntHere tells whether a file isn't in the current folder, or whether nobody may look: the
// service's user mayn't look into the home of who typed "sudo -u autoconfig autoconfig …".
func isntHere(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission)
}

// errNoConfiguration means that there is no such file.
var errNoConfiguration = errors.New("there is no")

func readProcess(file string) (configuration, error) {
	source, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return configuration{}, fmt.Errorf("%w %s here\nMake one with: autoconfig init\nOr name another with --config FILE; or try the demo site with --demo", errNoConfiguration, file)
	} else if err != nil {
		return configuration{}, err
	}
	process, err := config.ReadProcess(file, source, os.LookupEnv)
	if err != nil {
		return configuration{}, err
	}
	folder := filepath.Dir(file)
	if process, err = process.Resolve(folder); err != nil {
		return configuration{}, config.At(file, source, "database_file", err)
	}
	return configuration{process, folder, file, source}, nil
}

// path is a file's path relative to the configuration's folder.
func (s configuration) path(file string) string {
	if filepath.IsAbs(file) {
		return file
	}
	return filepath.Join(s.folder, file)
}

// templates is the operator's folder of texts, if there is one.
func (s configuration) templates() fs.FS {
	if s.Templates == "" {
		return nil
	}
	return os.DirFS(s.path(s.Templates))
}

// checkTemplates reads the operator's folder of texts.
func (s configuration) checkTemplates() error {
	if s.Templates != "" {
		if _, err := os.ReadDir(s.path(s.Templates)); err != nil {
			return fmt.Errorf("templates_folder: %w", err)
		}
	}
	if _, err := templates.NewPages(s.templates()); err != nil {
		return fmt.Errorf("templates_folder: %w", err)
	}
	return nil
}

// secret is the root of all keys.
func (s configuration) secret() ([]byte, error) { return config.LoadSecret(s.path(s.SecretFile)) }

// publicSecrets are the files with secrets that others on the machine may read.
func (s configuration) publicSecrets() (wrong []*config.ReadableError) {
	check := func(key, file string) {
		if readable := (*config.ReadableError)(nil); file != "" && errors.As(config.CheckPrivate(key, s.path(file)), &readable) {
			wrong = append(wrong, readable)
		}
	}
	check("database_file", s.DatabaseFile)
	check("oidc.client_secret_file", s.OIDC.ClientSecretFile)
	check("smtp.password_file", s.SMTP.Password)
	check("check.webhook.secret_file", s.Check.Webhook.SecretFile)
	check("links.webhook.secret_file", s.Links.Webhook.SecretFile)
	for i, pair := range s.TLS.All() {
		key := "tls.key"
		if i > 0 || s.TLS.Key == "" {
			key = "tls.pairs"
		}
		check(key, pair.Key)
	}
	check("acme.external_account.key_file", s.ACME.External.KeyFile)
	check("signing.key", s.Signing.Key)
	for i, source := range s.Sources {
		check(fmt.Sprintf("sources[%d].sql.database_file", i), source.SQL.DatabaseFile)
		check(fmt.Sprintf("sources[%d].ldap.password_file", i), source.LDAP.PasswordFile)
	}
	return wrong
}

// identityProvider is that of the help desk, nil if there is none.
func (s configuration) identityProvider() (*helpdesk.OIDC, error) {
	o := s.OIDC
	if o.Issuer == "" {
		return nil, nil
	}
	secret, err := os.ReadFile(s.path(o.ClientSecretFile))
	if err != nil {
		return nil, fmt.Errorf("oidc.client_secret_file: %w", err)
	}
	provider := &helpdesk.OIDC{
		Issuer: string(o.Issuer), ClientID: o.ClientID, ClientSecret: strings.TrimSpace(string(secret)),
		RoleClaim: o.RoleClaim, DomainClaim: o.DomainClaim, Roles: map[string]staff.Role{}, Domains: map[string][]string{},
		Audiences: o.Audiences,
	}
	for value, role := range o.Roles {
		provider.Roles[value] = staff.Role(role)
	}
	for value, domains := range o.Domains {
		provider.Domains[value] = domains
	}
	return provider, nil
}

// staffURL is where the help desk is reached: as configured, or on the private
// listener.
func (s configuration) staffURL(l web.Listeners) *url.URL {
	if s.StaffURL.IsGiven() {
		return s.StaffURL.URL
	}
	return &url.URL{Scheme: "http", Host: l.Private.Addr().String()}
}

// bound puts the addresses that the system gave in place of the configured ones.
func (s *configuration) bound(l web.Listeners) {
	s.AdminListen = listenAddress(l.Private)
	if l.Staff != nil {
		s.StaffListen = listenAddress(l.Staff)
	}
}

func listenAddress(l net.Listener) config.ListenAddress {
	if tcp, ok := l.Addr().(*net.TCPAddr); ok {
		return config.ListenAddress{Host: tcp.IP.String(), Port: tcp.AddrPort().Port()}
	}
	return config.ListenAddress{}
}
