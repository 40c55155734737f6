import { type CacheVolume, type Container, dag, type Directory, type File, ReturnType, type Service } from '@dagger.io/dagger'
import { explained, reason } from './explain.ts'
import { checkedName, keyOf, type LaptopCluster, type NodeFolders, startScript } from './node-start.ts'

/** The API's name for containers that are bound to the cluster; it is in the API's certificate. */
export const API_HOST = 'cluster'

const SHARED = '/clusters'
const STATE = '/var/lib/rancher/k3s'
const KUBELET = '/var/lib/kubelet'

/** Image tarballs that lie here are loaded: https://docs.k3s.io/import-images */
const IMAGES = `${STATE}/agent/images`

/** Where a node finds the authorities that it was given. */
const AUTHORITIES = '/etc/todo-chat/authorities.crt'

// See node-start.ts.
const FOLDERS: NodeFolders = { shared: SHARED, state: STATE, kubelet: KUBELET, configuration: '/etc/rancher', dead: 20, patience: 30 }

/** Kubeconfigs of all clusters. */
const clusters = (): CacheVolume => dag.cacheVolume('todo-chat-clusters')

/** Image tarballs that a laptop cluster loads while it runs. */
export const sideloads = (which: LaptopCluster): CacheVolume => dag.cacheVolume(`todo-chat-sideloads-${keyOf(which)}`)

/** An image says with this label that it stands in for another one. */
const STAND_IN_LABEL = 'io.todo-chat.stand-in'

/** A cluster in memory that starts when something binds it. */
export type Cluster = {
  service: Service
  name: string
  volume: CacheVolume
}

/** @returns what the image says it stands in for; empty for the real thing */
export async function standIn(address: string): Promise<string[]> {
  const label = await dag.container().from(address).label(STAND_IN_LABEL)
  return label ? [label] : []
}

/** A cluster of the k3s image or of one with the same contract: started with k3s's flags, tarballs in agent/images/ are loaded, the kubeconfig appears where --write-kubeconfig says. */
async function nodeService(address: string, script: string, mount: (node: Container) => Container): Promise<Service> {
  const node = dag.container().from(address)
  await needsPrivileges(node)
  const entrypoint = await node.entrypoint()
  const flags = ['server', '--write-kubeconfig-mode=0644', `--tls-san=${API_HOST}`, '--tls-san=localhost', '--node-name=node']
  return mount(node)
    .withMountedCache(SHARED, clusters())
    .withExposedPort(6443)
    .withExposedPort(80, { experimentalSkipHealthcheck: true })
    .asService({ args: ['sh', '-c', script, 'sh', ...entrypoint, ...flags], insecureRootCapabilities: true })
}

/**
 * Describes a cluster for one run, in memory: nothing is left when the service ends.
 * @param address image of the cluster
 * @param name where kubeconfigs of this kind of run are found
 * @param images image tarballs
 * @param authorities PEM certificates that the node trusts registries by (default: the public ones)
 * @throws Error with the next step when the engine refuses privileged containers
 */
export async function cluster(address: string, name: string, images: Directory, authorities?: File): Promise<Cluster> {
  const service = await nodeService(address, startScript(FOLDERS, 'in memory'), (node) =>
    (authorities === undefined ? node : node.withFile(AUTHORITIES, authorities).withEnvVariable('SSL_CERT_FILE', AUTHORITIES))
      .withMountedDirectory(IMAGES, images)
      // Overlayfs is not laid on overlayfs.
      .withMountedTemp(`${STATE}/agent/containerd`)
      .withMountedTemp(`${STATE}/server`)
      .withMountedTemp(KUBELET)
      .withEnvVariable('CLUSTER_NAME', name)
      .withEnvVariable('CLUSTER_KEY', checkedName(name)),
  )
  return { service, name, volume: clusters() }
}

/**
 * Describes a cluster for a laptop. It is kept: started again, also after an end without warning, it has the same certificates, the
 * same objects and volumes. `sideload` brings images while it runs.
 * @param address image of the cluster
 * @param fresh forget what is kept
 * @throws Error with the next step when the engine refuses privileged containers
 */
export async function laptopCluster(address: string, which: LaptopCluster, fresh: boolean): Promise<Service> {
  const key = keyOf(which)
  return nodeService(address, startScript(FOLDERS, 'kept'), (node) =>
    node
      .withMountedCache(STATE, dag.cacheVolume(`todo-chat-cluster-${key}`))
      .withMountedCache(KUBELET, dag.cacheVolume(`todo-chat-kubelet-${key}`))
      .withMountedCache(IMAGES, sideloads(which))
      .withEnvVariable('CLUSTER_NAME', which.name)
      .withEnvVariable('CLUSTER_KEY', key)
      .withEnvVariable('FRESH', fresh ? 'yes' : ''),
  )
}

// An engine never starts a service that it refuses its privileges, and waits for it without end; a command it refuses at once.
async function needsPrivileges(node: Container): Promise<void> {
  try {
    await node.withEnvVariable('ASKED', String(Date.now())).withExec(['true'], { insecureRootCapabilities: true }).sync()
  } catch (cause) {
    throw new Error(explained(reason(cause)), { cause })
  }
}

// Each wait has an end, and shows what it waits for; on time-out everything that explains it is printed.
const WAIT = `set -u
fail() {
  echo "cluster $CLUSTER_NAME: $1 within $2 s" >&2
  kubectl get nodes,pods --all-namespaces -o wide >&2
  kubectl get events --all-namespaces --sort-by=.lastTimestamp 2>/dev/null | tail -40 >&2
  kubectl describe nodes >&2
  exit 1
}
until_true() {
  limit=$1 what=$2
  shift 2
  end=$(($(date +%s) + limit))
  echo "waiting for $what, at most $limit s" >&2
  until "$@" >/dev/null 2>&1; do
    [ "$(date +%s)" -lt "$end" ] || fail "$what: not there" "$limit"
    sleep 0.2
  done
  echo "$what: there, $(awk '{ if (NR == 1) started = $1; else printf "%.1f", $1 - started }' "$folder/started" /proc/uptime) s after the start of the node" >&2
}
# Kubeconfigs of other runs lie there too; the API's certificate tells which one belongs to this cluster.
find_kubeconfig() {
  for file in $(ls -t ${SHARED}/"$CLUSTER_NAME"/*/kubeconfig.yaml); do
    folder=$(dirname "$file")
    sed "s#https://127.0.0.1:6443#https://${API_HOST}:6443#" "$file" >/tmp/kubeconfig
    kubectl get --raw /readyz --request-timeout=2s && return 0
  done
  return 1
}
export KUBECONFIG=/tmp/kubeconfig
until_true 120 "the API" find_kubeconfig
until_true 60 "a node" sh -c 'kubectl get nodes -o name | grep -q .'
until_true 120 "Ready nodes" kubectl wait --for=condition=Ready nodes --all --timeout=1s
for name in coredns local-path-provisioner metrics-server traefik; do
  until_true 180 "$name" kubectl --namespace kube-system wait --for=condition=Available "deployment/$name" --timeout=1s
done
until_true 60 "the default storage class" sh -c 'kubectl get storageclass -o yaml | grep -q "is-default-class: .true."'
until_true 60 "the ingress class" kubectl get ingressclass traefik
until_true 90 "the metrics API" kubectl top nodes
kubectl get nodes -o wide >&2
`

/** A container that is bound to a cluster. Its commands call `awaitCluster` first. */
export function bound(container: Container, { service, name, volume }: Cluster): Container {
  return container
    .withServiceBinding(API_HOST, service)
    .withMountedCache(SHARED, volume)
    .withEnvVariable('CLUSTER_NAME', name)
    .withNewFile('/tmp/await-cluster.sh', WAIT)
    .withEnvVariable('KUBECONFIG', '/tmp/kubeconfig')
}

/** Line for sh: waits, within bounds, until everything the manifests rely on is there; prints a diagnosis otherwise. */
export const awaitCluster = 'sh /tmp/await-cluster.sh'

/**
 * The kubeconfig that the newest laptop cluster of a name has written.
 * @param tools an image with sh
 * @param api where its API answers; empty: the node's own address, which the engine's other containers reach
 */
export async function kubeconfig(tools: Container, which: LaptopCluster, api: string): Promise<File> {
  const script = `file=$(ls -t ${SHARED}/"$1"/*/kubeconfig.yaml | head -1) && api=\${2:-https://$(cat "$(dirname "$file")/address"):6443} && sed "s#https://127.0.0.1:6443#$api#" "$file" >/tmp/kubeconfig`
  const read = tools
    .withMountedCache(SHARED, clusters())
    .withEnvVariable('READ', String(Date.now()))
    .withExec(['sh', '-c', script, 'sh', keyOf(which), api], { expect: ReturnType.Any })
  if ((await read.exitCode()) !== 0) throw new Error(`no cluster named ${which.name} has written a kubeconfig; start one: dagger call cluster --name=${which.name} up`)
  return read.file('/tmp/kubeconfig')
}
