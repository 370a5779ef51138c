package operator

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"autoconfig/internal/directory"
	"autoconfig/internal/trace"
	"autoconfig/internal/web"
	"autoconfig/settings"
)

// TracedRequest is one of a domain's last requests. It names nobody: Address is a token, the
// same for the same address as long as the process runs.
type TracedRequest struct {
	At       time.Time         `json:"at"`
	Client   string            `json:"client"`
	Name     string            `json:"client_name"`
	Format   string            `json:"format"`
	Outcome  string            `json:"outcome"`
	Protocol settings.Protocol `json:"protocol,omitempty"`
	Address  string            `json:"address,omitempty"`
}

// lastRequests lists the last requests of a domain, or of one address in it, the oldest
// first.
func (s *Private) lastRequests(c echo.Context) error {
	name, address := c.QueryParam("domain"), c.QueryParam("address")
	var only settings.Address
	if address != "" {
		var err error
		if only, err = settings.ParseAddress(address); err != nil {
			return err
		}
		if name == "" {
			name = only.Domain()
		}
	}
	domain, err := settings.ParseDomain(name)
	if err != nil {
		return web.ErrNoDomainName
	}
	requests, err := s.requestsOf(c.Request().Context(), domain)
	if err != nil {
		return err
	}
	if address != "" {
		token := s.Trace.Token(only).String()
		requests = slices.DeleteFunc(requests, func(r TracedRequest) bool { return r.Address != token })
	}
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.JSON(http.StatusOK, struct {
		Domain   string          `json:"domain"`
		Requests []TracedRequest `json:"requests"`
	}{domain, requests})
}

// requestsOf are the last requests of a domain by its name or an alias.
func (s *Private) requestsOf(ctx context.Context, domain string) ([]TracedRequest, error) {
	entry, err := s.Directory.Domain(ctx, domain)
	if errors.Is(err, directory.ErrNotFound) {
		return nil, err
	} else if err != nil {
		return nil, directory.Unavailable(err)
	}
	all := []TracedRequest{}
	for _, r := range s.Trace.Of(entry.Terms.Name) {
		all = append(all, shown(r))
	}
	return all, nil
}

func shown(r trace.Request) TracedRequest {
	return TracedRequest{
		At: r.At.UTC(), Client: r.Client.ID(), Name: r.Client.Name(), Format: r.Format, Outcome: r.Outcome.String(),
		Protocol: r.Protocol, Address: r.Address.String(),
	}
}
