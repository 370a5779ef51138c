package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"autoconfig/autodiscover"
	"autoconfig/internal/config"
	"autoconfig/internal/directory"
	"autoconfig/internal/server"
	"autoconfig/policy"
	"autoconfig/templates"
	"autoconfig/thunderbird"
)

// mistakes are what keeps a configuration from being used. They are collected, and
// told all at once.
type mistakes []error

func (m *mistakes) add(err error) {
	if err != nil {
		*m = append(*m, err)
	}
}

// at adds an error with the key that it is about.
func (m *mistakes) at(key string, err error) {
	if err != nil {
		*m = append(*m, fmt.Errorf("%s: %w", key, err))
	}
}

// err is nil, the one mistake, or a list of all.
func (m mistakes) err() error {
	switch len(m) {
	case 0:
		return nil
	case 1:
		return m[0]
	}
	text := fmt.Sprintf("%d things are wrong:", len(m))
	for _, one := range m {
		text += "\n- " + strings.ReplaceAll(one.Error(), "\n", "\n  ")
	}
	return errors.New(text)
}

// secretFiles are the files that nobody else on the machine may read, by their keys.
func (s settled) secretFiles() map[string]string {
	files := map[string]string{}
	add := func(key, file string) {
		if file != "" {
			files[key] = s.path(file)
		}
	}
	add("database_file", s.DatabaseFile)
	add("oidc.client_secret_file", s.OIDC.ClientSecretFile)
	add("check.webhook.secret_file", s.Check.Webhook.SecretFile)
	add("tls.key", s.TLS.Key)
	add("signing.key", s.Signing.Key)
	for i, source := range s.Sources {
		add(fmt.Sprintf("sources[%d].sql.database_file", i), source.SQL.DatabaseFile)
		add(fmt.Sprintf("sources[%d].ldap.password_file", i), source.LDAP.PasswordFile)
	}
	return files
}

// readableFiles are the mistakes about who may read them.
func (s settled) readableFiles() (wrong mistakes) {
	for _, key := range sorted(s.secretFiles()) {
		wrong.add(config.CheckPrivate(key, s.secretFiles()[key]))
	}
	return wrong
}

// checkTemplates reads the operator's folder of texts.
func (s settled) checkTemplates() error {
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

// checkPlans refuses sources whose plan isn't there: nobody in their domains would
// be served. A site that is still empty has its plans to come.
func (s settled) checkPlans(ctx context.Context, db plans) (wrong mistakes) {
	for i, source := range s.Sources {
		if err := planOf(ctx, db, source.Plan); errors.Is(err, directory.ErrUnusable) {
			wrong.add(config.At(s.file, s.text, fmt.Sprintf("sources[%d].plan", i), fmt.Errorf("the source %s: %w", source.Name, noPlan(source.Plan, err))))
		}
	}
	if generation, err := db.ConfigGeneration(ctx); err == nil && generation <= 1 {
		return nil
	}
	return wrong
}

// plans is what of our own database says whether a plan can be served.
type plans interface {
	PlanTerms(ctx context.Context, domain policy.Domain) (*policy.Terms, error)
	ConfigGeneration(ctx context.Context) (int64, error)
}

func planOf(ctx context.Context, db plans, plan string) error {
	if plan == "" {
		return nil
	}
	_, err := db.PlanTerms(ctx, policy.Domain{Name: "example.com", Plan: plan})
	return err
}

func noPlan(plan string, err error) error {
	if strings.Contains(err.Error(), "has no plan") {
		return fmt.Errorf("there is no plan %q; its domains without a plan of their own can't be served", plan)
	}
	return err
}

// cannotListen says what of a listener is wrong.
func cannotListen(key string, address config.ListenAddress, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%s: %s is in use already; end the program that listens there (ss -ltnp shows it), or choose another address", key, address)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("%s: %s is not allowed: ports below 1024 need CAP_NET_BIND_SERVICE (systemd: AmbientCapabilities=), or a proxy in front", key, address)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("%s: this machine doesn't have the address of %s", key, address)
	}
	var operation *net.OpError
	if errors.As(err, &operation) {
		err = operation.Err
	}
	return fmt.Errorf("%s: %s: %w", key, address, err)
}

// look finds out what is wrong with a running service.
func (v *running) look(ctx context.Context) (seen server.Seen) {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	g := v.now()
	process := g.site.process
	seen.Add(v.notes()...)
	seen.Add(v.accepted.problems(time.Now())...)
	seen.Add(judgeClock(ctx, v.clock, builtAt(), v.store)...)
	v.lookAtCertificates(ctx, g, &seen)
	for _, key := range sorted(process.secretFiles()) {
		if err := config.CheckPrivate(key, process.secretFiles()[key]); err != nil {
			what, remedy, _ := strings.Cut(strings.TrimPrefix(err.Error(), key+": "), "; ")
			seen.Add(server.Problem{Code: server.FileReadable, Severity: server.Error, Where: key, What: what, Remedy: remedy})
		}
	}
	if config.HasPassword(process.text) && config.IsPublic(process.file) {
		seen.Add(server.Problem{
			Code: server.FileReadable, Severity: server.Warning, Where: process.file,
			What: process.file + " has a password in it, and may be read by others", Remedy: "chmod 640 " + process.file + ", or put the address of the database into a database_file",
		})
	}
	for i, source := range process.Sources {
		if err := planOf(ctx, v.store, source.Plan); errors.Is(err, directory.ErrUnusable) {
			seen.Add(server.Problem{
				Code: server.SourcePlan, Severity: server.Error, Where: fmt.Sprintf("sources[%d].plan", i),
				What: "the source " + source.Name + ": " + noPlan(source.Plan, err).Error(), Remedy: "apply a site that has the plan, or name another one",
			})
		}
	}
	if err := g.handlers.AskProvider(ctx); err != nil {
		seen.Add(server.Problem{
			Code: server.ProviderDown, Severity: server.Error, Where: "oidc.issuer",
			What: "for the help desk, the identity provider can't be used: " + short(err.Error()), Remedy: "see that " + string(process.OIDC.Issuer) + " is right and can be reached from here; it is tried again",
		})
	}
	if host := process.PublicURL.Hostname(); !v.flags.Demo && isLoopback(host) {
		seen.Add(server.Problem{
			Code: server.PublicURLLoopback, Severity: server.Warning, Where: "public_url",
			What: "public_url leads to this machine only: Autodiscover's JSON sends programs there", Remedy: "write the https URL by which this service is reached from outside",
		})
	}
	return seen
}

// lookTime bounds one look: it waits for an identity provider.
const lookTime = 3 * time.Second

// namesLooked is how many of the served names a certificate is held against.
const namesLooked = 100

func (v *running) lookAtCertificates(ctx context.Context, g *generation, seen *server.Seen) {
	process, now := g.site.process, time.Now()
	if g.tls != nil {
		names := map[string]string{"public_url": process.PublicURL.Hostname()}
		if v.listeners.Staff != nil {
			names["staff_url"] = process.staffURL(v.listeners).Hostname()
		}
		var others []string
		if page, err := v.store.PublishedPage(ctx, "", namesLooked); err == nil {
			for _, p := range page {
				others = append(others, thunderbird.HostLabel+"."+p.Name, autodiscover.HostLabel+"."+p.Name)
			}
		}
		g.tls.Judge(seen, now, names, others)
	}
	if g.signing != nil {
		g.signing.Judge(seen, now)
	}
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// short is a text in one line that isn't long: others may have written it.
func short(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > 300 {
		text = strings.ToValidUTF8(text[:300], "") + "..."
	}
	return text
}

// sorted are a map's keys in their order.
func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
