/** Replicas come and go without a user noticing. */
import { systemClock } from '../../../deploy/src/_poll.ts'
import { podName } from '../../../deploy/src/kinds/pod.ts'
import type { KubeObject, ObjectRef } from '../../../deploy/src/release/objects.ts'
import { deploymentRef, serving, settled, waitFor } from '../kube.ts'
import { type Requirement, demand, demandNone } from '../requirement.ts'
import { PAUSES, TIMEOUTS } from '../timeouts.ts'
import { HEAVY_RATE, demandLoad, demandNoFailure, finished, startTraffic, trafficEvidence } from '../traffic.ts'
import type { World } from '../world.ts'

const hpaRef = (namespace: string, name: string): ObjectRef => ({ apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', namespace, name })

type Hpa = KubeObject & { spec: { minReplicas?: number; maxReplicas: number }; status?: { currentReplicas?: number; desiredReplicas?: number; currentMetrics?: { resource?: { current?: { averageUtilization?: number } } }[] } }

async function hpaOf({ cluster, namespace }: World, name: string): Promise<Hpa> {
  const hpa = (await cluster.get(hpaRef(namespace, name))) as Hpa | undefined
  demand(hpa, `there is no HorizontalPodAutoscaler ${name}`)
  return hpa
}

/** Pins the autoscaler to one number, sets it, and waits until exactly so many pods serve. */
async function scaleTo(world: World, name: string, replicas: number): Promise<void> {
  const { kube, cluster, namespace, signal } = world
  await kube.patch(hpaRef(namespace, name), { spec: { minReplicas: replicas, maxReplicas: replicas } })
  await kube.patch(deploymentRef(namespace, name), { spec: { replicas } })
  await settled(cluster, namespace, name, signal)
}

/** Load of an earlier question, or of the pods' own start, may have scaled it up: what it does now would prove nothing. */
async function atRest(world: World, name: string): Promise<void> {
  await waitFor(`autoscaler ${name} to stand at its minimum`, TIMEOUTS.scaleBack, world.signal, async () => {
    const hpa = await hpaOf(world, name)
    const text = restText(hpa, (await serving(world.cluster, world.namespace, name)).length)
    return text ?? true
  })
}

/** @returns what is not at the minimum yet; `undefined` when nothing is. Pure */
export function restText({ spec, status }: Pick<Hpa, 'spec' | 'status'>, serve: number): string | undefined {
  const least = spec.minReplicas ?? 1
  const wants = status?.desiredReplicas ?? 0
  const has = status?.currentReplicas ?? 0
  return wants === least && has === least && serve === least ? undefined : `minimum ${least}, wants ${wants}, has ${has}, ${serve} serve`
}

/** Requests that a backend pod has answered since it started, without those of probes and of this question. */
async function answered({ cluster, namespace }: World, pod: string): Promise<number> {
  const target = await cluster.pod(namespace, pod, 8000)
  try {
    const { body } = await target.send({ method: 'GET', path: '/metrics' }, TIMEOUTS.request)
    return body
      .split('\n')
      .filter((line) => line.startsWith('todo_http_requests_total{') && line.includes('route="/api'))
      .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
  } finally {
    await target.close()
  }
}

export const SCALING: readonly Requirement[] = [
  {
    id: 'CONF-280',
    ring: 'behaviour',
    title: '1 → 3 → 1 replicas under load',
    must: 'The backend MUST go from 1 to 3 replicas and back to 1 while traffic reaches every replica, without one failed request.',
    why: 'scaling happens when there is most to lose',
    source: 'design.md 6 and 7',
    needs: ['application', 'ingress'],
    lane: 'alone',
    timeoutMs: TIMEOUTS.story,
    async run(world) {
      const { kube, cluster, namespace, signal } = world
      const before = await hpaOf(world, 'backend')
      const { minReplicas = 1, maxReplicas } = before.spec
      try {
        await scaleTo(world, 'backend', 1)
        await using load = await startTraffic(world.app(), 'sized', 'everything')
        await systemClock.sleep(PAUSES.margin, signal)
        await scaleTo(world, 'backend', 3)
        const counts = await waitFor('traffic to reach each of three replicas', TIMEOUTS.readinessFollows, signal, async () => {
          const pods = (await serving(cluster, namespace, 'backend')).map(podName)
          const found = await Promise.all(pods.map(async (pod): Promise<[string, number]> => [pod, await answered(world, pod)]))
          return found.length === 3 && found.every(([, count]) => count > 0) ? { found } : found.map(([pod, count]) => `${pod}: ${count}`).join(', ')
        })
        await scaleTo(world, 'backend', 1)
        const evidence = demandNoFailure(await finished(load, signal), 'there and back')
        return { ...evidence, summary: `${evidence.summary}; answered while three served: ${counts.found.map(([pod, count]) => `${pod} ${count}`).join(', ')}` }
      } finally {
        await kube.patch(hpaRef(namespace, 'backend'), { spec: { minReplicas, maxReplicas } })
        await kube.patch(deploymentRef(namespace, 'backend'), { spec: { replicas: minReplicas } })
        await settled(cluster, namespace, 'backend', signal)
      }
    },
  },
  {
    id: 'CONF-281',
    ring: 'behaviour',
    title: 'The autoscaler adds replicas under load',
    must: 'The autoscaler of the backend, at rest at its minimum, MUST add a replica when its CPU use goes over the target, and every request of the load MUST be answered.',
    why: 'an autoscaler without metrics or requests looks right in every manifest and never acts',
    source: 'design.md 6; https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/',
    needs: ['application', 'ingress', 'metrics'],
    lane: 'alone',
    timeoutMs: TIMEOUTS.scaleBack + TIMEOUTS.scaleUp + TIMEOUTS.replaced + TIMEOUTS.read,
    async run(world) {
      const { spec } = await hpaOf(world, 'backend')
      demand((spec.minReplicas ?? 1) < spec.maxReplicas, `it may not scale: ${spec.minReplicas ?? 1} to ${spec.maxReplicas}`)
      await atRest(world, 'backend')
      const started = Date.now()
      await using load = await startTraffic(world.app(), HEAVY_RATE, 'reads')
      const seen = await waitFor('the autoscaler to ask for more replicas', TIMEOUTS.scaleUp, world.signal, async () => {
        const { status } = await hpaOf(world, 'backend')
        const use = status?.currentMetrics?.[0]?.resource?.current?.averageUtilization
        const text = `wants ${status?.desiredReplicas ?? 0}, CPU ${use ?? 'unknown'} %`
        return (status?.desiredReplicas ?? 0) > (spec.minReplicas ?? 1) ? { text } : text
      })
      const tookS = ((Date.now() - started) / 1000).toFixed(0)
      const pods = await waitFor('the new replica to serve', TIMEOUTS.replaced, world.signal, async () => {
        const now = await serving(world.cluster, world.namespace, 'backend')
        return now.length > (spec.minReplicas ?? 1) ? { count: now.length } : `${now.length} serve`
      })
      const figures = await load.finish()
      const evidence = trafficEvidence(figures, `${seen.text} after ${tookS} s, ${pods.count} serve`)
      demandLoad(figures, evidence)
      demand(figures.failures === 0, evidence.summary, evidence)
      return evidence
    },
  },
  {
    id: 'CONF-282',
    ring: 'behaviour',
    title: 'The autoscaler goes back after load',
    must: 'Without load every autoscaler MUST come back to its minimum, with all remaining pods ready.',
    why: 'replicas that stay cost memory that others need',
    source: 'https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#stabilization-window',
    needs: ['application', 'metrics'],
    lane: 'shared',
    timeoutMs: TIMEOUTS.scaleBack + TIMEOUTS.read,
    async run(world) {
      const names = (await world.cluster.list({ apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler' }, world.namespace)).map(({ metadata }) => metadata.name)
      demand(names.length > 0, 'the namespace has no autoscaler')
      const rows = await waitFor('every autoscaler to be back at its minimum', TIMEOUTS.scaleBack, world.signal, async () => {
        const hpas = await Promise.all(names.map((name) => hpaOf(world, name)))
        const found = await Promise.all(hpas.map(async ({ metadata, spec }) => ({ name: metadata.name, least: spec.minReplicas ?? 1, pods: (await serving(world.cluster, world.namespace, metadata.name)).length })))
        const text = found.map(({ name, least, pods }) => `${name} ${pods} of ${least}`).join(', ')
        return found.every(({ least, pods }) => pods === least) ? found.map(({ name, least, pods }) => [name, String(least), String(pods)]) : text
      })
      return { summary: rows.map(([name, , pods]) => `${name}: ${pods}`).join(', '), table: { head: ['autoscaler', 'minimum', 'serve'], rows } }
    },
  },
  {
    id: 'CONF-283',
    ring: 'behaviour',
    title: 'Disruption budget',
    must: 'While one pod of a tier is being evicted, the API server MUST refuse to evict another one of it.',
    why: 'draining a node takes the whole tier down at once',
    source: 'design.md 6; https://kubernetes.io/docs/tasks/run-application/configure-pdb/',
    needs: ['application', 'ingress'],
    lane: 'alone',
    timeoutMs: TIMEOUTS.story,
    async run(world) {
      const { cluster, kube, namespace, signal } = world
      await settled(cluster, namespace, 'frontend', signal)
      const [first, second] = (await serving(cluster, namespace, 'frontend')).map(podName)
      demand(first !== undefined && second !== undefined, 'the frontend has no two pods')
      await waitFor('the first eviction to be allowed', TIMEOUTS.readinessFollows, signal, async () => ((await kube.evict(namespace, first)) ? { done: true } : 'forbidden'))
      const again = await kube.evict(namespace, second)
      await settled(cluster, namespace, 'frontend', signal)
      demandNone(again ? [`${second} was evicted while ${first} was on its way out`] : [], 'both evicted')
      return { summary: `${first} evicted, ${second} refused meanwhile` }
    },
  },
]
