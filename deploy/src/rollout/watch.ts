/** Live objects → a stream of rows until all are settled, one is doomed, or a deadline passes. The rules stand in kinds/. */
import type { Applied, Guard } from './apply.ts'
import type { Assessment, Children, KubeEvent, Pod } from '../kinds/assessment.ts'
import { eventTime, ownedBy } from '../kinds/assessment.ts'
import { NOT_AVAILABLE } from '../kinds/deployment.ts'
import { assess, ruleOf } from '../kinds/index.ts'
import { containerStatuses, isReady, podName, restartsOf } from '../kinds/pod.ts'
import { stuckPods } from '../kinds/statefulset.ts'
import { type Kind, type KubeObject, type ObjectRef, keyOf, refOf } from '../release/objects.ts'
import type { WorkloadRow } from './progress.ts'
import { type Policy, STANDARD_POLICY } from '../release/policy.ts'
import { type Run, policyOf } from './run.ts'
import type { Cluster } from '../cluster/client.ts'
import { ClusterError } from '../errors.ts'

/** Between two looks, in ms. A verdict is at most this much later than its reason. */
const INTERVAL = 500
/** Lines of what has not changed are repeated so often, in ms. */
const REMINDER = 30_000

/** Kinds that are done when the API server has them. */
const AT_ONCE = new Set([
  'Namespace', 'ConfigMap', 'Secret', 'ServiceAccount', 'Role', 'RoleBinding', 'ClusterRole', 'ClusterRoleBinding', 'NetworkPolicy',
  'ResourceQuota', 'LimitRange', 'PodDisruptionBudget', 'PriorityClass', 'StorageClass', 'CronJob',
])

/** How watching ended. */
export type Outcome =
  | { outcome: 'settled' }
  | { outcome: 'doomed'; ref: ObjectRef; reason: string; message: string; pod?: string }
  | { outcome: 'timed-out'; ref: ObjectRef; reason: string; message: string; afterMs: number }

/** Everything below a namespace's workloads at one moment. */
export interface Snapshot {
  at: number
  children: Children
  events: readonly KubeEvent[]
  objects: ReadonlyMap<string, KubeObject>
}

/** Reads the objects of the given kinds with all that their rules may depend on. */
export async function readSnapshot(cluster: Cluster, namespace: string, kinds: readonly Kind[], at: number): Promise<Snapshot> {
  const list = (apiVersion: string, kind: string): Promise<KubeObject[]> => cluster.list({ apiVersion, kind }, namespace)
  const needsClasses = kinds.some(({ kind }) => kind === 'PersistentVolumeClaim')
  const [pods, replicaSets, events, storageClasses, ...lists] = await Promise.all([
    list('v1', 'Pod'),
    list('apps/v1', 'ReplicaSet'),
    list('v1', 'Event'),
    needsClasses ? cluster.list({ apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass' }).catch(unlessForbidden) : [],
    ...kinds.map(({ apiVersion, kind }) => list(apiVersion, kind)),
  ])
  const objects = new Map(lists.flat().map((object) => [keyOf(refOf(object)), object]))
  return {
    at,
    children: { pods, replicaSets, ...(storageClasses && { storageClasses }) } as unknown as Children,
    events: events as unknown as KubeEvent[],
    objects,
  }
}

/** A deployer with rights in its namespace only sees nothing of the whole cluster. */
function unlessForbidden(error: unknown): undefined {
  if (error instanceof ClusterError && error.code === 'forbidden') return undefined
  throw error
}

/** The distinct kinds of some objects. */
export function kindsOf(refs: readonly Kind[]): Kind[] {
  return [...new Map(refs.map(({ apiVersion, kind }) => [`${apiVersion}/${kind}`, { apiVersion, kind }])).values()]
}

/** True for kinds that need watching after they were written. */
export function isWatched(kind: string): boolean {
  return !AT_ONCE.has(kind)
}

/**
 * Judges one object in a snapshot.
 * @param since when and as which generation it was applied
 */
export function rowOf(snapshot: Snapshot, ref: ObjectRef, since: { at: number; generation: number; serverTime: number }, policy: Policy = STANDARD_POLICY): WorkloadRow {
  const object = snapshot.objects.get(keyOf(ref))
  const ageMs = snapshot.at - since.at
  if (object === undefined) return { ref, state: 'progressing', reason: 'Missing', message: 'does not exist', ageMs }
  const events = snapshot.events.filter((event) => eventTime(event) >= since.serverTime)
  const verdict: Assessment = assess(object, snapshot.children, events, snapshot.at, since.generation, { since: since.serverTime, policy })
  const rule = ruleOf(object)
  const counts = rule.counts?.(object, snapshot.children, snapshot.at, policy)
  const event = lastEvent(object, rule.newPods?.(object, snapshot.children) ?? [], snapshot)
  const { state, reason, message } = verdict
  return { ref, state, reason, message, ageMs, ...(counts && { counts }), ...(event === undefined ? {} : { lastEvent: event }) }
}

function lastEvent(object: KubeObject, pods: readonly Pod[], { events, children }: Snapshot): string | undefined {
  const uids = new Set([object.metadata.uid, ...pods.map(({ metadata }) => metadata?.uid), ...ownedBy(object, children.replicaSets).map(({ metadata }) => metadata?.uid)])
  const newest = events.filter(({ involvedObject }) => uids.has(involvedObject.uid)).reduce<KubeEvent | undefined>((best, event) => (best === undefined || eventTime(event) >= eventTime(best) ? event : best), undefined)
  return newest === undefined ? undefined : `${newest.reason}: ${newest.message}`
}

/** Remembers which pods were ready, and since when; see {@link restartWatch}. */
export interface RestartWatch {
  /**
   * Looks at the new pods of one object.
   * @param at when they were read
   * @returns the first of them that has restarted since it was ready
   */
  look(object: KubeObject, children: Children, at: number): { pod: string; message: string } | undefined
  /** When the last of the pods seen was ready for the first time; `undefined` before any was. */
  lastReadyAt(): number | undefined
}

/** Finds a container that restarts after its pod was ready. One watch serves a whole rollout, so that no gap between its phases hides a restart. */
export function restartWatch(): RestartWatch {
  const readyWith = new Map<string, number>()
  let lastReadyAt: number | undefined
  return {
    look(object, children, at) {
      for (const pod of ruleOf(object).newPods?.(object, children) ?? []) {
        const uid = pod.metadata?.uid ?? ''
        const before = readyWith.get(uid)
        const restarts = restartsOf(pod)
        if (before !== undefined && restarts > before) {
          const ended = containerStatuses(pod).flatMap(({ lastState }) => lastState?.terminated ?? [])[0]
          const exit = ended === undefined ? '' : `; last exit code ${ended.exitCode}${ended.reason === undefined ? '' : ` (${ended.reason})`}`
          return { pod: podName(pod), message: `pod ${podName(pod)} restarted after it had become ready${exit}` }
        }
        if (before === undefined && isReady(pod)) {
          readyWith.set(uid, restarts)
          lastReadyAt = at
        }
      }
      return undefined
    },
    lastReadyAt: () => lastReadyAt,
  }
}

/** Has a restart watch see the pods of some objects as they are, before anything is changed. */
export async function rememberPods(run: Run, objects: readonly Applied[], restarted: RestartWatch): Promise<void> {
  const targets = objects.filter(({ object }) => ruleOf(object).newPods !== undefined)
  if (targets.length === 0) return
  firstRestart(targets, await readSnapshot(run.cluster, run.namespace, kindsOf(targets.map(({ ref }) => ref)), run.clock.now()), restarted)
}

/**
 * True when the next wave may start. That every pod is ready is enough where only their availability is waited for and no old one is
 * left: `minReadySeconds` guards the removal of old pods. {@link watchSettled} waits for the rest.
 */
export function mayGoOn({ state, reason, counts }: Pick<WorkloadRow, 'state' | 'reason' | 'counts'>): boolean {
  if (state === 'progressing' && reason === NOT_AVAILABLE && counts !== undefined) return counts.old === 0 && counts.ready >= counts.desired
  return state === 'current'
}

export interface WatchOptions {
  /** Remembers pods over several watches. */
  restarted?: RestartWatch
  /** Keys of objects that are told and not judged. */
  ignored?: ReadonlySet<string> | undefined
  /** A verdict counts only after it has stood for so long, in ms. @default 0 */
  patienceMs?: number | undefined
  /** Allows to remove pods that block a good template, see {@link stuckPods}. */
  guard?: Guard | undefined
}

/**
 * Watches applied objects until the next wave may start.
 * @returns `settled`; `doomed` at the first object that will not get there; `timed-out` at the first whose own deadline passed
 * @throws the signal's reason; ClusterError when the API server stays away longer than the client's patience
 */
export async function watchUntilSettled(run: Run, applied: readonly Applied[], { restarted = restartWatch(), ignored, patienceMs = 0, guard }: WatchOptions = {}): Promise<Outcome> {
  const targets = applied.filter(({ ref }) => isWatched(ref.kind) && !ignored?.has(keyOf(ref)))
  if (targets.length === 0) return { outcome: 'settled' }
  const kinds = kindsOf(targets.map(({ ref }) => ref))
  const printer = changePrinter(run)
  const lasting = lastingVerdict(patienceMs)
  for (;;) {
    run.signal.throwIfAborted()
    const snapshot = await readSnapshot(run.cluster, run.namespace, kinds, run.clock.now())
    const rows = targets.map(({ ref, at, generation, serverTime }) => rowOf(snapshot, ref, { at, generation, serverTime }, policyOf(run)))
    recordPods(run, snapshot.at, rows)
    printer(rows)
    if (guard !== undefined) await removeStuckPods(run, targets, snapshot, guard)
    const doomed = lasting(rows, snapshot.at)
    if (doomed !== undefined) return { outcome: 'doomed', ref: doomed.ref, reason: doomed.reason, message: doomed.message }
    const fault = firstRestart(targets, snapshot, restarted)
    if (fault !== undefined) return fault
    if (rows.every(mayGoOn)) return { outcome: 'settled' }
    for (const [index, row] of rows.entries()) {
      const target = targets[index]
      if (mayGoOn(row) || target === undefined || row.ageMs < ruleOf(target.object).timeoutMs(target.object)) continue
      return { outcome: 'timed-out', ref: row.ref, reason: row.reason, message: row.message, afterMs: row.ageMs }
    }
    await run.clock.sleep(INTERVAL, run.signal)
  }
}

/** The first object that is not where it should be, or `undefined`: what a run waited for when its time was over. */
export async function unsettled(run: Run, applied: readonly Applied[]): Promise<Extract<Outcome, { outcome: 'timed-out' }> | undefined> {
  const targets = applied.filter(({ ref }) => isWatched(ref.kind))
  if (targets.length === 0) return undefined
  const snapshot = await readSnapshot(run.cluster, run.namespace, kindsOf(targets.map(({ ref }) => ref)), run.clock.now())
  const row = targets.map(({ ref, at, generation, serverTime }) => rowOf(snapshot, ref, { at, generation, serverTime }, policyOf(run))).find((row) => !mayGoOn(row))
  return row && { outcome: 'timed-out', ref: row.ref, reason: row.reason, message: row.message, afterMs: row.ageMs }
}

/** Finds the first row whose verdict is doom, and has been for as long as told. */
function lastingVerdict(patienceMs: number): (rows: readonly WorkloadRow[], at: number) => WorkloadRow | undefined {
  const doomedSince = new Map<string, number>()
  return (rows, at) => {
    for (const { ref, state } of rows) {
      if (state !== 'doomed') doomedSince.delete(keyOf(ref))
      else if (!doomedSince.has(keyOf(ref))) doomedSince.set(keyOf(ref), at)
    }
    return rows.find(({ ref }) => at - (doomedSince.get(keyOf(ref)) ?? Number.POSITIVE_INFINITY) >= patienceMs)
  }
}

/** Removes what {@link stuckPods} finds, by name and uid: never a pod that took its place meanwhile. */
async function removeStuckPods(run: Run, targets: readonly Applied[], { at, objects, children, events }: Snapshot, guard: Guard): Promise<void> {
  const sets = targets.filter(({ ref }) => ref.kind === 'StatefulSet').flatMap(({ ref }) => objects.get(keyOf(ref)) ?? [])
  for (const { metadata } of sets.flatMap((set) => stuckPods(set, children, events, at, policyOf(run)))) {
    const { name, uid } = metadata ?? {}
    if (name === undefined || uid === undefined) continue
    run.progress({ type: 'note', text: `removes pod ${name}: it is of an older revision, is not getting ready, and its StatefulSet waits for it` })
    await guard((cluster) => cluster.remove({ apiVersion: 'v1', kind: 'Pod', namespace: run.namespace, name }, { uid })).catch(unlessReplaced)
  }
}

/** Another pod of the same name is there already. */
function unlessReplaced(error: unknown): void {
  if (!(error instanceof ClusterError && error.code === 'conflict')) throw error
}

function firstRestart(targets: readonly Applied[], { at, objects, children }: Snapshot, restarted: RestartWatch): Outcome | undefined {
  for (const { ref } of targets) {
    const object = objects.get(keyOf(ref))
    const found = object && restarted.look(object, children, at)
    if (found) return { outcome: 'doomed', ref, reason: 'RestartedAfterReady', ...found }
  }
  return undefined
}

function recordPods(run: Run, at: number, rows: readonly WorkloadRow[]): void {
  for (const { ref, counts } of rows) {
    if (counts !== undefined) run.timeline.pods.push({ at, workload: ref.name, old: counts.old, updated: counts.updated, ready: counts.ready })
  }
}

/** Tells only rows that changed, and all that are not done every 30 s. */
export function changePrinter(run: Pick<Run, 'progress' | 'clock'>): (rows: readonly WorkloadRow[]) => void {
  const told = new Map<string, string>()
  let reminded = run.clock.now()
  return (rows) => {
    const remind = run.clock.now() - reminded >= REMINDER
    if (remind) reminded = run.clock.now()
    const news = rows.filter((row) => {
      const text = JSON.stringify([row.state, row.message, row.counts])
      const changed = told.get(keyOf(row.ref)) !== text
      told.set(keyOf(row.ref), text)
      return changed || (remind && row.state !== 'current')
    })
    if (news.length > 0) run.progress({ type: 'workloads', rows: news })
  }
}

export interface SettleOptions extends Pick<WatchOptions, 'ignored' | 'patienceMs'> {
  /** For so long after the last new pod was ready no container of a new pod may restart, in ms. */
  soakMs: number
  /** How long old pods may take to end, in ms. */
  timeoutMs: number
  /** Called when the last old pod is gone; again when others came and went meanwhile. */
  onOldPodsGone?: (() => void) | undefined
}

/**
 * After readiness: waits until no old pod is left and the soak time has passed without a restart of a new pod.
 * Finds the pod that becomes ready and then crashes.
 */
export async function watchSettled(run: Run, applied: readonly Applied[], { soakMs, timeoutMs, onOldPodsGone, ignored, patienceMs = 0 }: SettleOptions, restarted: RestartWatch = restartWatch()): Promise<Outcome> {
  const targets = applied.filter(({ ref, object }) => isWatched(ref.kind) && ruleOf(object).counts !== undefined && ref.kind !== 'Job' && !ignored?.has(keyOf(ref)))
  if (targets.length === 0) {
    onOldPodsGone?.()
    return { outcome: 'settled' }
  }
  const kinds = kindsOf(targets.map(({ ref }) => ref))
  const printer = changePrinter(run)
  const started = run.clock.now()
  const soaksSince = restarted.lastReadyAt() ?? started
  const lasting = lastingVerdict(patienceMs)
  let oldPodsGone = false
  for (;;) {
    run.signal.throwIfAborted()
    const snapshot = await readSnapshot(run.cluster, run.namespace, kinds, run.clock.now())
    const rows: WorkloadRow[] = []
    let waitFor: { ref: ObjectRef; message: string } | undefined
    for (const { ref, at, generation, serverTime } of targets) {
      const row = rowOf(snapshot, ref, { at, generation, serverTime }, policyOf(run))
      rows.push(row)
      if (row.state !== 'current') waitFor = { ref, message: row.message }
      else if ((row.counts?.old ?? 0) > 0) waitFor = { ref, message: `${row.counts?.old} old pods are ending` }
    }
    recordPods(run, snapshot.at, rows)
    printer(rows)
    const doomed = lasting(rows, snapshot.at)
    if (doomed !== undefined) return { outcome: 'doomed', ref: doomed.ref, reason: doomed.reason, message: doomed.message }
    const fault = firstRestart(targets, snapshot, restarted)
    if (fault !== undefined) return fault
    if (waitFor === undefined && !oldPodsGone) onOldPodsGone?.()
    oldPodsGone = waitFor === undefined
    const waited = run.clock.now() - started
    if (waitFor === undefined && run.clock.now() - soaksSince >= soakMs) return { outcome: 'settled' }
    if (waitFor !== undefined && waited >= timeoutMs) return { outcome: 'timed-out', ref: waitFor.ref, reason: 'NotSettled', message: waitFor.message, afterMs: waited }
    await run.clock.sleep(INTERVAL, run.signal)
  }
}
