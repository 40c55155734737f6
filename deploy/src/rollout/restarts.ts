/** Finds the pod that becomes ready and then restarts. */
import type { Children } from '../kinds/assessment.ts'
import { ruleOf } from '../kinds/index.ts'
import { containerStatuses, isReady, podName, restartsOf } from '../kinds/pod.ts'
import { type KubeObject, keyOf } from '../release/objects.ts'
import type { Applied } from './apply.ts'
import type { Outcome } from './outcome.ts'
import type { Run } from './run.ts'
import { type Snapshot, kindsOf, readSnapshot } from './snapshot.ts'

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

/** The first object of which a new pod has restarted since it was ready, as a verdict. */
export function firstRestart(targets: readonly Applied[], { at, objects, children }: Snapshot, restarted: RestartWatch): Outcome | undefined {
  for (const { ref } of targets) {
    const object = objects.get(keyOf(ref))
    const found = object && restarted.look(object, children, at)
    if (found) return { outcome: 'doomed', ref, reason: 'RestartedAfterReady', ...found }
  }
  return undefined
}
