package server

import (
	"encoding/json"
	"fmt"
	"os"

	"todo-chat/offline/cluster/internal/machine"
	"todo-chat/offline/cluster/internal/pki"
)

const (
	containerdConfigFile = agentEtcDir + "/containerd/config.toml"
	kubeletConfigFile    = agentEtcDir + "/kubelet.json"
	cniConfigFile        = cniConfigDir + "/10-node.conflist"
)

// writeConfigs writes the files that containerd, the kubelet and the network plugins read.
func (n node) writeConfigs() error {
	if err := pki.WriteFile(containerdConfigFile, []byte(containerdConfig(!machine.MayRaisePriority())), 0o644); err != nil {
		return err
	}
	files := map[string]any{kubeletConfigFile: n.kubeletConfig(), cniConfigFile: n.cniConfig()}
	for file, content := range files {
		text, err := json.MarshalIndent(content, "", "  ")
		if err != nil {
			return err
		}
		if err := pki.WriteFile(file, text, 0o644); err != nil {
			return err
		}
	}
	return os.MkdirAll(storageDir, 0o700)
}

// containerdConfig is containerd's configuration. restrictScores is for a node without CAP_SYS_RESOURCE:
// without it every pod would fail with "can't get final child's PID from pipe: EOF".
func containerdConfig(restrictScores bool) string {
	return fmt.Sprintf(`version = 3
root = %q
state = %q
disabled_plugins = [
  "io.containerd.nri.v1.nri",
  "io.containerd.snapshotter.v1.blockfile",
  "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.erofs",
  "io.containerd.snapshotter.v1.zfs",
  "io.containerd.internal.v1.tracing",
  "io.containerd.tracing.processor.v1.otlp",
]

[grpc]
  address = %q

[plugins."io.containerd.cri.v1.images"]
  snapshotter = "overlayfs"
  [plugins."io.containerd.cri.v1.images".pinned_images]
    sandbox = %q
  [plugins."io.containerd.cri.v1.images".registry]
    config_path = %q

[plugins."io.containerd.cri.v1.runtime"]
  restrict_oom_score_adj = %t
  [plugins."io.containerd.cri.v1.runtime".cni]
    bin_dirs = [%q]
    conf_dir = %q
  [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
      BinaryName = %q
      SystemdCgroup = false
`, containerdDir, runDir+"/containerd", containerdSocket, helperImage, hostsDir, restrictScores, cniBinDir, cniConfigDir, runcBin)
}

func (n node) kubeletConfig() map[string]any {
	return map[string]any{
		"apiVersion": "kubelet.config.k8s.io/v1beta1",
		"kind":       "KubeletConfiguration",
		"authentication": map[string]any{
			"anonymous": map[string]any{"enabled": false},
			"webhook":   map[string]any{"enabled": true},
			"x509":      map[string]any{"clientCAFile": tlsFile("client-ca.crt")},
		},
		"authorization":            map[string]any{"mode": "Webhook"},
		"tlsCertFile":              tlsFile("kubelet.crt"),
		"tlsPrivateKeyFile":        tlsFile("kubelet.key"),
		"containerRuntimeEndpoint": "unix://" + containerdSocket,
		"cgroupDriver":             "cgroupfs",
		"failCgroupV1":             false,
		"failSwapOn":               false,
		"clusterDNS":               []string{n.ClusterDNS().String()},
		"clusterDomain":            "cluster.local",
		"serializeImagePulls":      false,
		// Preloaded images cannot be pulled again: never remove them for want of space.
		"imageGCHighThresholdPercent": 100,
		"imageGCLowThresholdPercent":  99,
		// As in k3s: a full disk of the developer's must not evict pods too early.
		"evictionHard": map[string]string{"imagefs.available": "5%", "nodefs.available": "5%"},
	}
}

// cniConfig uses `ptp`, not `bridge`: on a bridge pods reach each other past network policies by their IPv6
// link-local addresses.
func (n node) cniConfig() map[string]any {
	return map[string]any{
		"cniVersion": "1.0.0",
		"name":       "node",
		"plugins": []any{
			map[string]any{
				"type":   "ptp",
				"ipMasq": true,
				"ipam": map[string]any{
					"type":    "host-local",
					"dataDir": runDir + "/cni",
					"ranges":  []any{[]any{map[string]any{"subnet": n.ClusterCIDR.String()}}},
					"routes":  []any{map[string]any{"dst": "0.0.0.0/0"}},
				},
			},
			map[string]any{"type": "portmap", "capabilities": map[string]any{"portMappings": true}, "snat": true},
		},
	}
}
