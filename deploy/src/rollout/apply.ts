/** Executes the operations of a plan, one wave at a time, in their order. Chooses nothing. */
import { formatDuration } from '../_duration.ts'
import { poll } from '../_poll.ts'
import type { Cluster } from '../cluster/client.ts'
import { DeployError, LockLost } from '../errors.ts'
import { MANAGER } from '../release/identity.ts'
import type { Live } from '../cluster/live.ts'
import { type KubeObject, type ObjectRef, type RenderedObject, keyOf, nameOf, refOf } from '../release/objects.ts'
import type { Operation } from '../plan/plan.ts'
import type { Run } from './run.ts'

/** An object after it was written. */
export interface Applied {
  ref: ObjectRef
  /** Answers with an older generation are stale. */
  generation: number
  object: KubeObject
  /** By our clock, in ms since the epoch. */
  at: number
  /** By the server's clock: events that are older say nothing about it. 0 when it was not written in this run. */
  serverTime: number
}

/** Carries one write out with the cluster that it is given, as long as that is allowed. */
export type Guard = <Value>(write: (cluster: Cluster) => Promise<Value>) => Promise<Value>

export interface ApplyWaveOptions {
  /** Take over fields of other managers. */
  force?: boolean
  /** Lets each write through only while this deployer may. */
  guard?: Guard | undefined
  /** Called with each refused write, and the others go on; without it the first one is thrown. */
  onRefusal?: (ref: ObjectRef, error: DeployError) => void
}

/** Deletion waits for running pods to end their grace. */
const DELETE_TIMEOUT = 120_000
const DELETE_POLL = 500

/**
 * Writes the objects of one wave; unchanged ones are left alone. Removing what is no longer wanted is the work of prune.ts.
 * @param operations of one wave, in order
 * @throws ClusterError naming the owner of a field in dispute; DeployError when a deletion does not end in 2 minutes
 */
export async function applyWave(run: Run, operations: readonly Operation[], desired: readonly RenderedObject[], options: ApplyWaveOptions = {}): Promise<Applied[]> {
  const objects = new Map(desired.map(({ object }) => [keyOf(refOf(object)), object]))
  const applied: Applied[] = []
  for (const { action, ref, reason } of operations) {
    run.signal.throwIfAborted()
    if (action === 'unchanged' || action === 'keep' || action === 'prune') continue
    run.progress({ type: 'operation', action, ref, reason })
    const object = objects.get(keyOf(ref))
    if (object === undefined) throw new Error(`the plan names ${nameOf(ref)}, which is not among the objects`)
    try {
      if (action === 'replace') await removeAndWait(run, ref, options)
      const result = await guarded(run, options, (cluster) => cluster.apply(object, { force: options.force ?? false }))
      applied.push({ ref, generation: result.metadata.generation ?? 0, object: result, at: run.clock.now(), serverTime: writtenAt(result) })
    } catch (error) {
      if (options.onRefusal === undefined || !(error instanceof DeployError) || error instanceof LockLost || run.signal.aborted) throw error
      options.onRefusal(ref, error)
    }
  }
  return applied
}

function guarded<Value>({ cluster }: Run, { guard }: ApplyWaveOptions, write: (cluster: Cluster) => Promise<Value>): Promise<Value> {
  return guard === undefined ? write(cluster) : guard(write)
}

/** The uid of every object that is known to exist after the writes, by key. */
export function uidsOf({ states }: Live, applied: readonly Applied[]): Map<string, string> {
  const uids = new Map<string, string>()
  for (const object of [...[...states.values()].flatMap(({ live }) => live ?? []), ...applied.map(({ object }) => object)]) {
    if (object.metadata.uid !== undefined) uids.set(keyOf(refOf(object)), object.metadata.uid)
  }
  return uids
}

/** When this deployer last changed the object, by the server's clock; to the second. 0 when the server does not say. */
export function writtenAt(object: KubeObject): number {
  const times = (object.metadata.managedFields ?? []).filter(({ manager }) => manager === MANAGER).map(({ time }) => Date.parse(time ?? '') || 0)
  return Math.max(0, ...times)
}

/**
 * Deletes an object and its dependents, and waits until it is gone.
 * @throws DeployError when that takes more than 2 minutes: names the finalizers that hold it
 */
async function removeAndWait(run: Run, ref: ObjectRef, options: ApplyWaveOptions): Promise<void> {
  await guarded(run, options, (cluster) => cluster.remove(ref, { foreground: true }))
  let last: KubeObject | undefined
  const gone = await poll(run.clock, { intervalMs: DELETE_POLL, timeoutMs: DELETE_TIMEOUT, signal: run.signal }, async () => {
    last = await run.cluster.get(ref)
    return last === undefined ? true : undefined
  })
  if (gone === undefined) {
    const finalizers = last?.metadata.finalizers?.join(', ') ?? 'none'
    throw new DeployError(`${nameOf(ref)} is still there ${formatDuration(DELETE_TIMEOUT)} after its deletion (finalizers: ${finalizers})`, { object: ref, next: 'find out why its finalizers do not end' })
  }
}
