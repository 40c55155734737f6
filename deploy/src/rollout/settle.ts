/** After readiness: no old pod is left, and no new one restarts. */
import { ruleOf } from '../kinds/index.ts'
import { type ObjectRef, keyOf } from '../release/objects.ts'
import type { Applied } from './apply.ts'
import { INTERVAL, type Outcome, lastingVerdict, recordPods } from './outcome.ts'
import { type WorkloadRow, changePrinter } from './progress.ts'
import { type RestartWatch, firstRestart, restartWatch } from './restarts.ts'
import { type Run, policyOf } from './run.ts'
import { isWatched, kindsOf, readSnapshot, rowOf } from './snapshot.ts'
import type { WatchOptions } from './watch.ts'

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
