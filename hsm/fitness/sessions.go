//go:build cgo

package fitness

import (
	"math"

	"github.com/miekg/pkcs11"
)

const (
	// sessionBound is as many sessions as are tried: enough for 14 operations at a time.
	sessionBound = 32

	// A signer needs two sessions for each operation at a time, and three more; the
	// configuration's default is four operations.
	sessionsForOne     = 5
	sessionsForDefault = 11
)

func (e *exam) limits() {
	e.check("sessions", uses(), func() finding {
		s := &Sessions{Bound: sessionBound}
		e.report.Sessions = s
		info, err := e.GetTokenInfo(e.Slot)
		if err != nil {
			return refused(err, "asking for its limits", "ask the token's maker")
		}
		// None at all is zero or the highest number; opencryptoki says the one below.
		if limit := info.MaxRwSessionCount; limit != pkcs11.CK_EFFECTIVELY_INFINITE && limit < math.MaxInt32 {
			s.Limit = &limit
		}
		s.Opened, err = e.openMany()
		if err != nil {
			return refused(err, "closing sessions", "ask the token's maker")
		}
		return s.judge()
	})
}

// openMany opens as many sessions as it gets, and closes them.
func (e *exam) openMany() (int, error) {
	var opened []pkcs11.SessionHandle
	for len(opened) < sessionBound {
		session, err := e.OpenSession(e.Slot, pkcs11.CKF_SERIAL_SESSION|pkcs11.CKF_RW_SESSION)
		if err != nil {
			break
		}
		opened = append(opened, session)
	}
	var failed error
	for _, session := range opened {
		if err := e.CloseSession(session); err != nil {
			failed = err
		}
	}
	return len(opened), failed
}

func (s *Sessions) judge() finding {
	available := s.Opened + 2 // with the examination's own
	if s.Limit != nil {
		available = min(available, int(min(*s.Limit, sessionBound)))
	}
	switch {
	case available < sessionsForOne:
		return wrong("close what else uses the token, or have its maker allow more", "%d sessions are too few: one operation at a time needs %d", available, sessionsForOne)
	case available < sessionsForDefault:
		return wrong("close what else uses the token, or configure fewer operations at a time (limits.sessions): two sessions each, and three more",
			"%d sessions, fewer than the default configuration needs", available).orWarn()
	}
	return passed("%d sessions at the same time, of %d tried", s.Opened, s.Bound)
}
