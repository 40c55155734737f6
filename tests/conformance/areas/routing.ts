/** Names and paths lead where they should. */
import { Agent } from 'undici'
import { exchange } from '../../../deploy/src/cluster/http.ts'
import type { Cluster } from '../../../deploy/src/cluster/client.ts'
import type { KubeObject } from '../../../deploy/src/release/objects.ts'
import { waitFor } from '../kube.ts'
import { type Requirement, demand, demandNone } from '../requirement.ts'
import { TIMEOUTS } from '../timeouts.ts'

const SERVICES = { agent: 8001, backend: 8000, frontend: 8080, mcp: 8002, postgres: 5432 }

/** What probes and scrapers ask the backend for, each as it is, below the only path that leads to the backend, and around it. */
const INSIDE_PATHS = ['metrics', 'healthz', 'readyz'].flatMap((name) => [`/${name}`, `/api/${name}`, `/api/../${name}`, `/api/%2e%2e/${name}`])

/**
 * Whether a text is an answer of the backend's metrics or probes, whatever its status. The page's web server answers probes of its own
 * outside `/api`, with nothing but the state of its files; "ok" alone is the backend's where only the backend can have said it. Pure.
 */
export function tellsInside(path: string, text: string): boolean {
  if (/^# HELP/m.test(text)) return true
  const { status, checks } = jsonObject(text)
  if (typeof status !== 'string') return false
  if (checks !== null && typeof checks === 'object') return Object.keys(checks).some((name) => name !== 'files')
  return path === '/api/healthz'
}

function jsonObject(text: string): { status?: unknown; checks?: unknown } {
  try {
    return (JSON.parse(text) ?? {}) as { status?: unknown; checks?: unknown }
  } catch {
    return {}
  }
}

export const ROUTING: readonly Requirement[] = [
  {
    id: 'CONF-210',
    ring: 'behaviour',
    title: 'Services have ready endpoints',
    must: 'Every Service MUST have the ready pods of its tier, and only those, behind its port.',
    why: 'a wrong selector or port gives a Service that exists and leads nowhere, or to someone else',
    source: 'https://kubernetes.io/docs/concepts/services-networking/service/#endpointslices',
    needs: ['application'],
    lane: 'shared',
    timeoutMs: TIMEOUTS.readinessFollows + TIMEOUTS.read,
    // Endpoints follow pods a moment later, and an autoscaler may just be taking one away.
    async run({ cluster, namespace, signal }) {
      return waitFor('the endpoints of every Service to be right', TIMEOUTS.readinessFollows, signal, async () => {
        const { faults, rows } = await endpointsOf(cluster, namespace)
        if (faults.length > 0) return faults.join('; ')
        return { summary: `${rows.length} Services`, table: { head: ['Service', 'port of the pods', 'ready pods'], rows } }
      })
    },
  },
  {
    id: 'CONF-211',
    ring: 'behaviour',
    title: 'Ingress paths',
    must: 'The ingress MUST lead `/api` to the backend and everything else to the frontend, and MUST NOT answer for another host.',
    why: 'users see a page without data, or data without a page',
    source: 'design.md 6; issue: ingress routes',
    needs: ['application', 'ingress'],
    lane: 'shared',
    timeoutMs: TIMEOUTS.read,
    async run(world) {
      const app = world.app()
      const page = await app.send<string>('GET', '/')
      demand(page.status === 200 && /<html/i.test(page.body), `GET / answered HTTP ${page.status}, ${String(page.headers['content-type'])}`)
      const asset = /(?:src|href)="(\/assets\/[^"]+)"/.exec(page.body)?.[1]
      demand(asset, 'the page names no file under /assets')
      const file = await app.send('GET', asset)
      demand(file.status === 200 && !String(file.headers['content-type']).includes('html'), `GET ${asset} answered HTTP ${file.status}, ${String(file.headers['content-type'])}`)
      const info = await app.expect<{ version?: string }>(200, 'GET', '/api/info')
      demand(typeof info.version === 'string', 'GET /api/info answered without a version: not the backend')
      const unknown = await app.send<{ error?: { code?: string } }>('GET', '/api/no-such-route')
      demand(unknown.status === 404 && unknown.body.error?.code === 'not_found', `GET /api/no-such-route answered HTTP ${unknown.status}, not the backend’s own 404`)
      const agent = new Agent({ connect: { rejectUnauthorized: false } })
      const stranger = await exchange(agent, world.ingressUrl().origin, { method: 'GET', path: '/api/info' }, TIMEOUTS.request, { host: 'stranger.example' }).finally(() => agent.close())
      demand(stranger.status === 404, `a request for host stranger.example was answered with HTTP ${stranger.status}`)
      return { summary: `/, ${asset}, /api/info, /api/no-such-route; another host: 404` }
    },
  },
  {
    id: 'CONF-212',
    ring: 'behaviour',
    title: 'Probes and metrics stay inside',
    must: 'The ingress MUST NOT serve the metrics and the probe endpoints of the backend.',
    why: 'they tell strangers about load and dependencies',
    source: 'design.md 5 and 6: `/api` is the only path to the backend',
    needs: ['application', 'ingress'],
    lane: 'shared',
    timeoutMs: TIMEOUTS.read,
    async run(world) {
      const app = world.app()
      const faults: string[] = []
      for (const path of INSIDE_PATHS) {
        const { status, body } = await app.send('GET', path)
        const text = typeof body === 'string' ? body : JSON.stringify(body)
        if (tellsInside(path, text)) faults.push(`GET ${path} answered HTTP ${status}: ${text.slice(0, 80)}`)
      }
      demandNone(faults, 'open')
      return { summary: `${INSIDE_PATHS.length} paths, none leads to metrics or to a probe` }
    },
  },
]

/** What is wrong with the endpoints of the Services now, and a row for each. */
async function endpointsOf(cluster: Cluster, namespace: string): Promise<{ faults: string[]; rows: string[][] }> {
  type Slice = KubeObject & { ports?: { port: number }[]; endpoints?: { conditions?: { ready?: boolean }; targetRef?: { name?: string } }[] }
  const slices = (await cluster.list({ apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice' }, namespace)) as Slice[]
  const pods = await cluster.list({ apiVersion: 'v1', kind: 'Pod' }, namespace)
  const ports = new Map(pods.map(({ metadata, spec }) => [metadata.name, ((spec as { containers: { ports?: { containerPort: number }[] }[] }).containers[0]?.ports ?? []).map(({ containerPort }) => containerPort)]))
  const faults: string[] = []
  const rows = Object.entries(SERVICES).map(([name, port]) => {
    const own = slices.filter(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === name)
    const ready = own.flatMap(({ endpoints = [] }) => endpoints.filter(({ conditions }) => conditions?.ready === true).map(({ targetRef }) => targetRef?.name ?? '(no pod)'))
    const targets = [...new Set(own.flatMap((slice) => (slice.ports ?? []).map(({ port }) => port)))]
    if (ready.length === 0) faults.push(`Service ${name} has no ready endpoint`)
    faults.push(...ready.filter((pod) => !pod.startsWith(`${name}-`)).map((pod) => `Service ${name} leads to pod ${pod}`))
    if (targets.join() !== String(port)) faults.push(`Service ${name} leads to port ${targets.join() || 'none'} instead of ${port}`)
    faults.push(...ready.filter((pod) => !(ports.get(pod) ?? []).includes(port)).map((pod) => `pod ${pod} has no port ${port}`))
    return [name, targets.join(), ready.join(', ')]
  })
  return { faults, rows }
}
