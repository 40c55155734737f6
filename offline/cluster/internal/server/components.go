package server

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"strconv"

	"todo-chat/offline/cluster/internal/options"
	"todo-chat/offline/cluster/internal/supervise"
)

// node is what the components' arguments are made of.
type node struct {
	options.Options
	program string     // path of the multi-call binary
	address netip.Addr // the node's own
}

func (n node) component(name string, args ...string) supervise.Component {
	return supervise.Component{Name: name, Path: n.program, Args: args}
}

func (n node) etcd() supervise.Component {
	return n.component("etcd",
		"--data-dir="+etcdDir,
		"--listen-client-url=unix://"+etcdSocket,
		"--listen-peer-url=unix://"+etcdPeerSocket,
	)
}

func (n node) containerd() supervise.Component {
	return supervise.Component{
		Name: "containerd",
		Path: containerdBin,
		Args: []string{"--config", containerdConfigFile},
	}
}

func (n node) apiServer() supervise.Component {
	return n.component("kube-apiserver",
		"--advertise-address="+n.address.String(),
		"--secure-port="+strconv.Itoa(n.HTTPSListenPort),
		"--etcd-servers=unix://"+etcdSocket,
		"--allow-privileged=true",
		"--authorization-mode=Node,RBAC",
		"--enable-admission-plugins=NodeRestriction",
		"--client-ca-file="+tlsFile("client-ca.crt"),
		"--tls-cert-file="+tlsFile("apiserver.crt"),
		"--tls-private-key-file="+tlsFile("apiserver.key"),
		"--kubelet-certificate-authority="+tlsFile("server-ca.crt"),
		"--kubelet-client-certificate="+tlsFile("apiserver-kubelet-client.crt"),
		"--kubelet-client-key="+tlsFile("apiserver-kubelet-client.key"),
		// The node's name resolves nowhere; without this exec and logs fail.
		"--kubelet-preferred-address-types=InternalIP",
		"--proxy-client-cert-file="+tlsFile("front-proxy-client.crt"),
		"--proxy-client-key-file="+tlsFile("front-proxy-client.key"),
		"--requestheader-client-ca-file="+tlsFile("front-proxy-ca.crt"),
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--requestheader-group-headers=X-Remote-Group",
		"--requestheader-username-headers=X-Remote-User",
		// The API server is no pod: it reaches metrics-server by the pod's address.
		"--enable-aggregator-routing=true",
		"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
		"--service-account-key-file="+tlsFile("service-account.key"),
		"--service-account-signing-key-file="+tlsFile("service-account.key"),
		"--service-cluster-ip-range="+n.ServiceCIDR.String(),
	)
}

func (n node) controllerManager() supervise.Component {
	return n.component("kube-controller-manager",
		"--kubeconfig="+credential("controller-manager"),
		"--authentication-kubeconfig="+credential("controller-manager"),
		"--authorization-kubeconfig="+credential("controller-manager"),
		"--bind-address=127.0.0.1",
		"--cluster-cidr="+n.ClusterCIDR.String(),
		"--service-cluster-ip-range="+n.ServiceCIDR.String(),
		"--cluster-signing-cert-file="+tlsFile("client-ca.crt"),
		"--cluster-signing-key-file="+tlsFile("client-ca.key"),
		"--root-ca-file="+tlsFile("server-ca.crt"),
		"--service-account-private-key-file="+tlsFile("service-account.key"),
		"--use-service-account-credentials=true",
		"--leader-elect=false", // there is no other
	)
}

func (n node) scheduler() supervise.Component {
	return n.component("kube-scheduler",
		"--kubeconfig="+credential("scheduler"),
		"--authentication-kubeconfig="+credential("scheduler"),
		"--authorization-kubeconfig="+credential("scheduler"),
		"--bind-address=127.0.0.1",
		"--leader-elect=false",
	)
}

func (n node) kubelet() supervise.Component {
	return n.component("kubelet",
		"--config="+kubeletConfigFile,
		"--kubeconfig="+credential("kubelet"),
		"--hostname-override="+n.NodeName,
		"--node-ip="+n.address.String(),
		"--root-dir="+kubeletDir,
	)
}

func (n node) proxy() supervise.Component {
	return n.component("kube-proxy",
		"--kubeconfig="+credential("kube-proxy"),
		"--hostname-override="+n.NodeName,
		"--proxy-mode=iptables",
		"--cluster-cidr="+n.ClusterCIDR.String(),
		"--healthz-bind-address=127.0.0.1:10256",
		"--metrics-bind-address=127.0.0.1:10249",
		// The machine's connection tracking is not the node's to tune.
		"--conntrack-max-per-core=0",
		"--conntrack-tcp-timeout-established=0s",
		"--conntrack-tcp-timeout-close-wait=0s",
	)
}

func (n node) networkPolicies() supervise.Component {
	return n.component("kube-network-policies",
		"--kubeconfig="+credential("network-policies"),
		"--node-name="+n.NodeName,
	)
}

func tlsFile(name string) string { return filepath.Join(tlsDir, name) }

func credential(name string) string { return filepath.Join(credentialDir, name+".kubeconfig") }

func (n node) apiURL() string { return fmt.Sprintf("https://127.0.0.1:%d", n.HTTPSListenPort) }
