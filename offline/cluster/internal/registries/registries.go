// Package registries turns k3s's registries.yaml into containerd's host files.
package registries

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"sigs.k8s.io/yaml"
)

// File is registries.yaml: https://docs.k3s.io/installation/private-registry
type File struct {
	Mirrors map[string]Mirror `json:"mirrors"`
	Configs map[string]Config `json:"configs"`
}

// Mirror lists the addresses that stand in for a registry, in order.
type Mirror struct {
	Endpoint []string `json:"endpoint"`
}

// Config is how one address is spoken to.
type Config struct {
	Auth Auth `json:"auth"`
	TLS  TLS  `json:"tls"`
}

// Auth is a user name and password for basic authentication.
type Auth struct {
	Username string `json:"username"`
	Password string `json:"password"`
}

// TLS names the certificates for one address.
type TLS struct {
	CAFile             string `json:"ca_file"`
	CertFile           string `json:"cert_file"`
	KeyFile            string `json:"key_file"`
	InsecureSkipVerify bool   `json:"insecure_skip_verify"`
}

// Parse reads registries.yaml. Fields that this node does not serve are errors.
func Parse(text []byte) (File, error) {
	var file File
	if err := yaml.UnmarshalStrict(text, &file); err != nil {
		return File{}, fmt.Errorf("registries.yaml: %w", err)
	}
	for name, mirror := range file.Mirrors {
		for _, endpoint := range mirror.Endpoint {
			if _, err := parseEndpoint(endpoint); err != nil {
				return File{}, fmt.Errorf("registries.yaml: mirrors.%s.endpoint: %w", name, err)
			}
		}
	}
	return file, nil
}

func parseEndpoint(endpoint string) (*url.URL, error) {
	address, err := url.Parse(endpoint)
	if err != nil {
		return nil, err
	}
	if address.Scheme != "http" && address.Scheme != "https" || address.Host == "" {
		return nil, fmt.Errorf("want http://HOST[:PORT] or https://HOST[:PORT], got %q", endpoint)
	}
	return address, nil
}

// HostFiles gives, per registry, the text of containerd's hosts.toml. The key is the folder's
// name: the registry, or _default for the wildcard.
func (file File) HostFiles() map[string]string {
	hosts := map[string]string{}
	for name, mirror := range file.Mirrors {
		var text strings.Builder
		if name != "*" {
			fmt.Fprintf(&text, "server = %q\n", serverOf(name))
		}
		for _, endpoint := range mirror.Endpoint {
			file.writeHost(&text, endpoint)
		}
		folder := name
		if name == "*" {
			folder = "_default"
		}
		hosts[folder] = text.String()
	}
	// A configured address without a mirror entry is a registry of its own.
	for name := range file.Configs {
		if _, mirrored := file.Mirrors[name]; mirrored {
			continue
		}
		var text strings.Builder
		fmt.Fprintf(&text, "server = %q\n", serverOf(name))
		file.writeHost(&text, serverOf(name))
		hosts[name] = text.String()
	}
	return hosts
}

// serverOf is where a registry itself listens, after all its mirrors.
func serverOf(name string) string {
	if name == "docker.io" {
		return "https://registry-1.docker.io"
	}
	return "https://" + name
}

func (file File) writeHost(text *strings.Builder, endpoint string) {
	address, err := parseEndpoint(endpoint)
	if err != nil {
		return // Parse has refused it
	}
	base := address.Scheme + "://" + address.Host
	path := strings.TrimSuffix(address.Path, "/")
	fmt.Fprintf(text, "\n[host.%q]\n", base+path)
	fmt.Fprintf(text, "  capabilities = [\"pull\", \"resolve\"]\n")
	if path != "" {
		fmt.Fprintf(text, "  override_path = true\n")
	}
	config, found := file.Configs[address.Host]
	if !found {
		return
	}
	if config.TLS.InsecureSkipVerify {
		fmt.Fprintf(text, "  skip_verify = true\n")
	}
	if config.TLS.CAFile != "" {
		fmt.Fprintf(text, "  ca = %q\n", config.TLS.CAFile)
	}
	if config.TLS.CertFile != "" {
		fmt.Fprintf(text, "  client = [[%q, %q]]\n", config.TLS.CertFile, config.TLS.KeyFile)
	}
	if config.Auth.Username != "" {
		basic := base64.StdEncoding.EncodeToString([]byte(config.Auth.Username + ":" + config.Auth.Password))
		fmt.Fprintf(text, "  [host.%q.header]\n    Authorization = %q\n", base+path, "Basic "+basic)
	}
}

// Install writes the host files below dir. A missing registries.yaml means no mirrors.
func Install(source, dir string) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	text, err := os.ReadFile(source)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	file, err := Parse(text)
	if err != nil {
		return fmt.Errorf("%s: %w", source, err)
	}
	hosts := file.HostFiles()
	names := make([]string, 0, len(hosts))
	for name := range hosts {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		folder := filepath.Join(dir, name)
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return err
		}
		// It may hold credentials.
		if err := os.WriteFile(filepath.Join(folder, "hosts.toml"), []byte(hosts[name]), 0o600); err != nil {
			return err
		}
	}
	return nil
}
