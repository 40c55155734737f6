#!/bin/bash
# Becomes the engine, in namespaces of its own. Called by engine.mjs as a chain:
#
#   enter.sh join <cgroup name> <command…>   puts itself into a control group of its own, then runs the command
#   enter.sh nest <cgroup name> <command…>   first process of the new process namespace: makes its group the root of a
#                                            control group namespace, then runs the command
#   enter.sh mount                           lays the engine's view of the file system, then becomes the engine
#
# The last two run in fresh mount, process and network namespaces, so nothing they mount or start is seen by the machine,
# and all of it is gone when the first process of the namespace ends.
set -euo pipefail

# One tree for all controllers (cgroup v2), or a tree for each.
unified=no
if [ -f /sys/fs/cgroup/cgroup.controllers ]; then unified=yes; fi

hand_down() {
  sed -e 's/\</+/g' "$1/cgroup.controllers" >"$1/cgroup.subtree_control"
}

join() {
  local name=$1 controller
  shift
  if [ "$unified" = yes ]; then
    # A group that hands controllers down holds no processes, so the process that waits outside gets one beside the engine's.
    mkdir -p "/sys/fs/cgroup/$name/outside" "/sys/fs/cgroup/$name/engine"
    echo $$ >"/sys/fs/cgroup/$name/outside/cgroup.procs"
    hand_down "/sys/fs/cgroup/$name"
  else
    for controller in /sys/fs/cgroup/*/; do
      [ -f "$controller/cgroup.procs" ] || continue
      mkdir -p "$controller/$name"
      # A new cpuset is empty, and an empty one takes no process.
      if [ -f "$controller/cpuset.cpus" ]; then
        cat "$controller/cpuset.cpus" >"$controller/$name/cpuset.cpus"
        cat "$controller/cpuset.mems" >"$controller/$name/cpuset.mems"
      fi
      echo $$ >"$controller/$name/cgroup.procs"
    done
  fi
  exec "$@"
}

nest() {
  local name=$1
  shift
  if [ "$unified" = yes ]; then echo $$ >"/sys/fs/cgroup/$name/engine/cgroup.procs"; fi
  exec unshare --cgroup "$@"
}

# The network namespace needs its own sysfs (else the engine reads the machine's interfaces), and the control groups are
# mounted again so that they start at the engine's own.
mount_system() {
  local -a controllers=()
  local controller
  while read -r controller; do controllers+=("$controller"); done < <(awk '$4 == 1 && $1 !~ /^#/ {print $1}' /proc/cgroups)
  mount -t sysfs sysfs /sys
  if [ "$unified" = yes ]; then
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
    mkdir -p /sys/fs/cgroup/init
    echo $$ >/sys/fs/cgroup/init/cgroup.procs
    hand_down /sys/fs/cgroup
    return
  fi
  mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup
  for controller in "${controllers[@]}"; do
    mkdir "/sys/fs/cgroup/$controller"
    mount -t cgroup -o "$controller" cgroup "/sys/fs/cgroup/$controller" || rmdir "/sys/fs/cgroup/$controller"
  done
}

mount_prefix() {
  local resolver
  # A resolver on the machine's loopback does not answer in another network namespace; its upstream list does.
  resolver=/etc/resolv.conf
  if grep -qE '^nameserver 127\.' $resolver && [ -f /run/systemd/resolve/resolv.conf ]; then resolver=/run/systemd/resolve/resolv.conf; fi
  resolver=$(cat "$resolver")
  mount -t tmpfs -o mode=755 tmpfs /run
  mkdir -p /run/todo-chat/{bin,state,content,socket,ca-certificates} /run/lock
  echo "$resolver" >/run/todo-chat/resolv.conf
  mount --bind /run/todo-chat/resolv.conf /etc/resolv.conf
  mount --bind "$ENGINE_BIN" /run/todo-chat/bin
  mount --bind "$ENGINE_STATE" /run/todo-chat/state
  mount --bind "$ENGINE_CONTENT" /run/todo-chat/content
  mount --bind "$ENGINE_SOCKET" /run/todo-chat/socket
}

case ${1:-} in
join | nest)
  "$@"
  ;;
mount)
  mount_system
  mount_prefix
  ip link set lo up
  export PATH=/run/todo-chat/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
  exec tini -g -- /run/todo-chat/bin/engine --root /run/todo-chat/state --addr unix:///run/todo-chat/socket/engine.sock \
    --config "$ENGINE_CONFIG" --network-name todo-chat0 --network-cidr "$ENGINE_CIDR" --oci-cni-binary-dir /run/todo-chat/bin
  ;;
*)
  echo "enter.sh: first argument must be join, nest or mount, current value ${1:-none}" >&2
  exit 2
  ;;
esac
