package registries

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestHostFiles(t *testing.T) {
	file, err := Parse([]byte(`
mirrors:
  docker.io:
    endpoint: ["http://mirror:5000", "https://second/prefix/"]
  registry:5000:
    endpoint: ["http://registry:5000"]
  "*":
    endpoint: ["http://any:5000"]
configs:
  mirror:5000:
    auth: {username: u, password: p}
  second:
    tls: {ca_file: /ca.pem, cert_file: /c.pem, key_file: /k.pem}
  private.test:
    tls: {insecure_skip_verify: true}
`))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"docker.io": `server = "https://registry-1.docker.io"

[host."http://mirror:5000"]
  capabilities = ["pull", "resolve"]
  [host."http://mirror:5000".header]
    Authorization = "Basic dTpw"

[host."https://second/prefix"]
  capabilities = ["pull", "resolve"]
  override_path = true
  ca = "/ca.pem"
  client = [["/c.pem", "/k.pem"]]
`,
		"registry:5000": `server = "https://registry:5000"

[host."http://registry:5000"]
  capabilities = ["pull", "resolve"]
`,
		"_default": `
[host."http://any:5000"]
  capabilities = ["pull", "resolve"]
`,
		"private.test": `server = "https://private.test"

[host."https://private.test"]
  capabilities = ["pull", "resolve"]
  skip_verify = true
`,
		// An address that only has a configuration is also a registry of its own.
		"mirror:5000": `server = "https://mirror:5000"

[host."https://mirror:5000"]
  capabilities = ["pull", "resolve"]
  [host."https://mirror:5000".header]
    Authorization = "Basic dTpw"
`,
		"second": `server = "https://second"

[host."https://second"]
  capabilities = ["pull", "resolve"]
  ca = "/ca.pem"
  client = [["/c.pem", "/k.pem"]]
`,
	}
	got := file.HostFiles()
	for name, text := range want {
		if got[name] != text {
			t.Errorf("%s:\n%s\nwant\n%s", name, got[name], text)
		}
	}
	if len(got) != len(want) {
		t.Errorf("got %d files, want %d", len(got), len(want))
	}
}

func TestParseRefusesBadInput(t *testing.T) {
	cases := map[string]struct{ text, want string }{
		"a field that is not served": {"mirrors: {docker.io: {endpoint: [\"http://m\"], rewrite: {a: b}}}", "rewrite"},
		"an endpoint without scheme": {"mirrors: {docker.io: {endpoint: [\"m:5000\"]}}", "mirrors.docker.io.endpoint"},
		"text that is no YAML":       {"mirrors: [", "registries.yaml"},
	}
	for name, each := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := Parse([]byte(each.text))
			if err == nil || !strings.Contains(err.Error(), each.want) {
				t.Errorf("error %v does not say %q", err, each.want)
			}
		})
	}
}

func TestInstall(t *testing.T) {
	dir := t.TempDir()
	source, hosts := filepath.Join(dir, "registries.yaml"), filepath.Join(dir, "certs.d")
	if err := os.WriteFile(source, []byte("mirrors: {a.test: {endpoint: [\"http://m\"]}}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Install(source, hosts); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(hosts, "a.test", "hosts.toml")
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%s: %v, mode %v", file, err, info)
	}
	// A registry that is no longer listed is gone after the next start.
	if err := os.Remove(source); err != nil {
		t.Fatal(err)
	}
	if err := Install(source, hosts); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Errorf("%s is still there (%v)", file, err)
	}
}
