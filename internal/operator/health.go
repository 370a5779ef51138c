package operator

import (
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"
)

// healthz says that the process runs.
func healthz(c echo.Context) error {
	return c.String(http.StatusOK, "ok\n")
}

// readiness is the answer of /readyz.
type readiness struct {
	Status    string    `json:"status"`
	PublicURL string    `json:"public_url,omitempty"` // tells this service from another one on the machine
	Problems  []Problem `json:"problems,omitempty"`
}

// readyz says whether answers can be given. A source that is down is a problem,
// but no reason to take the replica out of service while the last good answers
// serve on: all the others have the same source. Only a service that could never
// read its domains isn't ready.
func (s *Private) readyz(c echo.Context) error {
	r, status := s.readiness()
	if !s.isKnownHost(c.Request().Host) {
		r.PublicURL, r.Problems = "", nil // they name what is inside
	}
	return c.JSON(status, r)
}

func (s *Private) readiness() (r readiness, status int) {
	r = readiness{Status: "ready", PublicURL: s.PublicURL.String(), Problems: s.allProblems()}
	status = http.StatusOK
	if slices.ContainsFunc(r.Problems, func(p Problem) bool { return p.Severity == Error }) {
		r.Status = "degraded"
	}
	if s.Stopping() {
		r.Status, status = "stopping", http.StatusServiceUnavailable
	}
	if !s.Directory.Health().Ready {
		r.Status, status = "not ready", http.StatusServiceUnavailable
	}
	return r, status
}
