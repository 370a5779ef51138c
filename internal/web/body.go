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
	asked := *r // net/http goes on with its own, whose body it knows
	asked.MultipartForm = noMultipart
	if r.ContentLength != 0 { // -1 where it isn't known
		asked.Body = b.read(w, r)
	}
	if len(r.TransferEncoding) > 0 {
		// It may have had a Content-Length too, which net/http doesn't tell: what is behind
		// such a request is not to be read as one (RFC 9112, section 6.1).
		w.Header().Set("Connection", "close")
	}
	b.next.ServeHTTP(w, &asked)
}

// read gives a body that is in memory already: the client's, or its beginning and
// the error that ended it.
func (b *bodies) read(w http.ResponseWriter, r *http.Request) io.ReadCloser {
	var text []byte
	var err error = &http.MaxBytesError{Limit: b.most}
	if r.ContentLength <= b.most {
		if p := connectionIn(r.Context()); p != nil && r.ProtoMajor == 1 { // it hasn't sent a whole request yet
			p.clients.becomes(p, http.StateNew)
			defer p.clients.becomes(p, http.StateActive)
		}
		text, err = io.ReadAll(http.MaxBytesReader(w, r.Body, b.most))
	}
	if err == nil {
		return io.NopCloser(bytes.NewReader(text))
	}
	if r.ProtoMajor == 1 { // HTTP/2 ends the stream alone
		w.Header().Set("Connection", "close")
	}
	return io.NopCloser(io.MultiReader(bytes.NewReader(text), failing{err}))
}

// failing is the end of a body that has no good one.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// IsTooLarge tells whether a body went over its bound.
func IsTooLarge(err error) bool {
	large := new(http.MaxBytesError)
	return errors.As(err, &large)
}
