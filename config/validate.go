package config

import (
	"errors"
	"fmt"
	"net"
	"time"
	"unicode"
)

// The least and the most that is sensible.
const (
	minSigners    = 3 // official clients ask for 3 of the cluster's signers
	maxSigners    = 255
	maxDeployment = 100
	maxAction     = 5 * time.Minute
	maxTimeout    = 10 * time.Minute
	minBody       = 4 << 10
	maxBody       = 16 << 20
	maxSessions   = 64
	minVerify     = time.Minute
	maxVerify     = 366 * 24 * time.Hour
	maxRate       = 1000
)

// Validate joins everything that is wrong with c, and says what to do about it. It
// opens no files.
func (c Config) Validate() error {
	return errors.Join(
		c.checkDeployment(), c.checkListen(), c.checkNames(), c.RelyingParty.checkOrigins(),
		c.checkDatabases(), c.checkSigners(), c.checkTimeouts(), c.checkLimits(), c.Metrics.check(), c.checkVerify(),
	)
}

func (c Config) checkDeployment() error {
	if c.Deployment == "" {
		return errors.New("deployment: give this installation a name of its own; it can never change, since shares are sealed for it")
	}
	if len(c.Deployment) > maxDeployment {
		return fmt.Errorf("deployment: at most %d bytes", maxDeployment)
	}
	for _, r := range c.Deployment {
		if !unicode.IsGraphic(r) || unicode.IsSpace(r) {
			return errors.New("deployment: no blanks and no control characters")
		}
	}
	return nil
}

func (c Config) checkListen() error {
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return fmt.Errorf("listen: %q is not host:port", c.Listen)
	}
	if (c.TLS.CertificateFile == "") != (c.TLS.KeyFile == "") {
		return errors.New("tls: certificateFile and keyFile go together")
	}
	if !c.TLS.Enabled() && !loopback(host) {
		return fmt.Errorf("listen: plain HTTP is for loopback only, and %q is not: configure tls", host)
	}
	return nil
}

func (m Metrics) check() error {
	if m.Listen == "" {
		return nil
	}
	if _, _, err := net.SplitHostPort(m.Listen); err != nil {
		return fmt.Errorf("metrics.listen: %q is not host:port", m.Listen)
	}
	return nil
}

// loopback takes names by their letters: resolving them could give another answer
// later.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (c Config) checkNames() error {
	return errors.Join(
		needed("relyingParty.id", c.RelyingParty.ID, "the domain that users see"),
		needed("relyingParty.name", c.RelyingParty.Name, "the service's name for people"),
		needed("database", c.Database, "the path of an SQLite file, which is made if missing, or postgres://…"),
		needed("tokenKeyFile", c.TokenKeyFile, "the path of a PEM file with a P-256 key; it is made if missing"),
		needed("checkpointKeyFile", c.CheckpointKeyFile, "the path of a PEM file with an Ed25519 key; it is made if missing"),
		c.checkPlaceOfSigners(),
	)
}

func needed(name, value, what string) error {
	if value == "" {
		return fmt.Errorf("%s: missing: give %s", name, what)
	}
	return nil
}

func (c Config) checkTimeouts() error {
	return errors.Join(
		within("timeouts.signers", c.Timeouts.Signers, time.Second, maxTimeout),
		within("timeouts.action", c.Timeouts.Action, time.Second, maxAction),
		within("timeouts.body", c.Timeouts.Body, time.Second, maxTimeout),
		within("timeouts.shutdown", c.Timeouts.Shutdown, time.Second, maxTimeout),
	)
}

// checkVerify knows that signers elsewhere verify as their own operators say.
func (c Config) checkVerify() error {
	if c.Remote() && c.Verify.Every != 0 {
		return errors.New("verify.every: the signers are elsewhere: it belongs into their own configurations")
	}
	return c.Verify.check()
}

func (v Verify) check() error {
	if v.Every == 0 {
		return nil
	}
	return errors.Join(within("verify.every", v.Every, minVerify, maxVerify), within("verify.rate", v.Rate, 1, maxRate))
}

func (c Config) checkLimits() error {
	return errors.Join(
		within("limits.body", c.Limits.Body, minBody, maxBody),
		within("limits.sessions", c.Limits.Sessions, 1, maxSessions),
	)
}

func within[N time.Duration | int | int64](name string, value, least, most N) error {
	if value < least || value > most {
		return fmt.Errorf("%s: %v is not between %v and %v", name, value, least, most)
	}
	return nil
}
