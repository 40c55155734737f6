/** A run that holds the lock of its namespace. */
import type { Clock } from './_poll.ts'
import { formatDuration } from './_duration.ts'
import type { Cluster } from './cluster/client.ts'
import { BadInput, ClusterError, type DeployError } from './errors.ts'
import { ENVIRONMENTS, type Environment, OVERLAYS } from './release/gates.ts'
import { type Revision, closeInterrupted, currentRevision, readHistory } from './cluster/history.ts'
import { Lock } from './cluster/lock.ts'
import { ENVIRONMENT_LABEL, LEASE } from './release/identity.ts'
import { type KubeObject, type RenderedObject, refOf } from './release/objects.ts'
import type { Policy } from './release/policy.ts'
import type { Progress } from './rollout/progress.ts'
import { NAMESPACES } from './release/render.ts'
import type { Proof } from './proof/application.ts'
import type { RunReport } from './report/report.ts'
import { OutOfTime } from './rollout/rollout.ts'
import { type Run, newTimeline, phase } from './rollout/run.ts'

/** What is true of one application only. */
export interface Application {
  /** How it is asked whether it answers. */
  proof: Proof
}

/** Who runs what against which cluster. */
export interface Context {
  application: Application
  cluster: Cluster
  clock: Clock
  environment: Environment
  namespace: string
  progress: Progress
  /** Aborts on Ctrl-C. */
  interrupt: AbortSignal
  /** Told to others that wait for the lock, and kept in the history. */
  who: string
  commit?: string
  /** @default STANDARD_POLICY */
  policy?: Policy
}

export interface SessionOptions {
  /** How long to wait for another deployer, in ms. */
  lockWaitMs: number
  /** Limit of the way forward, in ms; the way back has its own deadlines. */
  timeoutMs: number
}

export interface Session extends AsyncDisposable {
  lock: Lock
  /** Stops at the time limit. */
  run: Run
  /** The same run without the time limit, for the way back. */
  wayBack: Run
  /** The newest first; interrupted runs are already marked. */
  history: Revision[]
  notes: string[]
  /** Ends the way forward as its time limit would; the way back goes on. */
  stop(reason: DeployError): void
}

/** Makes the namespace when it does not exist: the lock lives in it. @returns the namespace that this call made */
export async function ensureNamespace({ cluster, namespace }: Context, rendered: readonly RenderedObject[]): Promise<KubeObject | undefined> {
  if ((await cluster.get({ apiVersion: 'v1', kind: 'Namespace', name: namespace })) !== undefined) return undefined
  const object = rendered.find(({ object }) => object.kind === 'Namespace')?.object
  return cluster.apply(object ?? { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } })
}

/** What a namespace has from its beginning, and what the lock leaves in it. */
const FROM_BEGINNING = new Set(['ConfigMap kube-root-ca.crt', `Lease ${LEASE}`])
/** Kinds that would show that somebody uses the namespace. */
const USED_BY: readonly { apiVersion: string; kind: string }[] = [
  ...['ConfigMap', 'Secret', 'Pod', 'Service', 'PersistentVolumeClaim'].map((kind) => ({ apiVersion: 'v1', kind })),
  ...['Deployment', 'StatefulSet'].map((kind) => ({ apiVersion: 'apps/v1', kind })),
]

/**
 * Takes a namespace back that this run made and left empty.
 * @returns false when somebody uses it already: it stays then
 */
export async function removeNamespace({ cluster, namespace }: Context, { metadata: { uid } }: KubeObject): Promise<boolean> {
  const lease = await cluster.get({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', namespace, name: LEASE })
  const held = ((lease?.['spec'] ?? {}) as { holderIdentity?: string }).holderIdentity
  const found = (await Promise.all(USED_BY.map((kind) => cluster.list(kind, namespace)))).flat()
  if (held || found.some(({ kind, metadata }) => !FROM_BEGINNING.has(`${kind} ${metadata.name}`))) return false
  await cluster.remove({ apiVersion: 'v1', kind: 'Namespace', name: namespace }, uid === undefined ? {} : { uid })
  return true
}

/**
 * Refuses a kubeconfig that was made for another environment.
 * @param home namespace of its context
 * @throws BadInput
 */
export function checkHome(home: string | undefined, environment: Environment): void {
  const meant = ENVIRONMENTS.find((candidate) => NAMESPACES[OVERLAYS[candidate]] === home)
  if (meant === undefined || meant === environment) return
  throw new BadInput(`the kubeconfig is for namespace ${home}, which is that of ${meant}, not of ${environment}`, { next: `give the kubeconfig of ${environment}` })
}

export interface NamespaceFacts {
  exists: boolean
  /** What the person should know, for the report. */
  notes: string[]
}

/**
 * Looks at the namespace before anything is written.
 * @throws BadInput when it is of another environment
 */
export async function checkNamespace({ cluster, environment, namespace }: Context): Promise<NamespaceFacts> {
  const own = OVERLAYS[environment]
  const look = async (name: string): Promise<KubeObject | undefined> => cluster.get({ apiVersion: 'v1', kind: 'Namespace', name })
  const found = await look(namespace)
  if (found !== undefined) {
    const label = found.metadata.labels?.[ENVIRONMENT_LABEL]
    if (label === undefined || label === own) return { exists: true, notes: [] }
    throw new BadInput(`namespace ${namespace} is of environment ${label}, not ${own} (label ${ENVIRONMENT_LABEL})`, { object: refOf(found), next: `give the kubeconfig of ${own}, or another --namespace` })
  }
  const others = ENVIRONMENTS.filter((other) => other !== environment).map((other) => NAMESPACES[OVERLAYS[other]])
  const neighbours = await Promise.all(others.map(async (name) => ((await look(name).catch(unlessForbidden)) === undefined ? [] : [name])))
  const notes = neighbours.flat().map((name) => `namespace ${namespace} was not in this cluster before, and ${name} is: both environments share it`)
  return { exists: false, notes }
}

function unlessForbidden(error: unknown): undefined {
  if (error instanceof ClusterError && error.code === 'forbidden') return undefined
  throw error
}

/**
 * Takes the lock and looks at what went before.
 * @throws LockHeld
 */
export async function openSession(context: Context, options: SessionOptions): Promise<Session> {
  const { cluster, clock, namespace, progress, interrupt, who } = context
  const timeline = newTimeline()
  const bare: Run = { cluster, clock, namespace, progress, timeline, signal: interrupt, ...(context.policy && { policy: context.policy }) }
  const lock = await phase(bare, 'lock', '', () =>
    Lock.acquire(cluster, clock, namespace, {
      holder: who,
      waitMs: options.lockWaitMs,
      signal: interrupt,
      onWait: (holder) => progress({ type: 'note', text: `waits for ${holder}, at most ${formatDuration(options.lockWaitMs)}` }),
    }),
  )
  try {
    const limit = new AbortController()
    const over = new AbortController()
    const limiting = limitTime(clock, options.timeoutMs, limit, over.signal)
    const found = await readHistory(cluster, namespace)
    const interrupted = await closeInterrupted(cluster, namespace, found, clock.now())
    // What the lock protects ends with it, repeated requests too.
    const wayBack: Run = { ...bare, cluster: cluster.until(lock.lost), signal: AbortSignal.any([interrupt, lock.lost]) }
    return {
      lock,
      wayBack,
      run: { ...wayBack, signal: AbortSignal.any([interrupt, lock.lost, limit.signal]) },
      history: interrupted.length === 0 ? found : await readHistory(cluster, namespace),
      notes: interrupted.map(({ revision, who }) => `revision ${revision} by ${who} was interrupted; this run goes on from what it left`),
      stop: (reason) => limit.abort(reason),
      async [Symbol.asyncDispose]() {
        over.abort()
        await limiting
        await lock[Symbol.asyncDispose]()
      },
    }
  } catch (error) {
    await lock[Symbol.asyncDispose]()
    throw error
  }
}

async function limitTime(clock: Clock, timeoutMs: number, limit: AbortController, over: AbortSignal): Promise<void> {
  try {
    await clock.sleep(timeoutMs, over)
    limit.abort(new OutOfTime(`the run took longer than ${formatDuration(timeoutMs)}`, { next: 'raise --timeout when the rollout is merely slow' }))
  } catch (error) {
    if (!over.aborted) throw error
  }
}

/** The report of a session before anything is known about its end. */
export async function newReport(context: Context, session: Session, action: RunReport['action']): Promise<RunReport> {
  const previous = currentRevision(session.history)?.revision
  return {
    format: 1,
    action,
    environment: context.environment,
    namespace: context.namespace,
    server: context.cluster.server,
    kubernetes: await context.cluster.version(),
    revision: 0,
    ...(previous === undefined ? {} : { previousRevision: previous }),
    who: context.who,
    ...(context.commit === undefined ? {} : { commit: context.commit }),
    startedAt: new Date(session.run.timeline.phases[0]?.startedAt ?? context.clock.now()).toISOString(),
    durationMs: 0,
    result: 'failed',
    summary: '',
    images: {},
    operations: [],
    checks: [],
    notes: session.notes,
    timeline: session.run.timeline,
  }
}
