package server

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"autoconfig/internal/directory"
)

// healthz says that the process runs.
func (s *Server) healthz(c echo.Context) error {
	return c.String(http.StatusOK, "ok\n")
}

// readiness is the answer of /readyz.
type readiness struct {
	Status   string   `json:"status"`
	Problems []string `json:"problems,omitempty"`
}

// readyz says whether answers can be given. A source that is down is a problem,
// but no reason to take the replica out of service while the last good answers
// serve on: all the others have the same source. Only a service that could never
// read its domains isn't ready.
func (s *Server) readyz(c echo.Context) error {
	own := s.Directory.Health()
	r := readiness{Status: "ready"}
	status := http.StatusOK
	for _, health := range append([]directory.Health{own}, s.Directory.Sources()...) {
		if health.Err == nil {
			continue
		}
		what := "the database"
		if health.Name != "" {
			what = "the source " + health.Name
		}
		r.Status = "degraded"
		r.Problems = append(r.Problems, what+" can't be asked since "+health.Since.UTC().Format("2006-01-02 15:04:05Z")+": "+health.Err.Error())
	}
	if problem := s.unwritable(); problem != "" {
		r.Status = "degraded"
		r.Problems = append(r.Problems, problem)
	}
	if s.stopping.Load() {
		r.Status, status = "stopping", http.StatusServiceUnavailable
	}
	if !own.Ready {
		r.Status, status = "not ready", http.StatusServiceUnavailable
	}
	if !s.isKnownHost(c.Request().Host) {
		r.Problems = nil // they name what is inside
	}
	return c.JSON(status, r)
}
