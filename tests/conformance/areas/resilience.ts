/** Pods and the database end at a bad moment. */
import { PassThrough } from 'node:stream'
import { systemClock } from '../../../deploy/src/_poll.ts'
import type { Pod } from '../../../deploy/src/kinds/assessment.ts'
import { isReady, isTerminating, podName, restartsOf } from '../../../deploy/src/kinds/pod.ts'
import type { ObjectRef } from '../../../deploy/src/release/objects.ts'
import type { User } from '../app.ts'
import { killProcess, processEnded, restarted } from '../kill.ts'
import { podsOf, serving, settled, waitFor } from '../kube.ts'
import { type Requirement, demand, demandNone } from '../requirement.ts'
import { PAUSES, TIMEOUTS } from '../timeouts.ts'
import { demandLoad, demandNoFailure, finished, startTraffic, trafficEvidence } from '../traffic.ts'
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
async function databaseBack(world: World, before: Pod | undefined): Promise<void> {
  const { cluster, namespace, signal } = world
  await waitFor('PostgreSQL to be ready again', TIMEOUTS.databaseBack, signal, async () => {
    const [pod] = await serving(cluster, namespace, 'postgres')
    if (pod === undefined) return 'not ready'
    return pod.metadata?.uid === before?.metadata?.uid ? 'still the old pod' : true
  })
  await clientsReady(world)
}

async function clientsReady({ cluster, namespace, signal }: World): Promise<void> {
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

/** The server's lock file. An old server that ends after the new one has started takes it along; the new one notices within a minute and stops. */
const LOCK_FILE = '/var/lib/postgresql/data/pgdata/postmaster.pid'

async function demandOneServer(world: World, before: Pod): Promise<void> {
  const { cluster, namespace } = world
  await processEnded(world, before)
  const { exitCode } = await cluster.exec({ namespace, name: 'postgres-0', container: 'postgres' }, ['test', '-e', LOCK_FILE], new PassThrough().resume())
  demand(exitCode === 0, `the server’s lock file is gone: the old server ended after the new one had started`)
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
      await using load = await startTraffic(world.app(), 'sized', 'everything')
      await systemClock.sleep(PAUSES.margin, signal)
      await Promise.all(victims.map((name) => cluster.remove(podRef(namespace, name))))
      await allSettled(world, SCALED_TIERS)
      return demandNoFailure(await finished(load, signal), `${victims.join(', ')} deleted`)
    },
  },
  {
    id: 'CONF-291',
    ring: 'behaviour',
    title: 'A backend process is killed',
    must: 'After a backend process is ended by SIGKILL, every request MUST be answered again within 5 s and the container MUST be started again.',
    why: 'processes run out of memory',
    source: 'design.md 5: any replica can answer the next request',
    needs: ['application', 'ingress', 'probe image'],
    lane: 'alone',
    timeoutMs: TIMEOUTS.story,
    async run(world) {
      const { cluster, namespace, signal } = world
      await settled(cluster, namespace, 'backend', signal)
      const [victim] = await serving(cluster, namespace, 'backend')
      demand(victim, 'no backend pod serves')
      await using load = await startTraffic(world.app(), 'sized', 'reads')
      await systemClock.sleep(PAUSES.margin, signal)
      await killProcess(world, victim)
      await restarted(world, victim)
      const figures = await finished(load, signal)
      const failing = figures.seconds.filter(({ failures }) => failures > 0).map(({ at }) => at)
      const failedFor = failing.length === 0 ? 0 : (Math.max(...failing) - Math.min(...failing)) / 1000 + 1
      const evidence = trafficEvidence(figures, `${podName(victim)} killed, failures for ${failedFor} s at most`)
      demandLoad(figures, evidence)
      demand(failedFor <= 5, evidence.summary, evidence)
      return evidence
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
      // A restart takes less than readiness needs to notice, so each successor is deleted too until it has.
      await waitFor('every client of PostgreSQL to become unready', TIMEOUTS.readinessFollows, signal, async () => {
        const running = (await podsOf(cluster, namespace, 'postgres')).filter((pod) => !isTerminating(pod))
        for (const pod of running) await cluster.remove(podRef(namespace, podName(pod)))
        const ready = (await clients()).filter(isReady).map(podName)
        return ready.length === 0 ? true : `still ready: ${ready.join(', ')}`
      })
      const unreadyS = ((Date.now() - started) / 1000).toFixed(0)
      await databaseBack(world, database)
      const tookS = ((Date.now() - started) / 1000).toFixed(0)
      const after = restarts(await clients())
      demandNone([...before].filter(([name, count]) => after.get(name) !== count).map(([name, count]) => `${name}: ${count} → ${after.get(name) ?? 'gone'}`), 'restarted')
      await demandTasks(world, user)
      return { summary: `${before.size} clients, unready after ${unreadyS} s, none restarted; everything ready after ${tookS} s` }
    },
  },
  {
    id: 'CONF-293',
    ring: 'behaviour',
    title: 'Data survives the forced deletion of the database',
    must: 'After the database pod is deleted without waiting for its end, the new pod MUST have the same volume and MUST NOT share it with the old server, and every committed row MUST be there.',
    why: 'a database on a volume that goes with its pod is a cache, and two servers on one volume lose rows',
    source: 'design.md 6; https://kubernetes.io/docs/tasks/run-application/force-delete-stateful-set-pod/#force-deletion',
    needs: ['application', 'ingress', 'probe image'],
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
      await demandOneServer(world, database)
      return { summary: `volume ${volume} kept, one server on it, both tasks there` }
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
  {
    id: 'CONF-295',
    ring: 'behaviour',
    title: 'The database process is killed',
    must: 'After the server is ended by SIGKILL, its container MUST be started again and every committed row MUST be there.',
    why: 'what was confirmed to a user is on disk, or the confirmation was a lie',
    source: 'design.md 6; https://www.postgresql.org/docs/15/wal-reliability.html',
    needs: ['application', 'ingress', 'probe image'],
    lane: 'alone',
    timeoutMs: TIMEOUTS.story,
    async run(world) {
      const [database] = await serving(world.cluster, world.namespace, 'postgres')
      demand(database, 'PostgreSQL does not serve')
      const user = await rememberTasks(world, 'crash')
      await killProcess(world, database)
      await restarted(world, database)
      await clientsReady(world)
      await demandTasks(world, user)
      return { summary: 'recovered, both tasks there' }
    },
  },
]
