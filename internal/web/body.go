package web

import (
	"bytes"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
)

// MaxForm bounds a form's bytes, and MaxStaffBody those of a request to the private or
// the staff listener.
const (
	MaxForm      = 16 << 10
	MaxStaffBody = 64 << 10
)

// bodies is the outermost handler of a listener. It reads the body of every request,
// whatever its method and path, up to a bound and before anything else: no handler
// reads more, and none waits for a client that sends slowly. What is over the bound
// stays unread; the connection ends with the answer.
type bodies struct {
	next http.Handler
	most int64
}

// noMultipart keeps Request.FormValue from parsing: it would put a multipart body
// into memory and files, on the way of an error too. It gives what ParseForm has
// found before, and nothing else.
var noMultipart = new(multipart.Form)

func (b *bodies) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if len(r.TransferEncoding) > 0 {
		// It may have had a Content-Length too, which net/http doesn't tell: what is behind
		// such a request is not to be read as one (RFC 9112, section 6.1).
		w.Header().Set("Connection", "close")
	}
	r.MultipartForm = noMultipart
	if r.ContentLength == 0 { // -1 where it isn't known
		b.next.ServeHTTP(w, r)
		return
	}
	asked := *r // net/http goes on with its own, whose body it knows
	asked.Body = b.read(w, r)
	b.next.ServeHTTP(w, &asked)
}

// read gives a body that is in memory already: the client's, or its beginning and
// the error that ended it.
func (b *bodies) read(w http.ResponseWriter, r *http.Request) io.ReadCloser {
	read := &posted{}
	var err error = &http.MaxBytesError{Limit: b.most}
	if r.ContentLength <= b.most {
		if p := connectionIn(r.Context()); p != nil && r.ProtoMajor == 1 { // it hasn't sent a whole request yet
			p.clients.becomes(p, http.StateNew)
			defer p.clients.becomes(p, http.StateActive)
		}
		read.text, err = b.readAll(w, r)
	}
	read.Reset(read.text)
	if err == nil {
		return read
	}
	if r.ProtoMajor == 1 { // HTTP/2 ends the stream alone
		w.Header().Set("Connection", "close")
	}
	return io.NopCloser(io.MultiReader(read, failing{err}))
}

func (b *bodies) readAll(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.ContentLength < 0 || r.ContentLength > mostAtOnce {
		return io.ReadAll(http.MaxBytesReader(w, r.Body, b.most))
	}
	text := make([]byte, r.ContentLength)
	n, err := io.ReadFull(r.Body, text)
	return text[:n], err
}

// mostAtOnce bounds the memory that a client has for a body that it only announces. Most
// bodies are smaller.
const mostAtOnce = 2 << 10

// posted is a body that is there as a whole.
type posted struct {
	bytes.Reader
	text []byte
}

func (*posted) Close() error { return nil }

// Posted is a request's body if it is there as a whole. Callers must not change it.
func Posted(r *http.Request) (text []byte, whole bool) {
	if p, ok := r.Body.(*posted); ok {
		return p.text, true
	}
	return nil, false
}

// failing is the end of a body that has no good one.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// IsTooLarge tells whether a body went over its bound.
func IsTooLarge(err error) bool {
	if err == nil {
		return false
	}
	large := new(http.MaxBytesError)
	return errors.As(err, &large)
}
