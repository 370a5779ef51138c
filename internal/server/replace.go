package server

import (
	"net/http"
	"sync"
	"sync/atomic"
)

// front is what stands behind the listeners: one Server after the other. It is
// shared by all of them.
type front struct {
	stopping atomic.Bool
	mu       sync.RWMutex
	face     *face
}

// face is a Server's handlers, and who is in them.
type face struct {
	server                        *Server
	public, plain, private, staff http.Handler
	users                         sync.WaitGroup
}

func newFace(s *Server) *face {
	return &face{server: s, public: s.Public(false), plain: s.Public(true), private: s.Private(), staff: s.Staff()}
}

// latest is the Server that answers now.
func (f *front) latest() *Server {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.face.server
}

// enter gives the face that answers a request; its users.Done must follow. Nobody
// enters one that was replaced.
func (f *front) enter() *face {
	f.mu.RLock()
	defer f.mu.RUnlock()
	f.face.users.Add(1)
	return f.face
}

// handler answers each request by the face that is there when it comes.
func (f *front) handler(pick func(*face) http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		face := f.enter()
		defer face.users.Done()
		pick(face).ServeHTTP(w, r)
	})
}

// show puts a face in the place of the one that is there.
func (f *front) show(next *face) (before *face) {
	f.mu.Lock()
	defer f.mu.Unlock()
	before, f.face = f.face, next
	return before
}

// begin shows the first face, unless a successor was quicker.
func (f *front) begin(first *face) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.face.server == first.server {
		f.face = first
	}
}

// Successor prepares a Server that [Server.Replace] puts in the place of this one:
// with other options, the same counts, and the same memory of who asks how often.
// Certificate, listeners and logger stay as they are.
func (s *Server) Successor(o Options) (*Server, error) { return build(o, s) }

// Replace lets next answer from now on. Requests that are in progress end where
// they began; left is called when the last of them has.
func (s *Server) Replace(next *Server, left func()) {
	before := s.front.show(newFace(next))
	go func() {
		before.users.Wait()
		left()
	}()
}
