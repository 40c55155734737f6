/** What operators see. */
import { randomBytes } from 'node:crypto'
import { podName } from '../../../deploy/src/kinds/pod.ts'
import { unexplainedRestarts } from '../kill.ts'
import { isProbe, podsOf, serving, waitFor } from '../kube.ts'
import { type Requirement, demand, demandNone } from '../requirement.ts'
import { TIMEOUTS } from '../timeouts.ts'

const METRIC_PORTS = { backend: 8000, agent: 8001, mcp: 8002 } as const

export const OBSERVABILITY: readonly Requirement[] = [
  {
    id: 'CONF-310',
    ring: 'behaviour',
    title: 'Logs are JSON with request ids',
    must: 'Every log line of backend, agent and tool server MUST be a JSON object with time, level and request id, and one chat turn MUST be found under one id in all three.',
    why: 'a fault is followed through three processes, or not at all',
    source: 'design.md 5: logs are JSON with request ids',
    needs: ['application', 'ingress'],
    lane: 'shared',
    timeoutMs: TIMEOUTS.probes,
    async run(world) {
      const { cluster, namespace } = world
      const id = `conf-${randomBytes(6).toString('hex')}`
      const app = world.app()
      const user = await app.user('logs')
      await app.expect(200, 'POST', `/api/${user.id}/chat`, { user, body: { message: 'add read the logs' }, headers: { 'X-Request-Id': id }, timeoutMs: TIMEOUTS.chat })
      const faults: string[] = []
      const rows: string[][] = []
      for (const tier of ['backend', 'agent', 'mcp'] as const) {
        const lines = await waitFor(`the request id in the logs of ${tier}`, TIMEOUTS.readinessFollows, world.signal, async () => {
          const pods = await serving(cluster, namespace, tier)
          const logs = await Promise.all(pods.map((pod) => cluster.logs(namespace, podName(pod), tier, {})))
          const all = logs.flatMap((log) => (log ?? '').split('\n').filter((line) => line !== ''))
          return all.some((line) => line.includes(id)) ? all : `not among ${all.length} lines`
        })
        const bad = lines.filter((line) => !isLogLine(line))
        if (bad.length > 0) faults.push(`${tier}: ${bad.length} of ${lines.length} lines, the first is ${bad[0]?.slice(0, 160)}`)
        rows.push([tier, String(lines.length), String(lines.filter((line) => line.includes(id)).length)])
      }
      demandNone(faults, 'no JSON with time, level and request id')
      return { summary: `request ${id} found in all three`, table: { head: ['process', 'lines', 'lines of the request'], rows } }
    },
  },
  {
    id: 'CONF-311',
    ring: 'behaviour',
    title: 'Metrics in Prometheus format',
    must: 'Backend, agent and tool server MUST give metrics in the Prometheus text format, with a counter of their requests.',
    why: 'nobody sees load and errors before users do',
    source: 'design.md 5; https://prometheus.io/docs/instrumenting/exposition_formats/',
    needs: ['application'],
    lane: 'shared',
    timeoutMs: TIMEOUTS.probes,
    async run({ cluster, namespace }) {
      const rows: string[][] = []
      for (const [tier, port] of Object.entries(METRIC_PORTS)) {
        const [pod] = await serving(cluster, namespace, tier)
        demand(pod, `no pod of ${tier} serves`)
        const target = await cluster.pod(namespace, podName(pod), port)
        const { status, headers, body } = await target.send({ method: 'GET', path: '/metrics' }, TIMEOUTS.request).finally(() => target.close())
        demand(status === 200 && String(headers['content-type']).startsWith('text/plain'), `${tier}: HTTP ${status}, ${String(headers['content-type'])}`)
        const wrong = body.split('\n').filter((line) => line !== '' && !/^(#|[a-zA-Z_:][\w:]*(\{.*\})? [-+\dNI])/.test(line))
        demandNone(wrong.slice(0, 3), `${tier}: not in the format`)
        demand(body.includes('todo_http_requests_total{'), `${tier}: no counter of its requests`)
        rows.push([tier, String(body.split('\n').filter((line) => /^\w/.test(line)).length)])
      }
      return { summary: `${rows.length} processes`, table: { head: ['process', 'samples'], rows } }
    },
  },
  {
    id: 'CONF-312',
    ring: 'behaviour',
    title: 'Nothing restarted by itself',
    must: 'At the end of the run no container MUST have been restarted, but for the processes that the run itself killed.',
    why: 'a restart that nobody asked for is a fault that the load only just hid',
    source: 'design.md 6: requests and limits; https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#container-restarts',
    needs: ['application'],
    lane: 'alone',
    timeoutMs: TIMEOUTS.read,
    async run({ cluster, namespace, kills }) {
      const pods = (await podsOf(cluster, namespace)).filter((pod) => !isProbe(pod))
      demandNone(unexplainedRestarts(pods, kills), 'restarted')
      return { summary: `${pods.length} pods, 0 restarts but those of the ${kills.length} processes that this run killed` }
    },
  },
]

/** Lines of a start before the first request carry an empty id. */
function isLogLine(line: string): boolean {
  try {
    const { time, level, request_id } = JSON.parse(line) as Record<string, unknown>
    return typeof time === 'string' && typeof level === 'string' && request_id !== undefined
  } catch {
    return false
  }
}
