package addons

import (
	"strings"
	"testing"

	"todo-chat/offline/cluster/internal/manifests"
	"todo-chat/offline/cluster/internal/options"
)

func render(t *testing.T, args ...string) map[string][]byte {
	t.Helper()
	parsed, err := options.Parse(args, "host")
	if err != nil {
		t.Fatal(err)
	}
	texts, err := Render(parsed, Values{Image: "image:1", Programs: "/programs", Storage: "/storage", ClusterDNS: "10.43.0.10"})
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

func TestEachAddonHasItsDeploymentInKubeSystem(t *testing.T) {
	texts := render(t)
	for addon, deployment := range map[string]string{
		"coredns": "coredns", "local-storage": "local-path-provisioner", "metrics-server": "metrics-server", "traefik": "traefik",
	} {
		objects, err := manifests.Parse(texts[addon])
		if err != nil {
			t.Fatalf("%s: %v", addon, err)
		}
		found := false
		for _, object := range objects {
			if object.GetKind() == "Deployment" && object.GetName() == deployment && object.GetNamespace() == "kube-system" {
				found = true
			}
		}
		if !found {
			t.Errorf("%s: no Deployment kube-system/%s", addon, deployment)
		}
		if strings.Contains(string(texts[addon]), "<no value>") {
			t.Errorf("%s: a value is missing", addon)
		}
	}
}

// A pod without a request gets next to nothing of a busy processor.
func TestAddonsThatTheApplicationWaitsForAskForProcessorTime(t *testing.T) {
	texts := render(t)
	for _, addon := range []string{"coredns", "metrics-server", "traefik"} {
		if !strings.Contains(string(texts[addon]), "requests: {cpu: ") {
			t.Errorf("%s: no request for processor time", addon)
		}
	}
}

func TestDisabledAddonsAreLeftOut(t *testing.T) {
	texts := render(t, "--disable=traefik")
	if _, there := texts["traefik"]; there {
		t.Error("traefik is still there")
	}
	if _, there := texts["node"]; !there {
		t.Error("the node's own rights are missing")
	}
}
