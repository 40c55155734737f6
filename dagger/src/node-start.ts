/**
 * How a node starts: the lines for sh that run before its own program, and what a laptop cluster is found by. Imports nothing, so that
 * the tests run it without an engine.
 */

/** A cluster on laptop ports: its name, and the clone of the repository that it belongs to ('' for all that say nothing). */
export type LaptopCluster = { name: string; clone: string }

/**
 * @returns what a laptop cluster's volumes and kubeconfigs are found by: clones of the repository share an engine
 * @throws Error for a name that cannot be a part of that
 */
export function keyOf({ name, clone }: LaptopCluster): string {
  if (!/^[a-z0-9]{0,16}$/.test(clone)) throw new Error(`clone must be of at most 16 lower-case letters and digits, current value ${clone}`)
  return clone === '' ? checkedName(name) : `${checkedName(name)}--${clone}`
}

/** @returns the name @throws Error when it cannot name a folder, or could be taken for a key */
export function checkedName(name: string): string {
  if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name) || name.length > 40) throw new Error(`name must be of lower-case letters and digits, with single dashes between them, at most 40, current value ${name}`)
  return name
}

/** Where things are in the node's container. */
export type NodeFolders = {
  /** Seen by all clusters: a folder for each start of each */
  shared: string
  state: string
  kubelet: string
  configuration: string
  /** Seconds without a sign of life after which a node counts as ended */
  dead: number
  /** Seconds that a start waits for another node of its name to end; more than `dead` */
  patience: number
}

/** Seconds without a sign of life after which a kubeconfig is only a credential of a cluster that is gone. */
const FORGOTTEN = 600

/**
 * Lines for sh. Their environment says CLUSTER_NAME and CLUSTER_KEY, their arguments are the node's own program, which gets where to
 * write its kubeconfig as one more. Every start has a folder of its own for that, with a sign of life in it.
 * @param kind in memory: for one run; kept: its state outlives it, so that one node at a time has it, and FRESH=yes empties it first
 */
export function startScript(folders: NodeFolders, kind: 'in memory' | 'kept'): string {
  return announce(folders) + (kind === 'kept' ? takeState(folders) : 'mine() { true; }\n') + RUN
}

// The node's address comes from the kernel's list of local ones: neither hostname nor ip is in every image.
const announce = ({ shared }: NodeFolders): string => `now() { date +%s; }
silent() { echo $(($(now) - $(cat "$1/alive" 2>/dev/null || echo 0))); }
for old in ${shared}/*/*/; do
  [ "$(silent "$old")" -lt ${FORGOTTEN} ] || rm -rf "$old"
done
id=$(cat /proc/sys/kernel/random/uuid)
folder=${shared}/$CLUSTER_KEY/$id
mkdir -p "$folder"
now >"$folder/alive"
cp /proc/uptime "$folder/started"
awk '/32 host LOCAL/ && last !~ /^127/ { print last; exit } { last = $2 }' /proc/net/fib_trie >"$folder/address"
`

// A folder is made by one of many who try; who finds it there asks whether its maker lives.
const takeState = ({ shared, state, kubelet, configuration, dead, patience }: NodeFolders): string => `lock=${shared}/.running-$CLUSTER_KEY
take() {
  mkdir "$lock" 2>/dev/null && echo "$id" >"$lock/owner" && return 0
  [ "$(silent "${shared}/$CLUSTER_KEY/$(cat "$lock/owner" 2>/dev/null)")" -lt ${dead} ] && return 1
  mv "$lock" "$lock.$id" 2>/dev/null && rm -r "$lock.$id"
  return 1
}
end=$(($(now) + ${patience}))
until take; do
  if [ "$(now)" -ge "$end" ]; then
    echo "cluster $CLUSTER_NAME: another 'cluster up' of this name runs; end that one, or start one of another name: dagger call cluster --name=other up" >&2
    rm -r "$folder"
    exit 1
  fi
  now >"$folder/alive"
  sleep 1
done
mine() { [ "$(cat "$lock/owner" 2>/dev/null)" = "$id" ]; }
if [ -n "$FRESH" ]; then
  for entry in ${state}/* ${state}/agent/* ${kubelet}/*; do
    case $entry in ${state}/agent | ${state}/agent/images) ;; *) rm -rf "$entry" ;; esac
  done
fi
# Those that lie there were loaded before the last node ended.
find ${state}/agent/images -mindepth 1 -delete
# k3s proves with a file there that it is the node of this name.
mkdir -p ${state}/node-password ${configuration}
ln -sfn ${state}/node-password ${configuration}/node
`

// A node that was taken for dead and is not, as when its machine slept, ends as soon as it sees that another has its state.
const RUN = `(
  while mine; do
    now >"$folder/alive.new" && mv "$folder/alive.new" "$folder/alive"
    sleep 2
  done
  echo "cluster $CLUSTER_NAME: another node has taken its state; this one ends" >&2
  kill $$
) &
exec "$@" "--write-kubeconfig=$folder/kubeconfig.yaml"`
