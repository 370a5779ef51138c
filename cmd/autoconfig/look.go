package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"autoconfig/autodiscover"
	"autoconfig/internal/config"
	"autoconfig/internal/directory"
	"autoconfig/internal/operator"
	"autoconfig/thunderbird"
)

// lookEvery is how often it is looked for what is wrong.
const lookEvery = 30 * time.Second

// lookTime bounds one look: it waits for an identity provider.
const lookTime = 3 * time.Second

// look finds out what is wrong with a running service.
func (v *running) look(ctx context.Context) (seen operator.Seen) {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	g := v.now()
	seen.Add(v.notes()...)
	seen.Add(v.accepted.problems(time.Now())...)
	seen.Add(judgeClock(ctx, v.clock, builtAt(), v.store)...)
	v.lookAtSecret(ctx, &seen)
	v.lookAtCertificates(ctx, g, &seen)
	v.lookAtMessages(ctx, g, &seen)
	v.lookAtNotices(ctx, g, &seen)
	seen.Add(g.app.process.readable()...)
	seen.Add(v.withoutPlans(ctx, g.app.process)...)
	if err := g.desk.AskProvider(ctx); err != nil {
		seen.Add(operator.Problem{
			Code: operator.ProviderDown, Severity: operator.Error, Where: "oidc.issuer",
			What:   "for the help desk, the identity provider can't be used: " + short(err.Error()),
			Remedy: "see that " + string(g.app.process.OIDC.Issuer) + " is right and can be reached from here; it is tried again",
		})
	}
	if g.app.process.PublicURL.IsLoopback() && !v.flags.Demo {
		seen.Add(loopbackURL())
	}
	return seen
}

// loopbackURL is the problem of a service that only this machine reaches.
func loopbackURL() operator.Problem {
	return operator.Problem{
		Code: operator.PublicURLLoopback, Severity: operator.Warning, Where: "public_url",
		What:   "public_url leads to this machine only: Autodiscover's JSON sends programs there",
		Remedy: "write the https URL by which this service is reached from outside",
	}
}

// readable are the problems of files that others may read.
func (s configuration) readable() (all []operator.Problem) {
	for _, file := range s.publicSecrets() {
		all = append(all, operator.Problem{
			Code: operator.FileReadable, Severity: operator.Error, Where: file.Key,
			What: file.What(), Remedy: "do: " + file.Remedy(),
		})
	}
	if config.HasPassword(s.text) && config.IsPublic(s.file) {
		all = append(all, operator.Problem{
			Code: operator.FileReadable, Severity: operator.Warning, Where: s.file,
			What:   s.file + " has a password in it, and may be read by others",
			Remedy: "chmod 640 " + s.file + ", or put the address of the database into a database_file",
		})
	}
	return all
}

// withoutPlans are the problems of sources whose plan can't be served.
func (v *running) withoutPlans(ctx context.Context, process configuration) (all []operator.Problem) {
	for i, source := range process.Sources {
		if err := planOf(ctx, v.store, source.Plan); errors.Is(err, directory.ErrUnusable) {
			all = append(all, operator.Problem{
				Code: operator.SourcePlan, Severity: operator.Error, Where: fmt.Sprintf("sources[%d].plan", i),
				What:   "the source " + source.Name + ": " + noPlan(source.Plan, err).Error(),
				Remedy: "apply a site that has the plan, or name another one",
			})
		}
	}
	return all
}

func (v *running) lookAtCertificates(ctx context.Context, g *generation, seen *operator.Seen) {
	process, now := g.app.process, time.Now()
	if g.tls != nil {
		var others []string
		if page, err := v.store.PublishedPage(ctx, "", namesLooked); err == nil {
			for _, p := range page {
				others = append(others, thunderbird.HostLabel+"."+p.Name, autodiscover.HostLabel+"."+p.Name)
			}
		}
		g.tls.Judge(seen, now, process.ownHosts(), others)
	}
	if g.keeper != nil {
		v.lookAtKept(ctx, process.ownNames(), seen)
	}
	if g.signing != nil {
		g.signing.Judge(seen, now)
	}
}

// lookAtKept finds out how the names fare that the service gets certificates for.
func (v *running) lookAtKept(ctx context.Context, own []string, seen *operator.Seen) {
	now := time.Now()
	for _, name := range own {
		row, err := v.store.Certificate(ctx, name)
		if err != nil || row.HasOne() && now.Before(row.NotAfter) || row.Failures == 0 {
			continue // it is on its way, or nobody can say
		}
		seen.Add(operator.Problem{
			Code: operator.CertificateMissing, Severity: operator.Error, Where: name,
			What: "there is no certificate for " + name + ": " + row.Reason, Remedy: remedyOf(row.Code),
		})
	}
	all, err := v.store.CertificateSummary(ctx, now)
	if err != nil {
		return
	}
	seen.Certificates = map[string]int{
		"valid": all.Valid, "expired": all.Expired, "wanted": all.Wanted,
		"failing": all.Failing,
	}
	if all.Valid > 0 {
		if seen.NotAfter == nil {
			seen.NotAfter = map[string]time.Time{}
		}
		seen.NotAfter["acme"] = all.First
	}
	const see = "see: autoconfig certificates list --failing"
	if all.Expired > 0 {
		seen.Add(operator.Problem{
			Code: operator.CertificateExpired, Severity: operator.Error, Where: "acme",
			What: fmt.Sprintf("%d names have a certificate that has expired", all.Expired), Remedy: see,
		})
	}
	if all.Unrenewed > 0 {
		seen.Add(operator.Problem{
			Code: operator.CertificateRenewal, Severity: operator.Warning, Where: "acme",
			What: fmt.Sprintf("%d certificates could not be renewed at the last try", all.Unrenewed), Remedy: see,
		})
	}
}

// notes are what is wrong with the configuration that serves: that it isn't the one
// in the file.
func (v *running) notes() (all []operator.Problem) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.refused != "" {
		all = append(all, operator.Problem{
			Code: operator.ReloadRefused, Severity: operator.Error, Where: v.call.configFile,
			What: "the configuration was not reloaded: " + v.refused, Remedy: "mend it, and send SIGHUP again",
		})
	}
	if len(v.fixed) > 0 {
		keys := strings.Join(v.fixed, ", ")
		all = append(all, operator.Problem{
			Code: operator.RestartNeeded, Severity: operator.Warning, Where: keys,
			What:   "changed in " + v.call.configFile + ", but in use only after a restart: " + keys,
			Remedy: "restart the service",
		})
	}
	return all
}

// namesLooked is how many of the served names a certificate is held against.
const namesLooked = 100
