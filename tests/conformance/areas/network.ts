/** Who reaches whom: asked from a pod of each tier, by address and port, against a list. */
import { serving } from '../kube.ts'
import { CONNECT_SCRIPT, type Reach, type Target, ask, connectTo } from '../probe.ts'
import { type Evidence, type Requirement, type RequirementId, demand, demandNone } from '../requirement.ts'
import { TIMEOUTS } from '../timeouts.ts'
import type { World } from '../world.ts'

const PORTS = { postgres: 5432, mcp: 8002, agent: 8001, backend: 8000, frontend: 8080 } as const
type Tier = keyof typeof PORTS

/** Addresses outside the namespace that answer every pod without policies: the control pod proves it each time. */
const OUTSIDE = ['API server', 'ingress controller', 'metrics-server', 'kubelet'] as const

interface Row {
  id: RequirementId
  /** Label `app.kubernetes.io/name` of the asking pod; absent for a pod of no tier. */
  tier?: string
  component?: string
  title: string
  /** Targets that must be open; every other one must be closed. */
  allowed: readonly string[]
  why: string
}

const ROWS: readonly Row[] = [
  { id: 'CONF-260', tier: 'agent', title: 'The agent reaches the tool server and nothing else', allowed: ['mcp', 'DNS'], why: 'the process that a model talks through could read the database, or send data away' },
  { id: 'CONF-261', tier: 'frontend', title: 'The frontend reaches nothing', allowed: [], why: 'a web server that is taken over is the first step inwards' },
  { id: 'CONF-262', tier: 'mcp', title: 'The tool server reaches PostgreSQL and nothing else', allowed: ['postgres', 'DNS'], why: 'it works with what users and models wrote' },
  { id: 'CONF-263', tier: 'backend', title: 'The backend reaches PostgreSQL and the agent and nothing else', allowed: ['postgres', 'agent', 'DNS'], why: 'it is what strangers talk to' },
  { id: 'CONF-264', tier: 'postgres', component: 'database', title: 'PostgreSQL reaches nothing', allowed: [], why: 'a database that can connect out can send its data out' },
  { id: 'CONF-265', tier: 'migrate', component: 'migration', title: 'The migration reaches PostgreSQL and nothing else', allowed: ['postgres', 'DNS'], why: 'it holds the owner’s password' },
  { id: 'CONF-266', title: 'A pod of no tier reaches nothing', allowed: [], why: 'what nobody thought of must not be open' },
]

/** Every target by address: a tier without DNS must be closed by policy, not by a name that does not resolve. */
async function targetsOf({ cluster, namespace }: World): Promise<Target[]> {
  const service = async (space: string, name: string): Promise<string> => {
    const { clusterIP } = ((await cluster.get({ apiVersion: 'v1', kind: 'Service', namespace: space, name }))?.['spec'] ?? {}) as { clusterIP?: string }
    demand(clusterIP, `there is no Service ${name} in ${space}`)
    return clusterIP
  }
  const tiers = await Promise.all(
    (Object.entries(PORTS) as [Tier, number][]).map(async ([name, port]): Promise<Target> => {
      const [pod] = await serving(cluster, namespace, name)
      demand(pod?.status?.podIP, `no pod of ${name} serves`)
      return { name, host: pod.status.podIP, port }
    }),
  )
  const [node] = await cluster.list({ apiVersion: 'v1', kind: 'Node' })
  const nodeIp = (node?.['status'] as { addresses?: { type: string; address: string }[] } | undefined)?.addresses?.find(({ type }) => type === 'InternalIP')?.address
  demand(nodeIp, 'no node has an internal address')
  return [
    ...tiers,
    { name: 'DNS', host: await service('kube-system', 'kube-dns'), port: 53 },
    { name: 'API server', host: await service('default', 'kubernetes'), port: 443 },
    { name: 'ingress controller', host: await service('kube-system', 'traefik'), port: 80 },
    { name: 'metrics-server', host: await service('kube-system', 'metrics-server'), port: 443 },
    { name: 'kubelet', host: nodeIp, port: 10250 },
  ]
}

async function reachFrom(world: World, namespace: string, targets: readonly Target[], allowed: readonly string[], row?: Row): Promise<Record<string, Reach>> {
  const { tier, component = tier } = row ?? {}
  return ask<Record<string, Reach>>(world, {
    namespace,
    name: `network-${tier ?? 'none'}`,
    ...(tier === undefined || component === undefined ? {} : { labels: { 'app.kubernetes.io/name': tier, 'app.kubernetes.io/component': component }, serviceAccount: tier }),
    script: CONNECT_SCRIPT,
    env: connectTo(targets, allowed),
  })
}

function judge(targets: readonly Target[], found: Record<string, Reach>, allowed: readonly string[]): Evidence {
  const rows = targets.map(({ name, host, port }) => [name, `${host}:${port}`, allowed.includes(name) ? 'open' : 'closed', found[name] ?? 'not asked'])
  const table = { head: ['target', 'address', 'must be', 'was'], rows }
  const faults = rows.filter(([, , must, was]) => (was === 'open') !== (must === 'open')).map(([name, address, must, was]) => `${name} (${address}) must be ${must} and was ${was}`)
  demandNone(faults, 'reached otherwise', { summary: `${faults.length} of ${targets.length} targets`, table })
  return { summary: `${targets.length} targets, open: ${allowed.join(', ') || 'none'}`, table }
}

export const NETWORK: readonly Requirement[] = [
  ...ROWS.map(
    (row): Requirement => ({
      id: row.id,
      ring: 'behaviour',
      title: row.title,
      must: `A pod ${row.tier === undefined ? 'of the namespace without a tier' : `with the labels and the account of ${row.tier}`} MUST reach ${row.allowed.length === 0 ? 'no target' : `${row.allowed.join(' and ')} only`}, of the tiers, DNS, the API server, the ingress controller, metrics-server and the kubelet.`,
      why: row.why,
      source: 'design.md 5 and 6: default-deny NetworkPolicies both ways, no egress but what is listed',
      needs: ['application', 'probe image'],
      lane: 'shared',
      timeoutMs: TIMEOUTS.probes,
      async run(world) {
        const targets = await targetsOf(world)
        return judge(targets, await reachFrom(world, world.namespace, targets, row.allowed, row), row.allowed)
      },
    }),
  ),
  {
    id: 'CONF-267',
    ring: 'behaviour',
    title: 'Other namespaces reach no tier',
    must: 'A pod of another namespace MUST reach DNS and the addresses outside the application, and MUST NOT reach any tier of it.',
    why: 'the ingress is the only door; and if the addresses outside did not answer at all, the other questions would prove nothing',
    source: 'design.md 6',
    needs: ['application', 'probe image'],
    lane: 'shared',
    timeoutMs: TIMEOUTS.probes,
    async run(world) {
      const targets = await targetsOf(world)
      const allowed = ['DNS', ...OUTSIDE]
      return judge(targets, await reachFrom(world, world.scratch, targets, allowed), allowed)
    },
  },
]
