package server

import (
	"os"

	"todo-chat/offline/cluster/internal/pki"
)

// writeCredentials makes what the components know each other by, and returns the administrator's
// kubeconfig. The authorities are kept with the data; all else is new at every start, so that it fits the node's address.
func (n node) writeCredentials() (admin []byte, err error) {
	authorities := map[string]*pki.Authority{}
	for _, name := range []string{"server-ca", "client-ca", "front-proxy-ca"} {
		if authorities[name], err = pki.LoadAuthority(tlsDir, name); err != nil {
			return nil, err
		}
	}
	if err := pki.LoadSigningKey(tlsFile("service-account.key")); err != nil {
		return nil, err
	}

	apiHosts := append([]string{
		"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local",
		"localhost", "127.0.0.1", n.NodeName, n.address.String(), n.APIServiceIP().String(),
	}, n.TLSSANs...)
	certificates := []struct {
		file, authority string
		subject         pki.Subject
	}{
		{"apiserver", "server-ca", pki.Subject{Name: "kube-apiserver", Hosts: apiHosts}},
		{"kubelet", "server-ca", pki.Subject{Name: n.NodeName, Hosts: []string{n.NodeName, n.address.String(), "127.0.0.1"}}},
		{"apiserver-kubelet-client", "client-ca", pki.Subject{Name: "kube-apiserver", Groups: []string{"system:masters"}}},
		{"front-proxy-client", "front-proxy-ca", pki.Subject{Name: "front-proxy-client"}},
	}
	for _, each := range certificates {
		pair, err := authorities[each.authority].Issue(each.subject)
		if err != nil {
			return nil, err
		}
		if err := writePair(each.file, pair); err != nil {
			return nil, err
		}
	}

	users := map[string]pki.Subject{
		"admin":              {Name: "system:admin", Groups: []string{"system:masters"}},
		"controller-manager": {Name: "system:kube-controller-manager"},
		"scheduler":          {Name: "system:kube-scheduler"},
		"kube-proxy":         {Name: "system:kube-proxy"},
		"kubelet":            {Name: "system:node:" + n.NodeName, Groups: []string{"system:nodes"}},
		"network-policies":   {Name: "offline-node:network-policies"},
	}
	for name, subject := range users {
		pair, err := authorities["client-ca"].Issue(subject)
		if err != nil {
			return nil, err
		}
		text, err := pki.Kubeconfig(n.apiURL(), authorities["server-ca"].PEM, pair)
		if err != nil {
			return nil, err
		}
		if err := pki.WriteFile(credential(name), text, 0o600); err != nil {
			return nil, err
		}
		if name == "admin" {
			admin = text
		}
	}
	return admin, nil
}

func writePair(name string, pair pki.Pair) error {
	for suffix, text := range map[string][]byte{".crt": pair.Certificate, ".key": pair.Key} {
		mode := os.FileMode(0o644)
		if suffix == ".key" {
			mode = 0o600
		}
		if err := pki.WriteFile(tlsFile(name+suffix), text, mode); err != nil {
			return err
		}
	}
	return nil
}
