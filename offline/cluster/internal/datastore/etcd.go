// Package datastore runs etcd as the store of a single-node cluster.
package datastore

import (
	"fmt"
	"net/url"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/embed"
)

// startLimit is how long etcd may take to elect itself; it needs well under a second.
const startLimit = 30 * time.Second

// nobody is the address that other members would be told. etcd refuses a socket there.
var nobody = url.URL{Scheme: "http", Host: "127.0.0.1:2380"}

// Command is `etcd --data-dir DIR --listen-client-url URL --listen-peer-url URL`.
func Command() *cobra.Command {
	var dir, client, peer string
	command := &cobra.Command{
		Use:          "etcd",
		Short:        "Run a single-member etcd",
		SilenceUsage: true,
		Args:         cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return run(dir, client, peer)
		},
	}
	command.Flags().StringVar(&dir, "data-dir", "", "folder of the database")
	command.Flags().StringVar(&client, "listen-client-url", "", "address for the API server")
	command.Flags().StringVar(&peer, "listen-peer-url", "", "address for other members, of which there are none")
	return command
}

func run(dir, client, peer string) error {
	clientURL, err := url.Parse(client)
	if err != nil {
		return fmt.Errorf("--listen-client-url: %w", err)
	}
	peerURL, err := url.Parse(peer)
	if err != nil {
		return fmt.Errorf("--listen-peer-url: %w", err)
	}

	config := embed.NewConfig()
	config.Name = "node"
	config.Dir = dir
	config.ListenClientUrls, config.ListenPeerUrls = []url.URL{*clientURL}, []url.URL{*peerURL}
	config.AdvertiseClientUrls, config.AdvertisePeerUrls = []url.URL{nobody}, []url.URL{nobody}
	config.InitialCluster = config.InitialClusterFromName(config.Name)
	// One member has nobody to wait for.
	config.TickMs, config.ElectionMs = 20, 100
	// The page cache outlives a killed process, and the node does not outlive its machine.
	config.UnsafeNoFsync = true
	config.AutoCompactionMode, config.AutoCompactionRetention = "periodic", "10m"
	config.LogLevel = "warn"
	config.WarningUnaryRequestDuration = time.Second

	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)

	etcd, err := embed.StartEtcd(config)
	if err != nil {
		return err
	}
	defer etcd.Close()
	select {
	case <-etcd.Server.ReadyNotify():
	case err := <-etcd.Err():
		return err
	case <-time.After(startLimit):
		return fmt.Errorf("not ready after %s", startLimit)
	}
	select {
	case <-stop:
		return nil
	case err := <-etcd.Err():
		return err
	}
}
