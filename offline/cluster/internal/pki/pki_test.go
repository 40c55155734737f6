package pki

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"

	"k8s.io/client-go/tools/clientcmd"
)

func issue(t *testing.T, authority *Authority, subject Subject) *x509.Certificate {
	t.Helper()
	pair, err := authority.Issue(subject)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tls.X509KeyPair(pair.Certificate, pair.Key); err != nil {
		t.Fatalf("key does not fit the certificate: %v", err)
	}
	block, _ := pem.Decode(pair.Certificate)
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

func verify(authority *Authority, certificate *x509.Certificate, host string, usage x509.ExtKeyUsage) error {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority.PEM)
	_, err := certificate.Verify(x509.VerifyOptions{Roots: roots, DNSName: host, KeyUsages: []x509.ExtKeyUsage{usage}})
	return err
}

func TestServerCertificate(t *testing.T) {
	authority, err := LoadAuthority(t.TempDir(), "ca")
	if err != nil {
		t.Fatal(err)
	}
	certificate := issue(t, authority, Subject{Name: "api", Hosts: []string{"cluster.test", "10.0.0.1"}})
	for _, host := range []string{"cluster.test", "10.0.0.1"} {
		if err := verify(authority, certificate, host, x509.ExtKeyUsageServerAuth); err != nil {
			t.Errorf("%s: %v", host, err)
		}
	}
	if verify(authority, certificate, "other.test", x509.ExtKeyUsageServerAuth) == nil {
		t.Error("valid for a host that was not asked for")
	}
	if verify(authority, certificate, "", x509.ExtKeyUsageClientAuth) == nil {
		t.Error("a server's certificate passes as a client's")
	}
}

func TestClientCertificate(t *testing.T) {
	authority, err := LoadAuthority(t.TempDir(), "ca")
	if err != nil {
		t.Fatal(err)
	}
	certificate := issue(t, authority, Subject{Name: "system:admin", Groups: []string{"system:masters"}})
	if err := verify(authority, certificate, "", x509.ExtKeyUsageClientAuth); err != nil {
		t.Error(err)
	}
	if certificate.Subject.CommonName != "system:admin" || len(certificate.Subject.Organization) != 1 || certificate.Subject.Organization[0] != "system:masters" {
		t.Errorf("subject %s", certificate.Subject)
	}
	other, err := LoadAuthority(t.TempDir(), "ca")
	if err != nil {
		t.Fatal(err)
	}
	if verify(other, certificate, "", x509.ExtKeyUsageClientAuth) == nil {
		t.Error("another authority of the same name accepts it")
	}
}

func TestAuthorityIsKept(t *testing.T) {
	dir := t.TempDir()
	first, err := LoadAuthority(dir, "ca")
	if err != nil {
		t.Fatal(err)
	}
	certificate := issue(t, first, Subject{Name: "x"})
	second, err := LoadAuthority(dir, "ca")
	if err != nil {
		t.Fatal(err)
	}
	if err := verify(second, certificate, "", x509.ExtKeyUsageClientAuth); err != nil {
		t.Errorf("loaded again it does not know its own certificate: %v", err)
	}
	if info, err := os.Stat(filepath.Join(dir, "ca.key")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("key: %v %v", info, err)
	}
}

func TestAuthorityCutOffBetweenKeyAndCertificateIsMadeAnew(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "ca.key"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadAuthority(dir, "ca"); err != nil {
		t.Error(err)
	}
}

func TestKubeconfig(t *testing.T) {
	authority, err := LoadAuthority(t.TempDir(), "ca")
	if err != nil {
		t.Fatal(err)
	}
	pair, err := authority.Issue(Subject{Name: "system:admin"})
	if err != nil {
		t.Fatal(err)
	}
	text, err := Kubeconfig("https://127.0.0.1:6443", authority.PEM, pair)
	if err != nil {
		t.Fatal(err)
	}
	config, err := clientcmd.RESTConfigFromKubeConfig(text)
	if err != nil {
		t.Fatal(err)
	}
	if config.Host != "https://127.0.0.1:6443" || string(config.CAData) != string(authority.PEM) || string(config.KeyData) != string(pair.Key) {
		t.Errorf("got %+v", config)
	}
}
