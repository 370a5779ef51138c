package probe

import (
	"crypto/x509"
	"time"
)

// Prober asks name servers and web servers as mail programs do. It gives no
// verdict, and never sends a credential.
type Prober struct {
	Resolver *Resolver
	Dialer   Dialer
	// Roots are the authorities that are trusted; the system's if nil.
	Roots *x509.CertPool
	// Now is time.Now if nil.
	Now func() time.Time
}

// Time is what the prober's clock says.
func (p *Prober) Time() time.Time {
	if p.Now != nil {
		return p.Now()
	}
	return time.Now()
}
