package machine

import (
	"net/netip"
	"os"
	"runtime"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

func TestKeepWithin(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Fatal("needs root: it makes a network namespace of its own")
	}
	runtime.LockOSThread() // never unlocked: the thread with its namespace ends with the test
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Fatal(err)
	}
	pods := netip.MustParsePrefix("10.52.0.0/16")
	for range 2 {
		if err := KeepWithin(pods); err != nil {
			t.Fatal(err)
		}
	}
	routes, err := netlink.RouteListFiltered(netlink.FAMILY_V4, &netlink.Route{Type: unix.RTN_UNREACHABLE}, netlink.RT_FILTER_TYPE)
	if err != nil {
		t.Fatal(err)
	}
	if len(routes) != 1 || routes[0].Dst.String() != pods.String() {
		t.Errorf("got %v, want one route for %s", routes, pods)
	}
}
