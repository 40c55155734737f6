// Package options reads the flags of `server`: those of k3s that this node serves.
package options

import (
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
)

// Addons are the parts that --disable can leave out.
var Addons = []string{"coredns", "local-storage", "metrics-server", "servicelb", "traefik"}

// Options are what `server` was told.
type Options struct {
	WriteKubeconfig      string      // path; default /etc/rancher/k3s/k3s.yaml
	KubeconfigMode       os.FileMode // default 0600
	TLSSANs              []string    // further host names and addresses in the API server's certificate
	Disable              []string    // some of Addons
	DisableNetworkPolicy bool
	ClusterCIDR          netip.Prefix // addresses of pods; default 10.42.0.0/16
	ServiceCIDR          netip.Prefix // addresses of services; default 10.43.0.0/16
	NodeName             string       // default: the host name in lower case
	NodeIP               netip.Addr   // invalid when not given: the node finds its own
	HTTPSListenPort      int          // default 6443
}

// Enabled says whether an add-on is to run.
func (o Options) Enabled(addon string) bool { return !slices.Contains(o.Disable, addon) }

// ClusterDNS is the address of the cluster's name server: the tenth of the service range.
func (o Options) ClusterDNS() netip.Addr { return nth(o.ServiceCIDR, 10) }

// APIServiceIP is the address of the service `kubernetes`: the first of the service range.
func (o Options) APIServiceIP() netip.Addr { return nth(o.ServiceCIDR, 1) }

func nth(prefix netip.Prefix, n int) netip.Addr {
	address := prefix.Masked().Addr()
	for range n {
		address = address.Next()
	}
	return address
}

// Parse reads the arguments after `server`. hostname is the default node name.
func Parse(args []string, hostname string) (Options, error) {
	var o Options
	var mode, clusterCIDR, serviceCIDR, nodeIP string
	flags := pflag.NewFlagSet("server", pflag.ContinueOnError)
	flags.SortFlags = true
	flags.Usage = func() {}
	flags.StringVarP(&o.WriteKubeconfig, "write-kubeconfig", "o", "/etc/rancher/k3s/k3s.yaml", "write the administrator's kubeconfig to this file")
	flags.StringVar(&mode, "write-kubeconfig-mode", "0600", "octal mode of that file")
	flags.StringSliceVar(&o.TLSSANs, "tls-san", nil, "further host name or address in the API server's certificate")
	flags.StringSliceVar(&o.Disable, "disable", nil, "leave out: "+strings.Join(Addons, ", "))
	flags.BoolVar(&o.DisableNetworkPolicy, "disable-network-policy", false, "do not enforce network policies")
	flags.StringVar(&clusterCIDR, "cluster-cidr", "10.42.0.0/16", "addresses of pods")
	flags.StringVar(&serviceCIDR, "service-cidr", "10.43.0.0/16", "addresses of services")
	flags.StringVar(&o.NodeName, "node-name", strings.ToLower(hostname), "name of the node")
	flags.StringVar(&nodeIP, "node-ip", "", "address of the node (default: the global one of its interface)")
	flags.IntVar(&o.HTTPSListenPort, "https-listen-port", 6443, "port of the API server")

	if err := flags.Parse(args); err != nil {
		if err == pflag.ErrHelp {
			return Options{}, fmt.Errorf("flags of `server`:\n%s", flags.FlagUsages())
		}
		return Options{}, fmt.Errorf("%w; this node knows these flags of `k3s server`:\n%s", err, flags.FlagUsages())
	}
	if flags.NArg() > 0 {
		return Options{}, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	for _, addon := range o.Disable {
		if !slices.Contains(Addons, addon) {
			return Options{}, fmt.Errorf("--disable: unknown add-on %q; known are %s", addon, strings.Join(Addons, ", "))
		}
	}
	bits, err := strconv.ParseUint(mode, 8, 32)
	if err != nil || bits > 0o777 {
		return Options{}, fmt.Errorf("--write-kubeconfig-mode: want an octal mode up to 0777, got %q", mode)
	}
	o.KubeconfigMode = os.FileMode(bits)
	if o.ClusterCIDR, err = parseRange("cluster-cidr", clusterCIDR); err != nil {
		return Options{}, err
	}
	if o.ServiceCIDR, err = parseRange("service-cidr", serviceCIDR); err != nil {
		return Options{}, err
	}
	if o.ClusterCIDR.Overlaps(o.ServiceCIDR) {
		return Options{}, fmt.Errorf("--cluster-cidr %s and --service-cidr %s overlap", o.ClusterCIDR, o.ServiceCIDR)
	}
	if nodeIP != "" {
		if o.NodeIP, err = netip.ParseAddr(nodeIP); err != nil {
			return Options{}, fmt.Errorf("--node-ip: %w", err)
		}
	}
	if o.NodeName == "" {
		return Options{}, fmt.Errorf("--node-name: must not be empty")
	}
	if o.HTTPSListenPort < 1 || o.HTTPSListenPort > 65535 {
		return Options{}, fmt.Errorf("--https-listen-port: want 1 to 65535, got %d", o.HTTPSListenPort)
	}
	if o.WriteKubeconfig == "" {
		return Options{}, fmt.Errorf("--write-kubeconfig: must not be empty")
	}
	return o, nil
}

// parseRange reads an IPv4 range with room for a node's pods or a cluster's services. The node is
// IPv4 only.
func parseRange(flag, text string) (netip.Prefix, error) {
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("--%s: %w", flag, err)
	}
	if !prefix.Addr().Is4() || prefix.Bits() < 12 || prefix.Bits() > 24 {
		return netip.Prefix{}, fmt.Errorf("--%s: want an IPv4 range between /12 and /24, got %q", flag, text)
	}
	return prefix.Masked(), nil
}
