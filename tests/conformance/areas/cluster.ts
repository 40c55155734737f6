/** The cluster is what the manifests rely on. */
import { type KubeObject, refOf } from '../../../deploy/src/release/objects.ts'
import { waitFor } from '../kube.ts'
import { CONNECT_SCRIPT, type Reach, type Target, ask, connectTo, whileServing } from '../probe.ts'
import { type Requirement, demand, demandNone } from '../requirement.ts'
import { TIMEOUTS } from '../timeouts.ts'
import type { World } from '../world.ts'

/** Minors that the manifests are validated for (docker/tools/schemas). */
const MINORS = { oldest: 34, newest: 36 }

type Conditions = { conditions?: { type: string; status: string; message?: string }[] }

const listed = (world: World, apiVersion: string, kind: string, namespace?: string): Promise<KubeObject[]> => world.cluster.list({ apiVersion, kind }, namespace)

const POLICY_PORT = 8080
const SERVER_SCRIPT = `
import socket
server = socket.create_server(("", ${POLICY_PORT}))
while True:
    connection, _ = server.accept()
    connection.close()
`

export const CLUSTER: readonly Requirement[] = [
  {
    id: 'CONF-001',
    ring: 'cluster',
    title: 'Kubernetes version',
    must: `The API server MUST run one of the minors that the manifests are validated for: 1.${MINORS.oldest} to 1.${MINORS.newest}.`,
    why: 'fields are ignored or refused by other versions',
    source: 'design.md 6; https://kubernetes.io/releases/version-skew-policy/',
    needs: [],
    lane: 'shared',
    timeoutMs: TIMEOUTS.read,
    async run({ cluster }) {
      const version = await cluster.version()
      const minor = Number(/^v1\.(\d+)\./.exec(version)?.[1])
      demand(minor >= MINORS.oldest && minor <= MINORS.newest, `the server is ${version}`)
      return { summary: version }
    },
  },
  {
    id: 'CONF-002',
    ring: 'cluster',
    title: 'Nodes are ready',
    must: 'Every node MUST be Ready and MUST NOT be under pressure of memory, disk or processes.',
    why: 'pods are evicted or not scheduled, and everything that follows fails for another reason than its own',
    source: 'https://kubernetes.io/docs/reference/node/node-status/',
    needs: [],
    lane: 'shared',
    timeoutMs: TIMEOUTS.read,
    async run(world) {
      const nodes = await listed(world, 'v1', 'Node')
      demand(nodes.length > 0, 'the cluster has no node')
      const faults = nodes.flatMap(({ metadata, status }) =>
        ((status as Conditions).conditions ?? []).filter(({ type, status }) => status !== (type === 'Ready' ? 'True' : 'False')).map(({ type, status, message }) => `node ${metadata.name}: ${type}=${status}, ${message ?? ''}`),
      )
      demandNone(faults, 'not ready')
      return {
        summary: `${nodes.length} node(s) ready`,
        table: {
          head: ['node', 'kubelet', 'runtime', 'CPU', 'memory'],
          rows: nodes.map(({ metadata, status }) => {
            const { nodeInfo, capacity } = status as { nodeInfo: Record<string, string>; capacity: Record<string, string> }
            return [metadata.name, nodeInfo['kubeletVersion'] ?? '', nodeInfo['containerRuntimeVersion'] ?? '', capacity['cpu'] ?? '', capacity['memory'] ?? '']
          }),
        },
      }
    },
  },
  {
    id: 'CONF-003',
    ring: 'cluster',
    title: 'Cluster DNS',
    must: 'A pod MUST resolve the names of Services, short within its namespace and long from others, and MUST get no answer for a name that does not exist.',
    why: 'the application finds its parts by name only',
    source: 'https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/',
    needs: ['probe image'],
    lane: 'shared',
    timeoutMs: TIMEOUTS.probes,
    async run(world) {
      const script = `
import json, os, socket
def find(name):
    try:
        return sorted({info[4][0] for info in socket.getaddrinfo(name, 80, type=socket.SOCK_STREAM)})
    except socket.gaierror:
        return []
print(json.dumps({name: find(name) for name in json.loads(os.environ["NAMES"])}))`
      const [kubernetes, dns] = await Promise.all([serviceIp(world, 'default', 'kubernetes'), serviceIp(world, 'kube-system', 'kube-dns')])
      const expected: Record<string, string[]> = {
        'kubernetes.default': [kubernetes],
        'kubernetes.default.svc.cluster.local': [kubernetes],
        'kube-dns.kube-system.svc': [dns],
        'nothing.default.svc.cluster.local': [],
      }
      const found = await ask<Record<string, string[]>>(world, { namespace: world.scratch, name: 'dns', script, env: { NAMES: JSON.stringify(Object.keys(expected)) } })
      demandNone(Object.entries(expected).filter(([name, addresses]) => found[name]?.join() !== addresses.join()).map(([name, addresses]) => `${name} gave ${found[name]?.join() || 'nothing'} instead of ${addresses.join() || 'nothing'}`), 'wrong answers')
      return { summary: `${Object.keys(expected).length} names as expected, one of them unknown` }
    },
  },
  {
    id: 'CONF-004',
    ring: 'cluster',
    title: 'Default storage class keeps data',
    must: 'A claim without a class MUST get a volume from the default storage class, and data written by one pod MUST be there for the next.',
    why: 'the database loses its data with its pod',
    source: 'https://kubernetes.io/docs/concepts/storage/storage-classes/#default-storageclass',
    needs: ['probe image'],
    lane: 'shared',
    timeoutMs: TIMEOUTS.probes,
    async run(world) {
      const classes = await listed(world, 'storage.k8s.io/v1', 'StorageClass')
      const standard = classes.filter(({ metadata }) => metadata.annotations?.['storageclass.kubernetes.io/is-default-class'] === 'true')
      demand(standard.length === 1, `there are ${standard.length} default storage classes among ${classes.map(({ metadata }) => metadata.name).join(', ') || 'none'}`)
      const claim = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace: world.scratch, name: 'conformance' }
      await world.cluster.apply({ apiVersion: 'v1', kind: claim.kind, metadata: { namespace: world.scratch, name: claim.name }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '16Mi' } } } })
      try {
        const volumes = [{ name: 'data', mountPath: '/data', source: { persistentVolumeClaim: { claimName: claim.name } } }]
        const mark = String(world.openedAt)
        await ask(world, { namespace: world.scratch, name: 'write', volumes, env: { MARK: mark }, script: 'import json, os; open("/data/mark", "w").write(os.environ["MARK"]); print(json.dumps("written"))' })
        const read = await ask<string>(world, { namespace: world.scratch, name: 'read', volumes, script: 'import json; print(json.dumps(open("/data/mark").read()))' })
        demand(read === mark, `the second pod read ${read} instead of ${mark}`)
      } finally {
        await world.cluster.remove(claim)
      }
      return { summary: `class ${standard[0]?.metadata.name}: written by one pod, read by the next` }
    },
  },
  {
    id: 'CONF-005',
    ring: 'cluster',
    title: 'Ingress class',
    must: 'The ingress class that the manifests name MUST exist, and its controller MUST run where the NetworkPolicies expect it.',
    why: 'nobody reaches the application',
    source: 'design.md 6; https://kubernetes.io/docs/concepts/services-networking/ingress/#ingress-class',
    needs: ['render'],
    lane: 'shared',
    timeoutMs: TIMEOUTS.read,
    async run(world) {
      const ingress = (await world.rendered('development')).find(({ object }) => object.kind === 'Ingress')?.object
      const wanted = (ingress?.['spec'] as { ingressClassName?: string } | undefined)?.ingressClassName
      const classes = (await listed(world, 'networking.k8s.io/v1', 'IngressClass')).map(({ metadata }) => metadata.name)
      demand(wanted !== undefined && classes.includes(wanted), `the manifests name class ${wanted ?? '(none)'}; the cluster has ${classes.join(', ') || 'none'}`)
      const pods = await listed(world, 'v1', 'Pod', 'kube-system')
      const controllers = pods.filter(({ metadata, status }) => metadata.labels?.['app.kubernetes.io/name'] === wanted && ((status as Conditions).conditions ?? []).some(({ type, status }) => type === 'Ready' && status === 'True'))
      demand(controllers.length > 0, `no ready pod in kube-system has the label app.kubernetes.io/name=${wanted}, which the NetworkPolicies let in`)
      return { summary: `class ${wanted}, ${controllers.length} controller pod(s) ready` }
    },
  },
  {
    id: 'CONF-006',
    ring: 'cluster',
    title: 'Metrics API',
    must: 'The metrics API MUST give CPU and memory of nodes and of the pods of the application.',
    why: 'the autoscalers see nothing and never scale',
    source: 'https://kubernetes.io/docs/tasks/debug/debug-cluster/resource-metrics-pipeline/',
    needs: ['metrics', 'application'],
    lane: 'shared',
    timeoutMs: TIMEOUTS.metrics + TIMEOUTS.read,
    async run(world) {
      const nodes = await listed(world, 'metrics.k8s.io/v1beta1', 'NodeMetrics')
      demand(nodes.length > 0, 'no figures of nodes')
      const rows = await waitFor('figures of every running pod of the application', TIMEOUTS.metrics, world.signal, async () => {
        const figures = await listed(world, 'metrics.k8s.io/v1beta1', 'PodMetrics', world.namespace)
        const found = figures.map(({ metadata, containers }) => {
          const [first] = containers as { usage: { cpu: string; memory: string } }[]
          return [metadata.name, first?.usage.cpu ?? '', first?.usage.memory ?? '']
        })
        const tiers = ['agent', 'backend', 'frontend', 'mcp'].filter((tier) => !found.some(([name = '']) => name.startsWith(`${tier}-`)))
        return tiers.length === 0 ? found : `no figures of ${tiers.join(', ')}`
      })
      return { summary: `${nodes.length} node(s), ${rows.length} pods`, table: { head: ['pod', 'CPU', 'memory'], rows } }
    },
  },
  {
    id: 'CONF-007',
    ring: 'cluster',
    title: 'NetworkPolicies are enforced',
    must: 'A connection MUST succeed without a policy, fail under a policy that denies, and succeed under one that allows it.',
    why: 'a cluster that ignores NetworkPolicies accepts them all the same, and every pod reaches the database',
    source: 'https://kubernetes.io/docs/concepts/services-networking/network-policies/#prerequisites',
    needs: ['probe image'],
    lane: 'shared',
    timeoutMs: TIMEOUTS.story,
    run: policiesAreEnforced,
  },
]

async function serviceIp({ cluster }: World, namespace: string, name: string): Promise<string> {
  const service = await cluster.get({ apiVersion: 'v1', kind: 'Service', namespace, name })
  const { clusterIP } = (service?.['spec'] ?? {}) as { clusterIP?: string }
  demand(clusterIP, `there is no Service ${name} in ${namespace}`)
  return clusterIP
}

function policiesAreEnforced(world: World): Promise<{ summary: string }> {
  const { cluster, scratch } = world
  const policy = (name: string, ingress: object[]): KubeObject => ({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { namespace: scratch, name },
    spec: { podSelector: { matchLabels: { 'conformance-policy': 'server' } }, policyTypes: ['Ingress'], ingress },
  })
  const deny = policy('conformance-deny', [])
  const allow = policy('conformance-allow', [{ from: [{ podSelector: { matchLabels: { 'conformance-policy': 'client' } } }] }])
  return whileServing(world, { namespace: scratch, name: 'policy-server', labels: { 'conformance-policy': 'server' }, script: SERVER_SCRIPT }, async (host) => {
    const target: Target = { name: 'server', host, port: POLICY_PORT }
    // The client waits for what is expected: the node follows a policy a moment later, and nothing in the API says when.
    const reach = async (expected: 'open' | 'closed'): Promise<Reach | undefined> =>
      (await ask<Record<string, Reach>>(world, { namespace: scratch, name: 'policy-client', labels: { 'conformance-policy': 'client' }, script: CONNECT_SCRIPT, env: connectTo([target], expected === 'open' ? [target.name] : []) }))[target.name]
    try {
      const free = await reach('open')
      demand(free === 'open', `without a policy the connection ended with: ${free}`)
      await cluster.apply(deny)
      const denied = await reach('closed')
      demand(denied !== 'open', 'a policy that denies everything changed nothing: this cluster does not enforce NetworkPolicies')
      await cluster.apply(allow)
      const allowed = await reach('open')
      demand(allowed === 'open', `under a policy that allows it the connection ended with: ${allowed}`)
      return { summary: `without policy: open; denied: ${denied}; allowed: open` }
    } finally {
      // Asked again in the same run, the first question must find no policy.
      await Promise.all([deny, allow].map((object) => cluster.remove(refOf(object))))
    }
  })
}
