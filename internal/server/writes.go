package server

import (
	"context"
	"time"

	"autoconfig/internal/links"
)

// unwritable says that nothing can be written, since when, why and what to do; "" while
// it can.
func (s *Server) unwritable() string {
	if s.Site == nil {
		return ""
	}
	since, why := s.Site.Unwritable()
	if why == nil {
		return ""
	}
	return "nothing can be written to the database since " + since.Format("2006-01-02 15:04:05Z") + ": " + why.Error() +
		"; see that its disk has room and isn't read-only: answers go on, but links can't be used and nothing can be changed"
}

// noteFor bounds how long a page waits for its look to be noted.
const noteFor = time.Second

// noteLink notes what was done with a link, if it can be: a full disk, or an import
// that others wait for, keeps nobody from what the link shows. Its use is another matter.
func (s *Server) noteLink(ctx context.Context, l links.Link, kind links.Kind, device links.Device) {
	ctx, cancel := context.WithTimeout(ctx, noteFor)
	defer cancel()
	if err := s.Links.Note(ctx, l, kind, device); err != nil {
		s.Logger.Warn("what was done with a link can't be noted", "kind", string(kind), "error", err)
	}
}
