package server

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"todo-chat/offline/cluster/internal/options"
)

func TestReadyCondition(t *testing.T) {
	begun := time.Date(2026, 1, 1, 12, 0, 0, int(300*time.Millisecond), time.UTC)
	condition := func(status corev1.ConditionStatus, heartbeat time.Time) []corev1.NodeCondition {
		return []corev1.NodeCondition{
			{Type: corev1.NodeDiskPressure, Status: corev1.ConditionFalse, LastHeartbeatTime: metav1.NewTime(heartbeat)},
			{Type: corev1.NodeReady, Status: status, Reason: "Why", Message: "because", LastHeartbeatTime: metav1.NewTime(heartbeat)},
		}
	}
	cases := map[string]struct {
		conditions []corev1.NodeCondition
		want       string
	}{
		"ready": {condition(corev1.ConditionTrue, begun.Add(5*time.Second)), ""},
		"ready within the same second, which is all that the API tells": {condition(corev1.ConditionTrue, begun.Truncate(time.Second)), ""},
		"ready in an earlier run": {condition(corev1.ConditionTrue, begun.Add(-time.Minute)), "no heartbeat"},
		"not ready":               {condition(corev1.ConditionFalse, begun.Add(time.Second)), "Why: because"},
		"just registered":         {nil, "no Ready condition"},
	}
	for name, each := range cases {
		t.Run(name, func(t *testing.T) {
			err := readyCondition(each.conditions, begun)
			if each.want == "" && err != nil || each.want != "" && (err == nil || !strings.Contains(err.Error(), each.want)) {
				t.Errorf("got %v, want %q", err, each.want)
			}
		})
	}
}

func TestEnvironmentHasNoTracing(t *testing.T) {
	got := environment([]string{"PATH=/bin", "OTEL_EXPORTER_OTLP_ENDPOINT=http://x", "TRACEPARENT=00-1", "HTTP_PROXY=http://p", "HOTEL_X=1"})
	if want := []string{"PATH=/bin", "HTTP_PROXY=http://p", "HOTEL_X=1"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestContainerdRestrictsScoresOnlyWhereItMust(t *testing.T) {
	for _, restrict := range []bool{true, false} {
		config := containerdConfig(restrict)
		if strings.Contains(config, "restrict_oom_score_adj = true") != restrict {
			t.Errorf("restrict %t:\n%s", restrict, config)
		}
	}
}

func TestPodsAreConnectedWithoutABridge(t *testing.T) {
	parsed, err := options.Parse([]string{"--cluster-cidr=10.52.0.0/16"}, "host")
	if err != nil {
		t.Fatal(err)
	}
	plugins := node{Options: parsed}.cniConfig()["plugins"].([]any)
	first := plugins[0].(map[string]any)
	if first["type"] != "ptp" {
		t.Errorf("type %v: on a bridge pods pass network policies by IPv6", first["type"])
	}
	ranges := first["ipam"].(map[string]any)["ranges"].([]any)[0].([]any)[0].(map[string]any)
	if ranges["subnet"] != "10.52.0.0/16" {
		t.Errorf("subnet %v", ranges["subnet"])
	}
}

func TestEveryComponentHasWhatItsFlagsName(t *testing.T) {
	parsed, err := options.Parse([]string{"--service-cidr=10.53.0.0/16", "--https-listen-port=7443", "--node-name=n1"}, "host")
	if err != nil {
		t.Fatal(err)
	}
	address := netip.MustParseAddr("192.0.2.7")
	n := node{Options: parsed, address: address}
	for _, flag := range []string{"--secure-port=7443", "--service-cluster-ip-range=10.53.0.0/16", "--advertise-address=" + address.String()} {
		if !slices.Contains(n.apiServer().Args, flag) {
			t.Errorf("kube-apiserver without %s", flag)
		}
	}
	if !slices.Contains(n.kubelet().Args, "--hostname-override=n1") {
		t.Error("the kubelet does not know its node's name")
	}
}
