/** Applied objects → looked at until all are as they should be, one is doomed, or a deadline passes. */
import { ClusterError } from '../errors.ts'
import { ruleOf } from '../kinds/index.ts'
import { stuckPods } from '../kinds/statefulset.ts'
import { keyOf } from '../release/objects.ts'
import type { Applied, Guard } from './apply.ts'
import { INTERVAL, type Outcome, lastingVerdict, mayGoOn, recordPods } from './outcome.ts'
import { changePrinter } from './progress.ts'
import { type RestartWatch, firstRestart, restartWatch } from './restarts.ts'
import { type Run, policyOf } from './run.ts'
import { type Snapshot, isWatched, kindsOf, readSnapshot, rowOf } from './snapshot.ts'

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
