/** Removes what a release no longer has: only what is ours at that very moment, and to its end. A refusal is told and fails nothing. */
import { formatDuration } from '../_duration.ts'
import { poll } from '../_poll.ts'
import type { Guard } from './apply.ts'
import type { Cluster } from '../cluster/client.ts'
import { ClusterError, LockLost } from '../errors.ts'
import type { Inventory } from '../cluster/inventory.ts'
import { type KubeObject, type ObjectRef, keyOf, nameOf } from '../release/objects.ts'
import { type Operation, isOurs, managersOf } from '../plan/plan.ts'
import { type Run, policyOf } from './run.ts'

export interface Pruned {
  /** What is still there, and stays in the inventory. */
  left: ObjectRef[]
  /** One line for each object that was not removed. */
  notes: string[]
}

const POLL = 500
/** An object that changes between the look at it and its deletion is looked at again so often. */
const TRIES = 5

/**
 * Removes the objects of all `prune` operations, then waits until they are gone.
 * @param guard lets each deletion through only while this deployer may
 * @throws LockLost, and the reason of the run's signal
 */
export async function prune(run: Run, operations: readonly Operation[], inventory: Inventory, guard: Guard): Promise<Pruned> {
  const pruned: Pruned = { left: [], notes: [] }
  const going: ObjectRef[] = []
  for (const { action, ref, reason } of operations) {
    if (action !== 'prune') continue
    run.signal.throwIfAborted()
    run.progress({ type: 'operation', action, ref, reason })
    const entry = inventory.objects.find((entry) => keyOf(entry) === keyOf(ref))
    try {
      const refusal = await guard((cluster) => removeOurs(cluster, ref, entry?.uid))
      if (refusal === undefined) going.push(ref)
      else pruned.notes.push(refusal)
    } catch (error) {
      if (!(error instanceof ClusterError) || error instanceof LockLost || run.signal.aborted) throw error
      pruned.left.push(ref)
      pruned.notes.push(`${nameOf(ref)} was not removed: ${error.message}; the next deployment tries again`)
    }
  }
  await waitUntilGone(run, going, pruned)
  return pruned
}

/** @returns why the object was left alone, or `undefined` when it is being deleted */
async function removeOurs(cluster: Cluster, ref: ObjectRef, uid: string | undefined): Promise<string | undefined> {
  for (let attempt = 1; ; attempt += 1) {
    const live = await cluster.get(ref)
    if (live === undefined || live.metadata.deletionTimestamp !== undefined) return undefined
    if (!isOurs(live, uid)) return `${nameOf(ref)} was not removed: it was made again by ${managersOf(live).join(', ') || 'somebody else'}, and is no longer ours`
    const { uid: liveUid, resourceVersion } = live.metadata
    try {
      await cluster.remove(ref, { ...(liveUid === undefined ? {} : { uid: liveUid }), ...(resourceVersion === undefined ? {} : { resourceVersion }) })
      return undefined
    } catch (error) {
      if (!(error instanceof ClusterError && error.code === 'conflict') || attempt === TRIES) throw error
    }
  }
}

async function waitUntilGone(run: Run, refs: readonly ObjectRef[], pruned: Pruned): Promise<void> {
  let there: { ref: ObjectRef; live: KubeObject }[] = []
  const timeoutMs = policyOf(run).prune
  await poll(run.clock, { intervalMs: POLL, timeoutMs, signal: run.signal }, async () => {
    const found = await Promise.all(refs.map(async (ref) => ({ ref, live: await run.cluster.get(ref) })))
    there = found.flatMap(({ ref, live }) => (live === undefined || live.metadata.deletionTimestamp === undefined ? [] : [{ ref, live }]))
    return there.length === 0 ? true : undefined
  })
  for (const { ref, live } of there) {
    pruned.left.push(ref)
    pruned.notes.push(`${nameOf(ref)} is still there ${formatDuration(timeoutMs)} after its deletion (finalizers: ${live.metadata.finalizers?.join(', ') ?? 'none'}); it stays in the inventory`)
  }
}
