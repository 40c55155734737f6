package machine

import (
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// KeepWithin makes the kernel refuse addresses of the range that no pod has. Plugin `ptp` gives each pod a route of its
// own and no bridge holds the rest: a request to a pod that has just ended would leave the node by the default route, and
// whatever listens out there would answer in its place.
func KeepWithin(pods netip.Prefix) error {
	if err := netlink.RouteReplace(refusal(pods)); err != nil {
		return fmt.Errorf("route for unused addresses of %s: %w", pods, err)
	}
	return nil
}

func refusal(pods netip.Prefix) *netlink.Route {
	return &netlink.Route{
		Dst:  &net.IPNet{IP: pods.Addr().AsSlice(), Mask: net.CIDRMask(pods.Bits(), pods.Addr().BitLen())},
		Type: unix.RTN_UNREACHABLE,
	}
}
