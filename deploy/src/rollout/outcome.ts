/** How watching ends, and what every look at the cluster says about that. */
import { NOT_AVAILABLE } from '../kinds/deployment.ts'
import { type ObjectRef, keyOf } from '../release/objects.ts'
import type { WorkloadRow } from './progress.ts'
import type { Run } from './run.ts'

/** Between two looks, in ms. A verdict is at most this much later than its reason. */
export const INTERVAL = 500

/** How watching ended. */
export type Outcome =
  | { outcome: 'settled' }
  | { outcome: 'doomed'; ref: ObjectRef; reason: string; message: string; pod?: string }
  | { outcome: 'timed-out'; ref: ObjectRef; reason: string; message: string; afterMs: number }

/**
 * True when the next wave may start. That every pod is ready is enough where only their availability is waited for and no old one is
 * left: `minReadySeconds` guards the removal of old pods. `watchSettled` waits for the rest.
 */
export function mayGoOn({ state, reason, counts }: Pick<WorkloadRow, 'state' | 'reason' | 'counts'>): boolean {
  if (state === 'progressing' && reason === NOT_AVAILABLE && counts !== undefined) return counts.old === 0 && counts.ready >= counts.desired
  return state === 'current'
}

/** Finds the first row whose verdict is doom, and has been for as long as told. */
export function lastingVerdict(patienceMs: number): (rows: readonly WorkloadRow[], at: number) => WorkloadRow | undefined {
  const doomedSince = new Map<string, number>()
  return (rows, at) => {
    for (const { ref, state } of rows) {
      if (state !== 'doomed') doomedSince.delete(keyOf(ref))
      else if (!doomedSince.has(keyOf(ref))) doomedSince.set(keyOf(ref), at)
    }
    return rows.find(({ ref }) => at - (doomedSince.get(keyOf(ref)) ?? Number.POSITIVE_INFINITY) >= patienceMs)
  }
}

/** Keeps how many pods of each workload there were, for the report. */
export function recordPods(run: Run, at: number, rows: readonly WorkloadRow[]): void {
  for (const { ref, counts } of rows) {
    if (counts !== undefined) run.timeline.pods.push({ at, workload: ref.name, old: counts.old, updated: counts.updated, ready: counts.ready })
  }
}
