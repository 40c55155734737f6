// Package machine prepares what the node needs of the kernel and of its container: control groups, mounts,
// devices, addresses.
package machine

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

const (
	cgroupRoot = "/sys/fs/cgroup"
	// leafGroup takes the node's own processes: on cgroup v2 a group with processes cannot hand
	// controllers to its children.
	leafGroup = "node"
)

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
