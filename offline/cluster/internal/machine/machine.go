package machine

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// Prepare sets the kernel's and the mount table's state as the components need it. Each step may be repeated. The
// components must be started by the calling thread: a namespace belongs to a thread.
func Prepare() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_SHARED, ""); err != nil {
		return fmt.Errorf("make / a shared mount (the node needs to run privileged): %w", err)
	}
	if err := OwnCgroups(); err != nil {
		return err
	}
	if err := NestCgroups(); err != nil {
		return err
	}
	const forwarding = "/proc/sys/net/ipv4/ip_forward"
	if err := os.WriteFile(forwarding, []byte("1"), 0); err != nil {
		if now, _ := os.ReadFile(forwarding); strings.TrimSpace(string(now)) != "1" {
			return fmt.Errorf("forward packets between pods: %w", err)
		}
	}
	// The kubelet watches the kernel's log for processes that ran out of memory.
	if err := unix.Mknod("/dev/kmsg", unix.S_IFCHR|0o600, int(unix.Mkdev(1, 11))); err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("/dev/kmsg: %w", err)
	}
	return chooseIptables()
}

// chooseIptables puts the variant of iptables that this kernel serves first on the PATH.
func chooseIptables() error {
	var failures []string
	for _, variant := range []string{"iptables-nft", "iptables-legacy"} {
		output, err := exec.Command(variant, "--wait", "--table", "nat", "--list-rules").CombinedOutput()
		if err != nil {
			failures = append(failures, fmt.Sprintf("%s: %v: %s", variant, err, strings.TrimSpace(string(output))))
			continue
		}
		family := strings.TrimPrefix(variant, "iptables")
		for _, name := range []string{"iptables", "iptables-save", "iptables-restore", "ip6tables", "ip6tables-save", "ip6tables-restore"} {
			target := "/usr/sbin/" + strings.Replace(name, "tables", "tables"+family, 1)
			link := "/usr/local/sbin/" + name
			_ = os.Remove(link)
			if err := os.Symlink(target, link); err != nil {
				return err
			}
		}
		return nil
	}
	return fmt.Errorf("no iptables works here: %s", strings.Join(failures, "; "))
}

// MayRaisePriority says whether CAP_SYS_RESOURCE is there. Without it no process may lower its
// out-of-memory score, and a pod that asks for that would not start.
func MayRaisePriority() bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return false
	}
	return data[0].Effective&(1<<unix.CAP_SYS_RESOURCE) != 0
}

// NodeAddress is the first global IPv4 address of an interface that is up: the one that other
// machines reach the node by. A look-up of the host's name would give a loopback address in some containers.
func NodeAddress() (netip.Addr, error) {
	interfaces, err := net.Interfaces()
	if err != nil {
		return netip.Addr{}, err
	}
	for _, each := range interfaces {
		if each.Flags&net.FlagUp == 0 || each.Flags&net.FlagLoopback != 0 {
			continue
		}
		addresses, err := each.Addrs()
		if err != nil {
			return netip.Addr{}, err
		}
		for _, address := range addresses {
			prefix, err := netip.ParsePrefix(address.String())
			if err != nil {
				continue
			}
			if ip := prefix.Addr(); ip.Is4() && ip.IsGlobalUnicast() {
				return ip, nil
			}
		}
	}
	return netip.Addr{}, errors.New("no interface has a global IPv4 address; give one with --node-ip")
}

// RequireUpper fails if dir lies on an overlay: containers' layers cannot be laid over it.
func RequireUpper(dir string) error {
	var stat unix.Statfs_t
	if err := unix.Statfs(dir, &stat); err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	if stat.Type == unix.OVERLAYFS_SUPER_MAGIC {
		return fmt.Errorf("%s is on overlayfs, and an overlay cannot be laid over another: mount a volume or a tmpfs there", dir)
	}
	return nil
}

// CleanUp removes what an earlier run left in this mount and process namespace: pods' processes, the
// programs themselves, mounts below the given folders. Programs are paths of executables.
func CleanUp(programs, folders []string) error {
	killPrograms(programs)
	killPods()
	return unmountBelow(folders)
}

func killPrograms(programs []string) {
	entries, _ := os.ReadDir("/proc")
	self := os.Getpid()
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil || pid == self {
			continue
		}
		program, err := os.Readlink(filepath.Join("/proc", entry.Name(), "exe"))
		if err != nil {
			continue
		}
		for _, each := range programs {
			if program == each || program == each+" (deleted)" {
				kill(entry.Name())
			}
		}
	}
}

// kill ends a process and waits up to a second until it is gone or a zombie.
func kill(pid string) {
	number, err := strconv.Atoi(pid)
	if err != nil || number <= 1 || number == os.Getpid() {
		return
	}
	if syscall.Kill(number, syscall.SIGKILL) != nil {
		return
	}
	for range 100 {
		status, err := os.ReadFile(filepath.Join("/proc", pid, "stat"))
		if err != nil || strings.Contains(string(status), ") Z ") {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// unmountBelow detaches every mount strictly below the folders, the deepest first.
func unmountBelow(folders []string) error {
	mounts, err := mountinfo.GetMounts(func(info *mountinfo.Info) (skip, stop bool) {
		for _, folder := range folders {
			if strings.HasPrefix(info.Mountpoint, folder+"/") {
				return false, false
			}
		}
		return true, false
	})
	if err != nil {
		return err
	}
	sort.Slice(mounts, func(a, b int) bool { return len(mounts[a].Mountpoint) > len(mounts[b].Mountpoint) })
	var failures []error
	for _, mount := range mounts {
		if err := unix.Unmount(mount.Mountpoint, unix.MNT_DETACH); err != nil && !errors.Is(err, unix.EINVAL) {
			failures = append(failures, fmt.Errorf("unmount %s: %w", mount.Mountpoint, err))
		}
	}
	return errors.Join(failures...)
}
