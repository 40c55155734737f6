/** Pods and the database end at a bad moment. */
import { systemClock } from '../../../deploy/src/_poll.ts'
import type { Pod } from '../../../deploy/src/kinds/assessment.ts'
import { isReady, podName, restartsOf } from '../../../deploy/src/kinds/pod.ts'
import type { KubeObject, ObjectRef } from '../../../deploy/src/objects.ts'
import type { User } from '../app.ts'
import { podsOf, serving, settled, waitFor } from '../kube.ts'
import { type Requirement, demand, demandNone } from '../requirement.ts'
import { PAUSES, TIMEOUTS } from '../timeouts.ts'
import { RATE, demandNoFailure, startTraffic } from '../traffic.ts'
import { SCALED_TIERS, allSettled, restart } from '../workloads.ts'
import type { World } from '../world.ts'

const podRef = (namespace: string, name: string): ObjectRef => ({ apiVersion: 'v1', kind: 'Pod', namespace, name })
const CLIENTS = ['backend', 'mcp'] as const

async function boundVolume({ cluster, namespace }: World): Promise<string> {
  const claims = await cluster.list({ apiVersion: 'v1', kind: 'PersistentVolumeClaim' }, namespace)
  const claim = claims.find(({ metadata }) => metadata.name.startsWith('data-postgres'))
  const volume = (claim?.['spec'] as { volumeName?: string } | undefined)?.volumeName
  demand(volume, 'the claim of the database has no volume')
  return volume
}

/** A ready database that is another pod than before. */
async function databaseBack({ cluster, namespace, signal }: World, before: KubeObject | Pod | undefined): Promise<void> {
  await waitFor('PostgreSQL to be ready again', TIMEOUTS.databaseBack, signal, async () => {
    const [pod] = await serving(cluster, namespace, 'postgres')
    if (pod === undefined) return 'not ready'
    return pod.metadata?.uid === before?.metadata?.uid ? 'still the old pod' : true
  })
  await waitFor('the clients of PostgreSQL to be ready again', TIMEOUTS.readinessFollows, signal, async () => {
    const waiting = (await Promise.all(CLIENTS.map((tier) => podsOf(cluster, namespace, tier)))).flat().filter((pod) => !isReady(pod))
    return waiting.length === 0 ? true : `not ready: ${waiting.map(podName).join(', ')}`
  })
}

async function rememberTasks(world: World, name: string): Promise<User> {
  const user = await world.app().user(name)
  for (const title of ['before', 'the end']) await world.app().expect(201, 'POST', `/api/${user.id}/tasks`, { user, body: { title } })
  return user
}

/** Through the ingress, which follows readiness a moment later. */
async function demandTasks(world: World, user: User): Promise<void> {
  await waitFor('the tasks to be served again', TIMEOUTS.readinessFollows, world.signal, async () => {
    const { status, body } = await world.app().send<{ title: string }[]>('GET', `/api/${user.id}/tasks`, { user })
    if (status !== 200) return `HTTP ${status}`
    const titles = body.map(({ title }) => title).join()
    demand(titles === 'before,the end', `the tasks are ${titles || 'gone'}`)
    return true
  })
}

const restarts = (pods: readonly Pod[]): Map<string, number> => new Map(pods.map((pod) => [podName(pod), restartsOf(pod)]))

export const RESILIENCE: readonly Requirement[] = [
  {
    id: 'CONF-290',
    ring: 'behaviour',
    title: 'A pod of each tier is deleted under load',
    must: 'When one pod of each tier is deleted at the same time, every request MUST be answered and every pod MUST be replaced.',
    why: 'nodes are drained and upgraded in working hours',
    source: 'design.md 6: graceful termination; https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination',
    needs: ['application', 'ingress'],
    lane: 'alone',
    timeoutMs: TIMEOUTS.story,
    async run(world) {
      const { cluster, namespace, signal } = world
      await allSettled(world, SCALED_TIERS)
      const victims = (await Promise.all(SCALED_TIERS.map((tier) => serving(cluster, namespace, tier)))).map(([pod]) => podName(pod as Pod))
      await using load = await startTraffic(world.app(), RATE, 'everything')
      await systemClock.sleep(PAUSES.margin, signal)
      await Promise.all(victims.map((name) => cluster.remove(podRef(namespace, name))))
      await allSettled(world, SCALED_TIERS)
      await systemClock.sleep(PAUSES.margin, signal)
      return demandNoFailure(await load.finish(), 150, `${victims.join(', ')} deleted`)
    },
  },
  {
    id: 'CONF-291',
    ring: 'behaviour',
    title: 'A backend process is killed',
    must: 'After a backend pod is killed without grace, the other replica MUST go on answering within 5 s and the pod MUST be replaced.',
    why: 'processes run out of memory and nodes lose power',
    source: 'design.md 5: any replica can answer the next request',
    needs: ['application', 'ingress'],
    lane: 'alone',
    timeoutMs: TIMEOUTS.story,
    async run(world) {
      const { cluster, kube, namespace, signal } = world
      await settled(cluster, namespace, 'backend', signal)
      const [victim] = (await serving(cluster, namespace, 'backend')).map(podName)
      demand(victim !== undefined, 'no backend pod serves')
      await using load = await startTraffic(world.app(), RATE, 'reads')
      await systemClock.sleep(PAUSES.margin, signal)
      await kube.kill(namespace, victim)
      await settled(cluster, namespace, 'backend', signal)
      await systemClock.sleep(PAUSES.margin, signal)
      const figures = await load.finish()
      const summary = `${victim} killed: ${figures.requests} requests, ${figures.failures} failed, longest outage ${Math.round(figures.longestOutageMs)} ms`
      demand(figures.requests >= 100, `only ${figures.requests} requests were sent`)
      demand(figures.longestOutageMs <= 5_000, summary)
      return { summary }
    },
  },
  {
    id: 'CONF-292',
    ring: 'behaviour',
    title: 'The database is restarted',
    must: 'While PostgreSQL is away its clients MUST become unready and MUST NOT be restarted; afterwards they MUST be ready by themselves, with every row still there.',
    why: 'liveness that asks the database turns one restart into many, and readiness that does not sends users into errors',
    source: 'design.md 5: liveness never looks at dependencies, readiness does',
    needs: ['application', 'ingress'],
    lane: 'alone',
    timeoutMs: TIMEOUTS.story,
    async run(world) {
      const { cluster, namespace, signal } = world
      const user = await rememberTasks(world, 'restart')
      const clients = async (): Promise<Pod[]> => (await Promise.all(CLIENTS.map((tier) => podsOf(cluster, namespace, tier)))).flat()
      const before = restarts(await clients())
      const [database] = await serving(cluster, namespace, 'postgres')
      const started = Date.now()
      await cluster.remove(podRef(namespace, 'postgres-0'))
      const unready = await waitFor('a client of PostgreSQL to become unready', TIMEOUTS.readinessFollows, signal, async () => {
        const found = (await clients()).filter((pod) => !isReady(pod)).map(podName)
        return found.length > 0 ? { found } : 'all ready'
      })
      await databaseBack(world, database)
      const tookS = ((Date.now() - started) / 1000).toFixed(0)
      const after = restarts(await clients())
      demandNone([...before].filter(([name, count]) => after.get(name) !== count).map(([name, count]) => `${name}: ${count} → ${after.get(name) ?? 'gone'}`), 'restarted')
      await demandTasks(world, user)
      return { summary: `unready: ${unready.found.join(', ')}; ${before.size} pods, none restarted; everything ready after ${tookS} s` }
    },
  },
  {
    id: 'CONF-293',
    ring: 'behaviour',
    title: 'Data survives the kill of the database',
    must: 'After the database pod is killed without grace, the new pod MUST have the same volume, and every committed row MUST be there.',
    why: 'a database on a volume that goes with its pod is a cache',
    source: 'design.md 6; https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#stable-storage',
    needs: ['application', 'ingress'],
    lane: 'alone',
    timeoutMs: TIMEOUTS.story,
    async run(world) {
      const { cluster, kube, namespace } = world
      const user = await rememberTasks(world, 'kill')
      const volume = await boundVolume(world)
      const [database] = await serving(cluster, namespace, 'postgres')
      demand(database, 'PostgreSQL does not serve')
      await kube.kill(namespace, podName(database))
      await databaseBack(world, database)
      const now = await boundVolume(world)
      demand(now === volume, `the volume was ${volume} and is ${now}`)
      await demandTasks(world, user)
      return { summary: `volume ${volume} kept, both tasks there` }
    },
  },
  {
    id: 'CONF-294',
    ring: 'behaviour',
    title: 'The signing key is rotated',
    must: 'After the signing key in the Secret is replaced and the pods are, tokens of the old key MUST be refused and tokens of the new one MUST work for REST, chat and tools.',
    why: 'a key that cannot be replaced is lost for good when it leaks',
    source: 'design.md 6: secrets as files',
    needs: ['application', 'ingress'],
    lane: 'alone',
    timeoutMs: TIMEOUTS.story,
    async run(world) {
      const { kube, namespace, signal } = world
      const app = world.app()
      const old = await app.user('rotated')
      await app.expect(200, 'GET', `/api/${old.id}/tasks`, { user: old })
      const key = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64url')
      await kube.patch({ apiVersion: 'v1', kind: 'Secret', namespace, name: 'todo-chat-jwt' }, { data: { 'jwt-key': Buffer.from(key).toString('base64') } })
      await restart(world, ['backend', 'mcp'])
      const refused = await app.send<{ error?: { code?: string } }>('GET', `/api/${old.id}/tasks`, { user: old })
      demand(refused.status === 401 && refused.body.error?.code === 'token_invalid', `a token of the old key was answered with HTTP ${refused.status}`)
      const user = await app.user('after-rotation')
      await app.expect(200, 'GET', `/api/${user.id}/tasks`, { user })
      const turn = await waitFor('the chat to use its tools again', TIMEOUTS.readinessFollows, signal, () => app.chat(user, 'add rotate keys').catch((error: unknown) => (error as Error).message))
      demand(turn.tool_calls[0]?.ok === true, `the tool call after the rotation: ${JSON.stringify(turn.tool_calls)}`)
      return { summary: 'old token 401; new token: REST 200, chat with add_task' }
    },
  },
]
