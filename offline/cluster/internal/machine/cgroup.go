// Package machine prepares what the node needs of the kernel and of its container: control groups, mounts,
// devices, addresses.
package machine

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

const (
	cgroupRoot = "/sys/fs/cgroup"
	// leafGroup takes the node's own processes: on cgroup v2 a group with processes cannot hand
	// controllers to its children.
	leafGroup = "node"
)

// OwnCgroups makes the container's own control groups the root of what the calling thread and its children see, and
// mounts every hierarchy that they are in. Some container engines give a container its part of the tree without a
// namespace, or leave out the hierarchy of systemd: then containerd finds no container's group, and the metrics of
// all pods are zero.
func OwnCgroups() error {
	text, err := os.ReadFile("/proc/thread-self/cgroup")
	if err != nil {
		return err
	}
	hierarchies := parseCgroups(string(text))
	mounted, err := cgroupMounts()
	if err != nil {
		return err
	}
	if slices.ContainsFunc(hierarchies, func(h hierarchy) bool { return h.path != "/" }) {
		if err := unix.Unshare(unix.CLONE_NEWCGROUP); err != nil {
			return fmt.Errorf("cgroup namespace: %w", err)
		}
		for target := range mounted {
			if err := unix.Unmount(target, unix.MNT_DETACH); err != nil {
				return fmt.Errorf("unmount %s: %w", target, err)
			}
		}
		if mounted[cgroupRoot] {
			return mountCgroup("cgroup2", cgroupRoot, "")
		}
		mounted = nil
	}
	if mounted[cgroupRoot] {
		return nil // version 2, one hierarchy
	}
	for _, each := range hierarchies {
		target := filepath.Join(cgroupRoot, each.folder)
		if each.folder == "" || mounted[target] {
			continue
		}
		if err := os.MkdirAll(target, 0o755); err != nil {
			return err
		}
		if err := mountCgroup("cgroup", target, each.options); err != nil {
			return err
		}
	}
	return nil
}

// hierarchy is one line of /proc/PID/cgroup. Folder and options are those of its mount in version 1, and empty for
// version 2.
type hierarchy struct{ folder, options, path string }

// parseCgroups reads lines `number:controllers:path`; a hierarchy without controllers has `name=NAME` instead.
func parseCgroups(text string) []hierarchy {
	var found []hierarchy
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		parts := strings.SplitN(line, ":", 3)
		if len(parts) != 3 {
			continue
		}
		each := hierarchy{folder: parts[1], options: parts[1], path: parts[2]}
		if name, named := strings.CutPrefix(parts[1], "name="); named {
			each.folder, each.options = name, "none,"+parts[1]
		}
		found = append(found, each)
	}
	return found
}

// cgroupMounts gives the mount points of control groups at and below the root.
func cgroupMounts() (map[string]bool, error) {
	mounts, err := mountinfo.GetMounts(func(info *mountinfo.Info) (skip, stop bool) {
		return info.FSType != "cgroup" && info.FSType != "cgroup2" || !strings.HasPrefix(info.Mountpoint, cgroupRoot), false
	})
	if err != nil {
		return nil, err
	}
	targets := map[string]bool{}
	for _, mount := range mounts {
		targets[mount.Mountpoint] = true
	}
	return targets, nil
}

func mountCgroup(kind, target, options string) error {
	if err := unix.Mount(kind, target, kind, unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, options); err != nil {
		return fmt.Errorf("mount %s at %s with %q: %w", kind, target, options, err)
	}
	return nil
}

// NestCgroups makes room for pods' control groups below the container's own. On cgroup v1 there is nothing to do.
func NestCgroups() error {
	controllers, err := os.ReadFile(filepath.Join(cgroupRoot, "cgroup.controllers"))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	leaf := filepath.Join(cgroupRoot, leafGroup)
	if err := os.MkdirAll(leaf, 0o755); err != nil {
		return fmt.Errorf("cgroup v2: %w (the node needs a writable %s)", err, cgroupRoot)
	}
	// Processes may start while others move.
	for range 10 {
		processes, err := os.ReadFile(filepath.Join(cgroupRoot, "cgroup.procs"))
		if err != nil {
			return err
		}
		if len(bytes.TrimSpace(processes)) == 0 {
			break
		}
		for _, pid := range bytes.Fields(processes) {
			err := os.WriteFile(filepath.Join(leaf, "cgroup.procs"), pid, 0)
			if err != nil && !errors.Is(err, syscall.ESRCH) && !errors.Is(err, syscall.EINVAL) {
				return fmt.Errorf("cgroup v2: move process %s: %w", pid, err)
			}
		}
	}
	enable := "+" + strings.Join(strings.Fields(string(controllers)), " +")
	if err := os.WriteFile(filepath.Join(cgroupRoot, "cgroup.subtree_control"), []byte(enable), 0); err != nil {
		return fmt.Errorf("cgroup v2: enable %q for pods: %w", enable, err)
	}
	return nil
}

// killPods ends every process in the pods' control groups of an earlier run, and removes the groups.
func killPods() {
	roots, _ := filepath.Glob(filepath.Join(cgroupRoot, "*", "kubepods"))
	roots = append(roots, filepath.Join(cgroupRoot, "kubepods"))
	for _, root := range roots {
		var groups []string
		_ = filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
			if err == nil && entry.IsDir() {
				groups = append(groups, path)
			}
			return nil
		})
		for _, group := range groups {
			processes, _ := os.ReadFile(filepath.Join(group, "cgroup.procs"))
			for _, pid := range strings.Fields(string(processes)) {
				kill(pid)
			}
		}
		// Children before parents.
		for index := len(groups) - 1; index >= 0; index-- {
			_ = os.Remove(groups[index])
		}
	}
}
