package config

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keyferry.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestExampleLoadsAsWhatItSays(t *testing.T) {
	path := write(t, Example)
	got, err := Load(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Dir(path)
	want := defaults()
	want.Deployment, want.Listen = "example-production", "0.0.0.0:8443"
	want.TLS = TLS{filepath.Join(dir, "tls/server.pem"), filepath.Join(dir, "tls/server.key")}
	want.RelyingParty = RelyingParty{"keys.example.com", "Example Custody", []string{"https://keys.example.com"}}
	want.Database, want.TokenKeyFile = filepath.Join(dir, "data/server.db"), filepath.Join(dir, "secrets/token.key")
	want.CheckpointKeyFile = filepath.Join(dir, "secrets/checkpoint.key")
	want.PKCS11.Module = "/usr/lib/softhsm/libsofthsm2.so"
	want.NotBefore = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	for _, n := range []string{"1", "2", "3", "4", "5"} {
		want.Signers = append(want.Signers, Signer{
			Label: "signer-" + n, PINFile: filepath.Join(dir, "secrets/signer-"+n+".pin"), Store: filepath.Join(dir, "data/signer-"+n+".db"),
		})
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// Every member of Config stands in the example, under its name.
func TestExampleExplainsEveryMember(t *testing.T) {
	var check func(reflect.Type)
	check = func(of reflect.Type) {
		for i := range of.NumField() {
			field := of.Field(i)
			if !strings.Contains(Example, field.Tag.Get("koanf")+":") {
				t.Errorf("the example lacks %s", field.Tag.Get("koanf"))
			}
			inner := field.Type
			if inner.Kind() == reflect.Slice {
				inner = inner.Elem()
			}
			if inner.Kind() == reflect.Struct {
				check(inner)
			}
		}
	}
	check(reflect.TypeFor[Config]())
}

func TestLoadRefusesWhatItDoesNotKnow(t *testing.T) {
	for name, text := range map[string]string{
		"unknown member":        Example + "\nlog: debug\n",
		"unknown inner member":  strings.Replace(Example, "keyFile: tls", "privateKey: tls", 1),
		"member in other case":  strings.Replace(Example, "listen:", "Listen:", 1),
		"repeated member":       Example + "\nlisten: 127.0.0.1:1\n",
		"text for a number":     strings.Replace(Example, "sessions: 4", `sessions: "4"`, 1),
		"number for a duration": strings.Replace(Example, "body: 10s", "body: ten", 1),
		"one signer, no list":   "deployment: d\nsigners: {label: a}\n",
		"not YAML":              "listen: [",
	} {
		t.Run(name, func(t *testing.T) {
			if text == Example {
				t.Fatal("the case changes nothing")
			}
			if c, err := Load(write(t, text), nil); err == nil {
				t.Errorf("loaded as %+v", c)
			}
		})
	}
	if _, err := Load(filepath.Join(t.TempDir(), "none.yaml"), nil); err == nil {
		t.Error("loaded a file that is not there")
	}
}

func TestEnvironmentWinsOverTheFile(t *testing.T) {
	c, err := Load(write(t, Example), []string{
		"KEYFERRY_LISTEN=127.0.0.1:1", "KEYFERRY_TIMEOUTS_ACTION=90s", "KEYFERRY_LIMITS_SESSIONS=7", "PATH=/bin",
		"KEYFERRY_KEY_ID=key-1", "KEYFERRY_PORT=tcp://10.0.0.1:80", "KEYFERRY_SERVICE_HOST=10.0.0.1",
	})
	if err != nil {
		t.Fatal(err)
	}
	if c.Listen != "127.0.0.1:1" || c.Timeouts.Action != 90*time.Second || c.Limits.Sessions != 7 {
		t.Errorf("loaded as %+v", c)
	}
}

func TestEnvironmentRefusesUnknownNamesAndValues(t *testing.T) {
	for _, entry := range []string{"KEYFERRY_LISTEM=x", "KEYFERRY_PIN=1234", "KEYFERRY_TIMEOUTS_BODY=soon", "KEYFERRY_LIMITS_BODY=1e3"} {
		_, err := Load(write(t, Example), []string{entry})
		name, value, _ := strings.Cut(entry, "=")
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", entry, err)
		}
		if err != nil && value == "1234" && strings.Contains(err.Error(), value) {
			t.Errorf("the error quotes a value that may be secret: %v", err)
		}
	}
}

func TestValidateTellsEachFault(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Config)
		told   string // empty: accepted
	}{
		{"good", func(*Config) {}, ""},
		{"plain HTTP on IPv4 loopback", func(c *Config) { c.TLS, c.Listen = TLS{}, "127.0.0.2:80" }, ""},
		{"plain HTTP on IPv6 loopback", func(c *Config) { c.TLS, c.Listen = TLS{}, "[::1]:0" }, ""},
		{"plain HTTP on all interfaces", func(c *Config) { c.TLS, c.Listen = TLS{}, ":80" }, "loopback"},
		{"plain HTTP on a name", func(c *Config) { c.TLS, c.Listen = TLS{}, "localhost.example.com:80" }, "loopback"},
		{"no port", func(c *Config) { c.Listen = "127.0.0.1" }, "host:port"},
		{"half of TLS", func(c *Config) { c.TLS.KeyFile = "" }, "go together"},
		{"no deployment", func(c *Config) { c.Deployment = "" }, "deployment"},
		{"deployment of two lines", func(c *Config) { c.Deployment = "a\nb" }, "deployment"},
		{"two signers", func(c *Config) { c.Signers = c.Signers[:2] }, "signers: 3"},
		{"shared token", func(c *Config) { c.Signers[1].Label = c.Signers[0].Label }, "signers[1].label"},
		{"shared store", func(c *Config) { c.Signers[1].Store = c.Signers[0].Store + "/../s0" }, "signers[1].store"},
		{"store is the database", func(c *Config) { c.Signers[2].Store = c.Database }, "signers[2].store"},
		{"signer without PIN file", func(c *Config) { c.Signers[1].PINFile = "" }, "signers[1].pinFile"},
		{"no module", func(c *Config) { c.PKCS11.Module = "" }, "pkcs11.module"},
		{"no checkpoint key", func(c *Config) { c.CheckpointKeyFile = "" }, "checkpointKeyFile"},
		{"PostgreSQL", func(c *Config) { c.Database = "postgres://keyferry@db.example.com/keyferry?sslmode=verify-full" }, ""},
		{"schemas of one database", func(c *Config) {
			c.Signers[0].Store, c.Signers[1].Store = postgres("one"), postgres("two")
		}, ""},
		{"password in the URL", func(c *Config) { c.Database = "postgres://keyferry:hunter2@localhost/keyferry" }, "passfile"},
		{"password in the query", func(c *Config) { c.Signers[1].Store = "postgresql://localhost/keyferry?password=hunter2" }, "signers[1].store"},
		{"sslpassword in the query", func(c *Config) { c.Database = "postgres://localhost/keyferry?sslpassword=hunter2" }, "passfile"},
		{"another database product", func(c *Config) { c.Database = "mysql://localhost/keyferry" }, "postgres://"},
		{"no URL", func(c *Config) { c.Database = "postgres://[" }, "URL"},
		{"shared schema", func(c *Config) {
			c.Signers[0].Store, c.Signers[1].Store = postgres("one"), postgres("one")+"&application_name=other"
		}, "signers[1].store"},
		{"no token key", func(c *Config) { c.TokenKeyFile = "" }, "tokenKeyFile"},
		{"long action", func(c *Config) { c.Timeouts.Action = 6 * time.Minute }, "timeouts.action"},
		{"no timeout", func(c *Config) { c.Timeouts.Signers = 0 }, "timeouts.signers"},
		{"tiny bodies", func(c *Config) { c.Limits.Body = 1 }, "limits.body"},
		{"no sessions", func(c *Config) { c.Limits.Sessions = 0 }, "limits.sessions"},
		{"daily verification", func(c *Config) { c.Verify.Every = 24 * time.Hour }, ""},
		{"verification all the time", func(c *Config) { c.Verify.Every = time.Second }, "verify.every"},
		{"verification without a rate", func(c *Config) { c.Verify = Verify{Every: time.Hour} }, "verify.rate"},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := valid()
			c.change(&config)
			err := config.Validate()
			if c.told == "" && err != nil {
				t.Errorf("refused: %v", err)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error has the password: %v", err)
			}
			if c.told != "" && (err == nil || !strings.Contains(err.Error(), c.told)) {
				t.Errorf("got %v, want a word about %s", err, c.told)
			}
		})
	}
}

func TestValidateTellsAllFaultsAtOnce(t *testing.T) {
	err := Config{}.Validate()
	if err == nil {
		t.Fatal("an empty configuration is accepted")
	}
	for _, word := range []string{"deployment", "listen", "database", "tokenKeyFile", "pkcs11.module", "signers", "timeouts.body", "limits.sessions"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("nothing about %s in %v", word, err)
		}
	}
}

func valid() Config {
	c := defaults()
	c.Deployment, c.Database, c.TokenKeyFile, c.PKCS11.Module = "d", "server.db", "token.key", "module.so"
	c.CheckpointKeyFile = "checkpoint.key"
	c.TLS = TLS{"cert", "key"}
	for _, n := range []string{"s0", "s1", "s2"} {
		c.Signers = append(c.Signers, Signer{Label: n, PINFile: n + ".pin", Store: n})
	}
	return c
}

func postgres(schema string) string {
	return "postgres://keyferry@localhost/keyferry?search_path=" + schema
}

func TestURLsAreNotRelativePaths(t *testing.T) {
	c, err := Load(write(t, strings.Replace(Example, "database: data/server.db", "database: "+postgres("a"), 1)), nil)
	if err != nil || c.Database != postgres("a") {
		t.Errorf("%q, %v", c.Database, err)
	}
}

func TestCheckpointKeyIsBesideTheTokenKeyIfNotNamed(t *testing.T) {
	path := write(t, strings.Replace(Example, "checkpointKeyFile: secrets/checkpoint.key", "", 1))
	c, err := Load(path, nil)
	if want := filepath.Join(filepath.Dir(path), "secrets/checkpoint.key"); err != nil || c.CheckpointKeyFile != want {
		t.Errorf("%q, %v", c.CheckpointKeyFile, err)
	}
}
