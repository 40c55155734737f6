package options

import (
	"os"
	"strings"
	"testing"
)

func TestParseReadsTheFlagsOfK3s(t *testing.T) {
	got, err := Parse([]string{
		"--write-kubeconfig", "/cfg/k.yaml", "--write-kubeconfig-mode=644", "--tls-san=a.test,10.0.0.9", "--tls-san", "b.test",
		"--disable", "traefik,servicelb", "--disable=metrics-server", "--cluster-cidr=10.52.0.7/16", "--service-cidr=10.53.0.0/16", "--node-name=n1",
	}, "Host")
	if err != nil {
		t.Fatal(err)
	}
	if got.WriteKubeconfig != "/cfg/k.yaml" || got.KubeconfigMode != os.FileMode(0o644) || got.NodeName != "n1" {
		t.Errorf("got %+v", got)
	}
	if sans := strings.Join(got.TLSSANs, " "); sans != "a.test 10.0.0.9 b.test" {
		t.Errorf("TLSSANs = %q", sans)
	}
	if got.ClusterCIDR.String() != "10.52.0.0/16" || got.ClusterDNS().String() != "10.53.0.10" || got.APIServiceIP().String() != "10.53.0.1" {
		t.Errorf("ranges: %s %s %s", got.ClusterCIDR, got.ClusterDNS(), got.APIServiceIP())
	}
	for addon, enabled := range map[string]bool{"traefik": false, "servicelb": false, "metrics-server": false, "coredns": true, "local-storage": true} {
		if got.Enabled(addon) != enabled {
			t.Errorf("Enabled(%s) = %t", addon, !enabled)
		}
	}
}

func TestParseDefaultsAreThoseOfK3s(t *testing.T) {
	got, err := Parse(nil, "My-Host")
	if err != nil {
		t.Fatal(err)
	}
	if got.WriteKubeconfig != "/etc/rancher/k3s/k3s.yaml" || got.KubeconfigMode != 0o600 || got.NodeName != "my-host" || got.HTTPSListenPort != 6443 {
		t.Errorf("got %+v", got)
	}
	if got.ClusterCIDR.String() != "10.42.0.0/16" || got.ServiceCIDR.String() != "10.43.0.0/16" {
		t.Errorf("ranges %s %s", got.ClusterCIDR, got.ServiceCIDR)
	}
}

func TestParseRefusesBadInput(t *testing.T) {
	cases := map[string]struct {
		args []string
		want string
	}{
		"an unknown flag names the known ones": {[]string{"--flannel-backend=none"}, "--cluster-cidr"},
		"an unknown flag is named":             {[]string{"--flannel-backend=none"}, "flannel-backend"},
		"an unknown add-on names the known":    {[]string{"--disable=nginx"}, "coredns, local-storage, metrics-server, servicelb, traefik"},
		"a mode that is not octal":             {[]string{"--write-kubeconfig-mode=rw"}, `got "rw"`},
		"a mode with extra bits":               {[]string{"--write-kubeconfig-mode=4755"}, `got "4755"`},
		"an address instead of a range":        {[]string{"--cluster-cidr=10.0.0.1"}, "--cluster-cidr"},
		"an IPv6 range":                        {[]string{"--service-cidr=fd00::/108"}, "IPv4 range"},
		"a range that is too small":            {[]string{"--service-cidr=10.0.0.0/30"}, "between /12 and /24"},
		"ranges that overlap":                  {[]string{"--cluster-cidr=10.43.0.0/16"}, "overlap"},
		"a word that is no flag":               {[]string{"agent"}, `unexpected argument "agent"`},
		"a port out of range":                  {[]string{"--https-listen-port=0"}, "1 to 65535"},
		"a node address that is none":          {[]string{"--node-ip=here"}, "--node-ip"},
	}
	for name, each := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := Parse(each.args, "host")
			if err == nil || !strings.Contains(err.Error(), each.want) {
				t.Errorf("error %v does not say %q", err, each.want)
			}
		})
	}
}
