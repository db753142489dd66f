//go:build cgo

package fitness

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"

	"github.com/miekg/pkcs11"
)

const (
	nonceLength = 12
	tagLength   = 16

	remedyGCM = "update the module or the token's firmware, or choose another token: shares at rest are sealed by AES-256-GCM with associated data"
)

// sealing checks what shares at rest need.
func (e *exam) sealing() {
	e.knownAnswer()
	key, ok := e.make(e.Keys.ShareWrapping)
	if !ok {
		return
	}
	var box sealedText
	use := []Use{Hold}
	if !e.check("seal.round-trip", use, func() (f finding) { box, f = e.roundTrip(key.private); return f }) {
		return
	}
	e.check("seal.nonce", use, func() finding { return e.nonces(key.private) })
	for _, edit := range box.edits() {
		e.check("seal."+edit.name, use, func() finding { return e.refusesEdit(key.private, edit.box) })
	}
	e.restrictions(e.Keys.ShareWrapping, key)
	e.wrapsWith(key.private)
}

// sealedText is a sealed text with all that opening it takes.
type sealedText struct{ iv, aad, ciphertext []byte }

// sample is no secret. It is as long as a share's text.
func sample() (text, aad []byte) {
	return bytes.Repeat([]byte("keyferry doctor "), 18), []byte("keyferry doctor, no share's place")
}

func (e *exam) sealSample(key pkcs11.ObjectHandle) (box sealedText, asked []byte, err error) {
	text, aad := sample()
	asked = make([]byte, nonceLength)
	rand.Read(asked)
	box = sealedText{iv: bytes.Clone(asked), aad: aad, ciphertext: make([]byte, len(text)+tagLength)}
	err = e.Calls.Seal(e.session, key, box.iv, box.aad, text, box.ciphertext)
	return box, asked, err
}

func (e *exam) open(key pkcs11.ObjectHandle, box sealedText) ([]byte, error) {
	out := make([]byte, len(box.ciphertext))
	err := e.Calls.Open(e.session, key, box.iv, box.aad, box.ciphertext, out)
	return out[:len(box.ciphertext)-tagLength], err
}

func (e *exam) roundTrip(key pkcs11.ObjectHandle) (sealedText, finding) {
	box, _, err := e.sealSample(key)
	if err != nil {
		return box, refused(err, "sealing by AES-GCM", remedyGCM)
	}
	opened, err := e.open(key, box)
	if err != nil {
		return box, refused(err, "opening what it sealed itself", remedyGCM)
	}
	if text, _ := sample(); !bytes.Equal(opened, text) {
		return box, wrong(remedyGCM, "what it sealed opens to something else")
	}
	return box, passed("what it sealed opens again")
}

// nonces finds out who makes them, and that they differ.
func (e *exam) nonces(key pkcs11.ObjectHandle) finding {
	seen := make(map[string]bool)
	own := false
	for range 8 {
		box, asked, err := e.sealSample(key)
		if err != nil {
			return refused(err, "sealing by AES-GCM", remedyGCM)
		}
		if seen[string(box.iv)] {
			return wrong("do not use this token: two texts under one nonce open each other", "the token used a nonce twice")
		}
		seen[string(box.iv)] = true
		own = own || !bytes.Equal(box.iv, asked)
	}
	if own {
		return passed("the token makes the nonces, tells them, and they differ")
	}
	return passed("the token takes Keyferry's random nonces")
}

// knownAnswer compares with Go's AES-GCM, under a key that both know.
func (e *exam) knownAnswer() {
	e.check("seal.known-answer", []Use{Hold}, func() finding {
		secret := make([]byte, 32)
		rand.Read(secret)
		block, _ := aes.NewCipher(secret) // 32 bytes are a key
		gcm, _ := cipher.NewGCM(block)    // AES has its block size
		key, err := e.importAES(secret)
		if err != nil {
			return finding{outcome: Untried, err: err, detail: "the token takes no key that somebody knows (" + err.Error() + "): its AES-GCM could be compared with nothing but itself"}
		}
		defer e.remove(key)
		return e.compare(key, gcm)
	})
}

// compare has each side open what the other sealed.
func (e *exam) compare(key pkcs11.ObjectHandle, gcm cipher.AEAD) finding {
	text, aad := sample()
	box, _, err := e.sealSample(key)
	if err != nil {
		return refused(err, "sealing by AES-GCM", remedyGCM)
	}
	if opened, err := gcm.Open(nil, box.iv, box.ciphertext, aad); err != nil || !bytes.Equal(opened, text) {
		return wrong(remedyGCM, "what it seals is not AES-256-GCM: another implementation with the same key does not open it")
	}
	iv := make([]byte, nonceLength)
	rand.Read(iv)
	opened, err := e.open(key, sealedText{iv: iv, aad: aad, ciphertext: gcm.Seal(nil, iv, text, aad)})
	if err != nil {
		return refused(err, "opening what another implementation sealed", remedyGCM)
	}
	if !bytes.Equal(opened, text) {
		return wrong(remedyGCM, "it opens to something else than was sealed")
	}
	return passed("token and Go open what the other sealed")
}

func (e *exam) importAES(secret []byte) (pkcs11.ObjectHandle, error) {
	key, err := e.CreateObject(e.session, append(e.mark.attributes(),
		pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_SECRET_KEY), pkcs11.NewAttribute(pkcs11.CKA_KEY_TYPE, pkcs11.CKK_AES),
		pkcs11.NewAttribute(pkcs11.CKA_TOKEN, false), pkcs11.NewAttribute(pkcs11.CKA_ENCRYPT, true),
		pkcs11.NewAttribute(pkcs11.CKA_DECRYPT, true), pkcs11.NewAttribute(pkcs11.CKA_VALUE, secret),
	))
	if err == nil {
		e.keep(key)
	}
	return key, err
}

// edit is a sealed text of which one thing was changed.
type edit struct {
	name string
	box  sealedText
}

func (s sealedText) edits() []edit {
	tag, text, aad := s, s, s
	tag.ciphertext = flipped(s.ciphertext, len(s.ciphertext)-1)
	text.ciphertext = flipped(s.ciphertext, 0)
	aad.aad = flipped(s.aad, 0)
	return []edit{{"tag", tag}, {"ciphertext", text}, {"associated-data", aad}}
}

func flipped(b []byte, at int) []byte {
	b = bytes.Clone(b)
	b[at] ^= 1
	return b
}

func (e *exam) refusesEdit(key pkcs11.ObjectHandle, box sealedText) finding {
	text, _ := sample()
	opened, err := e.open(key, box)
	if err == nil {
		return wrong("do not use this token: whoever can write to the database can change shares", "what was changed opens")
	}
	if bytes.Equal(opened, text) {
		return finding{outcome: Warning, detail: "refused, but the text is in the caller's memory all the same", remedy: "none needed: Keyferry wipes it"}
	}
	if answer(err) == pkcs11.CKR_OK {
		return wrong("do not use this token: whether a share was changed cannot be known from it", "what was changed is not refused: %v", err)
	}
	e.report.Tampered = uint(answer(err))
	return finding{outcome: Passed, err: err, detail: "what was changed does not open: " + err.Error()}
}
