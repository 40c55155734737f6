// Package netpol enforces network policies: sigs.k8s.io/kube-network-policies decides in user space on
// packets that iptables queues for it.
//
// Its own nftables rules need the kernel's nft_queue expression, which some kernels lack; it ignores the
// failure to install them. The iptables rules here work on both kinds.
package netpol

import (
	"context"
	"fmt"
	"net/netip"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/kube-network-policies/pkg/networkpolicy"
)

const (
	queue = 100
	chain = "NODE-NETWORK-POLICY"
)

// Command is `kube-network-policies --kubeconfig FILE --node-name NAME`.
func Command() *cobra.Command {
	var kubeconfig, nodeName string
	command := &cobra.Command{
		Use:          "kube-network-policies",
		Short:        "Decide on queued packets by the cluster's network policies",
		SilenceUsage: true,
		Args:         cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
			defer cancel()
			return run(ctx, kubeconfig, nodeName)
		},
	}
	command.Flags().StringVar(&kubeconfig, "kubeconfig", "", "credentials that may list pods, namespaces and network policies")
	command.Flags().StringVar(&nodeName, "node-name", "", "name of this node")
	return command
}

func run(ctx context.Context, kubeconfig, nodeName string) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	config.AcceptContentTypes = "application/vnd.kubernetes.protobuf,application/json"
	config.ContentType = "application/vnd.kubernetes.protobuf"
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	factory := informers.NewSharedInformerFactory(client, 0)
	controller, err := networkpolicy.NewController(
		client,
		factory.Networking().V1().NetworkPolicies(),
		factory.Core().V1().Namespaces(),
		factory.Core().V1().Pods(),
		nil, nil, nil, nil, // admin network policies are not served
		networkpolicy.Config{QueueID: queue, NodeName: nodeName},
	)
	if err != nil {
		return err
	}
	factory.Start(ctx.Done())
	return controller.Run(ctx)
}

// Rules are the arguments of iptables, call by call. They sit in the mangle table: after the service's address
// has become a pod's, before the source may be rewritten. Packets that nobody takes off the
// queue are dropped, so a dead controller fails closed.
func Rules(pods netip.Prefix) [][]string {
	number := strconv.Itoa(queue)
	table := func(args ...string) []string { return append([]string{"--wait", "--table", "mangle"}, args...) }
	return [][]string{
		table("--new-chain", chain),
		// Replies, and connections that were decided on.
		table("--append", chain, "--match", "conntrack", "--ctstate", "ESTABLISHED,RELATED", "--jump", "RETURN"),
		table("--append", chain, "--source", pods.String(), "--jump", "NFQUEUE", "--queue-num", number),
		table("--append", chain, "--destination", pods.String(), "--jump", "NFQUEUE", "--queue-num", number),
		// The kubelet's probes and the API server's calls come from root's processes of the node itself:
		// the owner match knows only packets that a local process sent.
		table("--insert", "POSTROUTING", "--match", "owner", "--uid-owner", "0", "--jump", "RETURN"),
		table("--append", "POSTROUTING", "--jump", chain),
		// Pods to the node's own addresses: an egress policy counts there too.
		table("--append", "INPUT", "--source", pods.String(), "--match", "conntrack", "--ctstate", "NEW", "--jump", "NFQUEUE", "--queue-num", number),
	}
}

// Install puts the rules in place of those of an earlier run.
func Install(ctx context.Context, pods netip.Prefix) error {
	uninstall(ctx, pods)
	for _, args := range Rules(pods) {
		if output, err := exec.CommandContext(ctx, "iptables", args...).CombinedOutput(); err != nil {
			return fmt.Errorf("iptables %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(output)))
		}
	}
	return nil
}

// uninstall removes what an earlier run left. Its failures say that there was nothing.
func uninstall(ctx context.Context, pods netip.Prefix) {
	for _, args := range Rules(pods) {
		removal := make([]string, 0, len(args))
		for _, arg := range args {
			switch arg {
			case "--append", "--insert":
				removal = append(removal, "--delete")
			case "--new-chain":
				removal = append(removal, "--flush")
			default:
				removal = append(removal, arg)
			}
		}
		_ = exec.CommandContext(ctx, "iptables", removal...).Run()
	}
	_ = exec.CommandContext(ctx, "iptables", "--wait", "--table", "mangle", "--delete-chain", chain).Run()
}
