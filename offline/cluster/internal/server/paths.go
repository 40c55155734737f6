package server

// Where the node keeps its things. The first group are k3s's own paths, which its users know.
const (
	dataDir        = "/var/lib/rancher/k3s"
	imagesDir      = dataDir + "/agent/images"     // tarballs to load at the start
	manifestsDir   = dataDir + "/server/manifests" // objects to apply
	storageDir     = dataDir + "/storage"          // volumes of the class local-path
	registriesFile = "/etc/rancher/k3s/registries.yaml"

	tlsDir        = dataDir + "/server/tls"
	credentialDir = dataDir + "/server/cred" // kubeconfigs of the components
	etcdDir       = dataDir + "/server/db/etcd"
	containerdDir = dataDir + "/agent/containerd"
	agentEtcDir   = dataDir + "/agent/etc"
	cniConfigDir  = agentEtcDir + "/cni/net.d"
	hostsDir      = agentEtcDir + "/containerd/certs.d"
	kubeletDir    = "/var/lib/kubelet"

	runDir           = "/run/k3s" // sockets and mounts; never outlives the node
	etcdSocket       = runDir + "/etcd-client.sock"
	etcdPeerSocket   = runDir + "/etcd-peer.sock"
	containerdSocket = runDir + "/containerd/containerd.sock"

	logDir        = "/var/log/node"
	containerdBin = "/usr/local/bin/containerd"
	shimBin       = "/usr/local/bin/containerd-shim-runc-v2"
	runcBin       = "/usr/sbin/runc"
	cniBinDir     = "/usr/lib/cni"
	addonsBinDir  = "/usr/local/lib/node-addons"               // programs of the add-ons' pods
	helperArchive = "/usr/local/share/node/pod-helper.tar"     // image of those pods
	helperImage   = "docker.io/todo-chat/offline-pod-helper:1" // its name inside the archive
)
