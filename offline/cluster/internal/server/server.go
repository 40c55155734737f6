// Package server starts a whole node and watches over it.
package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/spf13/cobra"
	"google.golang.org/grpc/grpclog"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"todo-chat/offline/cluster/internal/addons"
	"todo-chat/offline/cluster/internal/images"
	"todo-chat/offline/cluster/internal/machine"
	"todo-chat/offline/cluster/internal/manifests"
	"todo-chat/offline/cluster/internal/netpol"
	"todo-chat/offline/cluster/internal/options"
	"todo-chat/offline/cluster/internal/pki"
	"todo-chat/offline/cluster/internal/registries"
	"todo-chat/offline/cluster/internal/servicelb"
	"todo-chat/offline/cluster/internal/supervise"
)

// Limits of the waits at the start. On two busy cores each takes a few seconds.
const (
	containerdLimit = 30 * time.Second
	apiServerLimit  = 90 * time.Second
	nodeLimit       = 90 * time.Second
	// stopLimit is what each component gets to end by itself.
	stopLimit = 3 * time.Second
	// pollInterval is how often a wait asks again.
	pollInterval = 100 * time.Millisecond
)

// exitBadInput tells a caller that the flags were wrong and that nothing was changed.
const exitBadInput = 2

// Command is `server`. It reads its flags itself, since its errors name the known flags.
func Command() *cobra.Command {
	return &cobra.Command{
		Use:                "server",
		Short:              "Run a single-node cluster",
		DisableFlagParsing: true,
		SilenceErrors:      true,
		SilenceUsage:       true,
		RunE: func(_ *cobra.Command, args []string) error {
			log.SetOutput(os.Stderr) // the components' framework has turned it to its own
			log.SetFlags(log.Ltime | log.Lmicroseconds | log.LUTC)
			log.SetPrefix("node: ")
			hostname, err := os.Hostname()
			if err != nil {
				return err
			}
			parsed, err := options.Parse(args, hostname)
			if err != nil {
				fmt.Fprintln(os.Stderr, "node:", err)
				os.Exit(exitBadInput)
			}
			if err := run(parsed); err != nil {
				log.Print(err)
				os.Exit(1)
			}
			return nil
		},
	}
}

func run(parsed options.Options) error {
	// Components are told to die with the thread that started them, and inherit its namespaces.
	runtime.LockOSThread()
	// Failed attempts to reach a component that is still starting are told by the wait for it.
	grpclog.SetLoggerV2(grpclog.NewLoggerV2(io.Discard, io.Discard, io.Discard))
	begun := time.Now()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()

	n := node{Options: parsed, address: parsed.NodeIP}
	var err error
	if n.program, err = os.Executable(); err != nil {
		return err
	}
	if !n.address.IsValid() {
		if n.address, err = machine.NodeAddress(); err != nil {
			return err
		}
	}
	archives, err := n.prepare(ctx)
	if err != nil {
		return err
	}
	admin, err := n.writeCredentials()
	if err != nil {
		return err
	}
	log.Printf("%s, address %s, logs in %s", n.NodeName, n.address, logDir)

	group := supervise.NewGroup(logDir, environment(os.Environ()))
	defer n.cleanUp()
	defer group.Stop(stopLimit)
	err = n.start(ctx, group, admin, archives, begun)
	if err == nil {
		select {
		case <-ctx.Done():
		case <-group.Dead():
			err = group.Death()
		}
	}
	if ctx.Err() != nil {
		log.Print("stopping")
		return nil
	}
	return err
}

// prepare cleans up, checks what was given, and writes the components' files.
func (n node) prepare(ctx context.Context) (archives []string, err error) {
	// One left by an earlier cluster must not be taken for this one's.
	if err := os.Remove(n.WriteKubeconfig); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	if archives, err = images.Find(imagesDir); err != nil {
		return nil, err
	}
	if err := registries.Install(registriesFile, hostsDir); err != nil {
		return nil, err
	}
	n.cleanUp()
	if err := machine.Prepare(); err != nil {
		return nil, err
	}
	for _, dir := range []string{runDir, logDir, etcdDir, containerdDir, kubeletDir, tlsDir, credentialDir} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, err
		}
	}
	if err := machine.RequireUpper(containerdDir); err != nil {
		return nil, err
	}
	if err := machine.KeepWithin(n.ClusterCIDR); err != nil {
		return nil, err
	}
	if !n.DisableNetworkPolicy {
		if err := netpol.Install(ctx, n.ClusterCIDR); err != nil {
			return nil, err
		}
	}
	return archives, n.writeConfigs()
}

// cleanUp ends and unmounts what this node, or a killed one before it, left.
func (n node) cleanUp() {
	err := machine.CleanUp([]string{n.program, containerdBin, shimBin}, []string{runDir, "/run/netns", kubeletDir + "/pods"})
	if err != nil {
		log.Printf("clean up: %v", err)
	}
	// Sockets, addresses given to pods, namespaces of pods.
	_ = os.RemoveAll(runDir)
	for _, namespace := range glob("/run/netns/cni-*") {
		_ = os.Remove(namespace)
	}
}

// start brings up the components in the order of their dependence.
func (n node) start(ctx context.Context, group *supervise.Group, admin []byte, archives []string, begun time.Time) error {
	for _, component := range []supervise.Component{n.etcd(), n.containerd(), n.apiServer()} {
		if err := group.Start(component); err != nil {
			return err
		}
	}
	// Loading runs beside the API server's start.
	loaded := make(chan error, 1)
	go func() { loaded <- loadImages(ctx, group, archives) }()

	config, err := clientcmd.RESTConfigFromKubeConfig(admin)
	if err != nil {
		return err
	}
	config.QPS, config.Burst = -1, -1 // one client, on its own node
	err = group.Until(ctx, "API server", apiServerLimit, pollInterval, apiReady(config))
	if err != nil {
		return err
	}
	if err := pki.WriteFile(n.WriteKubeconfig, admin, n.KubeconfigMode); err != nil {
		return err
	}
	log.Printf("API server ready after %s, kubeconfig in %s", since(begun), n.WriteKubeconfig)

	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	applier, err := manifests.New(config)
	if err != nil {
		return err
	}
	components := []supervise.Component{n.controllerManager(), n.scheduler(), n.proxy()}
	if !n.DisableNetworkPolicy {
		components = append(components, n.networkPolicies())
	}
	for _, component := range components {
		if err := group.Start(component); err != nil {
			return err
		}
	}
	texts, err := addons.Render(n.Options, addons.Values{
		Image: helperImage, Programs: addonsBinDir, Storage: storageDir, ClusterDNS: n.ClusterDNS().String(),
	})
	if err != nil {
		return err
	}
	for name, text := range texts {
		if err := applier.Apply(ctx, text); err != nil {
			return fmt.Errorf("add-on %s: %w", name, err)
		}
	}
	// A pod that starts before its image is there would wait for the next try.
	select {
	case err := <-loaded:
		if err != nil {
			return err
		}
	case <-group.Dead():
		return group.Death()
	}
	if err := group.Start(n.kubelet()); err != nil {
		return err
	}
	if n.Enabled("servicelb") {
		go func() { _ = servicelb.Run(ctx, client, n.address.String()) }()
	}
	go applier.Watch(ctx, manifestsDir)
	go watchImages(ctx, archives)

	err = group.Until(ctx, "node", nodeLimit, pollInterval, func(ctx context.Context) error { return nodeReady(ctx, client, n.NodeName, begun) })
	if err != nil {
		return err
	}
	log.Printf("node Ready after %s", since(begun))
	return labelNode(ctx, client, n.NodeName)
}

func loadImages(ctx context.Context, group *supervise.Group, archives []string) error {
	var client *containerd.Client
	err := group.Until(ctx, "containerd", containerdLimit, pollInterval, func(ctx context.Context) error {
		var err error
		if client == nil {
			if client, err = containerd.New(containerdSocket, containerd.WithTimeout(pollInterval)); err != nil {
				return err
			}
		}
		serving, err := client.IsServing(ctx)
		if err == nil && !serving {
			err = errors.New("not serving")
		}
		return err
	})
	if err != nil {
		return err
	}
	defer client.Close()
	for _, file := range append([]string{helperArchive}, archives...) {
		if err := loadArchive(ctx, client, file); err != nil {
			return err
		}
	}
	return nil
}

func loadArchive(ctx context.Context, client *containerd.Client, file string) error {
	begun := time.Now()
	names, err := images.Load(ctx, client, file)
	if err != nil {
		return err
	}
	log.Printf("loaded %s (%s) in %s", strings.Join(names, ", "), filepath.Base(file), since(begun))
	return nil
}

// watchImages loads archives that are added while the node runs.
func watchImages(ctx context.Context, loaded []string) {
	client, err := containerd.New(containerdSocket)
	if err != nil {
		log.Printf("images added from now on are not loaded: %v", err)
		return
	}
	defer client.Close()
	images.Watch(ctx, imagesDir, loaded, func(file string) error { return loadArchive(ctx, client, file) })
}

// apiReady asks the API server's own readiness, which includes its built-in roles.
func apiReady(config *rest.Config) func(context.Context) error {
	authorities := x509.NewCertPool()
	authorities.AppendCertsFromPEM(config.CAData)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: authorities}, DisableKeepAlives: true}}
	return func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, config.Host+"/readyz", nil)
		if err != nil {
			return err
		}
		response, err := client.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		body, err := io.ReadAll(io.LimitReader(response.Body, 4096))
		if err != nil {
			return err
		}
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("%s: %s", response.Status, strings.TrimSpace(string(body)))
		}
		return nil
	}
}

// nodeReady asks for a Ready condition that is newer than this start: the store may hold one of an earlier run.
func nodeReady(ctx context.Context, client kubernetes.Interface, name string, begun time.Time) error {
	found, err := client.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	return readyCondition(found.Status.Conditions, begun)
}

func readyCondition(conditions []corev1.NodeCondition, begun time.Time) error {
	for _, condition := range conditions {
		if condition.Type != corev1.NodeReady {
			continue
		}
		if condition.LastHeartbeatTime.Time.Before(begun.Truncate(time.Second)) {
			return errors.New("no heartbeat of the kubelet yet")
		}
		if condition.Status == corev1.ConditionTrue {
			return nil
		}
		return fmt.Errorf("%s: %s", condition.Reason, condition.Message)
	}
	return errors.New("no Ready condition yet")
}

// labelNode gives the node the role that k3s's server has. The kubelet may not give it to itself.
func labelNode(ctx context.Context, client kubernetes.Interface, name string) error {
	patch := []byte(`{"metadata":{"labels":{"node-role.kubernetes.io/control-plane":"true"}}}`)
	_, err := client.CoreV1().Nodes().Patch(ctx, name, types.StrategicMergePatchType, patch, metav1.PatchOptions{FieldManager: "offline-node"})
	return err
}

// environment is what components may see of the node's own. With OTEL_* set by the machinery that runs the
// node, each call between kubelet and containerd would become a trace.
func environment(all []string) []string {
	var kept []string
	for _, each := range all {
		if strings.HasPrefix(each, "OTEL_") || strings.HasPrefix(each, "TRACEPARENT=") {
			continue
		}
		kept = append(kept, each)
	}
	return kept
}

func since(begun time.Time) time.Duration { return time.Since(begun).Round(10 * time.Millisecond) }

func glob(pattern string) []string {
	found, _ := filepath.Glob(pattern) // only a bad pattern fails
	return found
}
