package config

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/go-viper/mapstructure/v2"
	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/v2"
)

// Load reads the file at path, then the KEYFERRY_ variables of environ (as os.Environ
// gives them), fills in the defaults and validates the result. Relative paths in the
// file are relative to the file's directory; those in the environment, to the working
// directory. An empty path means that there is no file.
func Load(path string, environ []string) (Config, error) {
	k := koanf.New(".")
	if path != "" {
		if err := k.Load(file.Provider(path), yaml.Parser()); err != nil {
			return Config{}, fmt.Errorf("reading configuration %s: %w", path, err)
		}
	}
	c := defaults()
	if err := decode(k, &c); err != nil {
		return Config{}, fmt.Errorf("reading configuration %s: %w", path, err)
	}
	if err := c.resolve(path); err != nil {
		return Config{}, fmt.Errorf("reading configuration %s: %w", path, err)
	}
	if err := c.override(environ); err != nil {
		return Config{}, err
	}
	c.RelyingParty.complete()
	c.complete()
	return c, c.Validate()
}

// complete names the key that was not named.
func (c *Config) complete() {
	if c.CheckpointKeyFile == "" && c.TokenKeyFile != "" {
		c.CheckpointKeyFile = filepath.Join(filepath.Dir(c.TokenKeyFile), "checkpoint.key")
	}
}

// decode is strict where koanf's default is not: names must match exactly, every
// member must be known, and no value is bent into another type.
func decode(k *koanf.Koanf, c any) error {
	return k.UnmarshalWithConf("", c, koanf.UnmarshalConf{DecoderConfig: &mapstructure.DecoderConfig{
		Result:      c,
		TagName:     "koanf",
		ErrorUnused: true,
		MatchName:   func(key, field string) bool { return key == field },
		DecodeHook: mapstructure.ComposeDecodeHookFunc(
			mapstructure.StringToTimeDurationHookFunc(), mapstructure.StringToTimeHookFunc(time.RFC3339),
		),
	}})
}

// resolve makes the paths that a file gives relative to where it is.
func (c *Config) resolve(path string) error { return resolve(path, c.paths()) }

func resolve(path string, named []*string) error {
	if path == "" {
		return nil
	}
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return err
	}
	for _, p := range named {
		if *p != "" && !filepath.IsAbs(*p) && !IsURL(*p) {
			*p = filepath.Join(dir, *p)
		}
	}
	return nil
}

func (c *Config) paths() []*string {
	paths := []*string{
		&c.TLS.CertificateFile, &c.TLS.KeyFile, &c.Database, &c.TokenKeyFile, &c.CheckpointKeyFile, &c.PKCS11.Module, &c.Manifest, &c.SignerKeyFile,
	}
	for i := range c.Signers {
		paths = append(paths, &c.Signers[i].PINFile, &c.Signers[i].Store)
	}
	return paths
}
