/** A kept revision → a plan that brings it back, carried out and proven like any other. */
import { formatDuration } from '../_duration.ts'
import type { Prober } from '../proof/prober.ts'
import { uidsOf } from './apply.ts'
import type { Cluster } from '../cluster/client.ts'
import type { OpenEntrances } from '../proof/entrances.ts'
import type { StoredRevision } from '../cluster/history.ts'
import { type Inventory, type InventoryEntry, entriesOf, readInventory, union, writeInventory } from '../cluster/inventory.ts'
import { type Live, readLive } from '../cluster/live.ts'
import type { Lock } from '../cluster/lock.ts'
import { type KubeObject, type RenderedObject, keyOf, nameOf, refOf } from '../release/objects.ts'
import { type Operation, type Plan, buildPlan, isOurs } from '../plan/plan.ts'
import { isSecret } from '../release/redact.ts'
import { type BrokenBefore, OutOfTime, type RolloutResult, appliedFrom, rolloutBack } from './rollout.ts'
import { type Run, phase } from './run.ts'

export interface RollbackInput {
  to: StoredRevision
  /** The revision that is being undone: only its objects are removed. */
  revision: number
  entrances: OpenEntrances
  /** With the key of the revision that comes back. */
  prober: Prober | undefined
  soakMs: number
  lock: Lock
  /** How long the proof may take, in ms; absent when the run has its own limit. */
  limitMs?: number
  allowUnasked?: boolean
  /** Absent when everything must be proven, whatever it was before. */
  brokenBefore?: BrokenBefore
  /** Called before the first change. */
  beforeFirstChange?: () => Promise<void>
  /** Called when the last pod of the undone revision is gone. */
  onOldPodsGone?: () => void
}

/** What a rollback brings back: everything but Jobs, since a migration is not undone by running an older one. */
export function rollbackObjects({ objects }: Pick<StoredRevision, 'objects'>): RenderedObject[] {
  return objects.filter(({ object }) => object.kind !== 'Job')
}

/**
 * A revision as far as it may still be brought back: a Secret that somebody else keeps by now stays theirs, as on the way forward.
 */
export async function withoutForeignSecrets(cluster: Cluster, namespace: string, revision: StoredRevision): Promise<StoredRevision> {
  const { objects: owned } = await readInventory(cluster, namespace)
  const uids = new Map(owned.map((entry) => [keyOf(entry), entry.uid]))
  const isTheirs = async ({ object }: RenderedObject): Promise<boolean> => {
    if (!isSecret(object)) return false
    const live = await cluster.get(refOf(object))
    return live !== undefined && !isOurs(live, uids.get(keyOf(refOf(object))))
  }
  const theirs = await Promise.all(revision.objects.map(isTheirs))
  return { ...revision, objects: revision.objects.filter((_object, index) => theirs[index] !== true) }
}

/**
 * The objects of a revision, with the values that its Secrets have now. A key that was rotated since stays rotated, one that
 * was added stays there, and passwords stay those that the database has: the migration that sets them does not run again.
 * What is gone comes back with the values of the revision.
 * @returns the objects, and the names of Secrets whose values differ from the revision's
 */
export async function withPresentSecrets(cluster: Cluster, objects: readonly RenderedObject[]): Promise<{ objects: RenderedObject[]; kept: string[] }> {
  const present = await Promise.all(
    objects.map(async (rendered): Promise<{ rendered: RenderedObject; differs: boolean }> => {
      const { object } = rendered
      if (!isSecret(object)) return { rendered, differs: false }
      const recorded = (object['data'] ?? {}) as Record<string, string>
      const live = ((await cluster.get(refOf(object)))?.['data'] ?? {}) as Record<string, string>
      const differs = Object.entries(live).some(([key, value]) => value !== recorded[key])
      return { rendered: { ...rendered, object: { ...object, data: { ...recorded, ...live } } }, differs }
    }),
  )
  return { objects: present.map(({ rendered }) => rendered), kept: present.filter(({ differs }) => differs).map(({ rendered }) => rendered.object.metadata.name) }
}

/**
 * Brings a revision back as a whole and proves it: every workload is watched, changed or not, and every question is asked again.
 * Fields that other managers took in the meantime are taken back. What cannot be written is told at the end.
 */
export async function rollBack(run: Run, input: RollbackInput): Promise<RolloutResult & { operations: Operation[] }> {
  if (input.limitMs === undefined) return bringBack(run, input)
  const over = new AbortController()
  const limited = AbortSignal.any([run.signal, after(run, input.limitMs, over.signal)])
  try {
    return await bringBack({ ...run, signal: limited }, input)
  } finally {
    over.abort()
  }
}

/** Aborts when the way back has had its time. What was written by then stays: only its proof ends. */
function after(run: Run, ms: number, over: AbortSignal): AbortSignal {
  const limit = new AbortController()
  run.clock.sleep(ms, over).then(
    () => limit.abort(new OutOfTime(`the way back was not proven within ${formatDuration(ms)}`, { next: 'see what is missing with status; everything of the revision was written' })),
    () => undefined,
  )
  return limit.signal
}

async function bringBack(run: Run, input: RollbackInput): Promise<RolloutResult & { operations: Operation[] }> {
  const { to, lock, entrances, prober, soakMs, revision, beforeFirstChange, onOldPodsGone, allowUnasked, brokenBefore } = input
  const desired = rollbackObjects(to)
  const { plan, live, inventory } = await phase(run, 'rollback', `to revision ${to.revision}`, () => rollbackPlan(run, desired))
  const owned = entriesOf(desired.map(({ object }) => object))
  await lock.assertHeld()
  await writeInventory(run.cluster, run.namespace, { revision, fence: lock.fence, objects: union(inventory.objects, owned) })
  const jobs = await removeUnfinished(run, lock, inventory)
  const result = await rolloutBack(run, {
    operations: plan.operations,
    desired,
    inventory,
    entrances,
    prober,
    secrets: secretValues(desired),
    soakMs,
    watchAll: true,
    live: appliedFrom([...live.states.values()].flatMap(({ live }) => live ?? []), run.clock.now()),
    force: true,
    guard: (write) => lock.write(run.cluster, write),
    async beforeWave() {
      await beforeFirstChange?.()
      await lock.assertHeld()
    },
    ...(allowUnasked === undefined ? {} : { allowUnasked }),
    ...(brokenBefore && { brokenBefore }),
    ...(onOldPodsGone && { onOldPodsGone }),
  })
  const [problem] = plan.problems
  if (problem !== undefined) result.failure ??= { phase: 'rollback', message: `${problem.message} (${nameOf(problem.ref)}); everything else was written` }
  if (result.failure === undefined) {
    const kept = new Set([...result.left, ...plan.operations.filter(({ action }) => action === 'keep').map(({ ref }) => ref)].map(keyOf))
    const still = inventory.objects.filter((entry) => kept.has(keyOf(entry)))
    const objects = union(union(still, entriesOf(desired.map(({ object }) => object), uidsOf(live, result.applied))), jobs.finished)
    await writeInventory(run.cluster, run.namespace, { revision: to.revision, fence: lock.fence, objects })
  }
  return { ...result, notes: [...jobs.notes, ...result.notes], operations: plan.operations }
}

/** A Job of the undone revision that has not ended well would still migrate one day, beside the older code. Its log is in the diagnosis. */
async function removeUnfinished(run: Run, lock: Lock, inventory: Inventory): Promise<{ finished: InventoryEntry[]; notes: string[] }> {
  const finished: InventoryEntry[] = []
  const notes: string[] = []
  for (const entry of inventory.objects.filter(({ kind }) => kind === 'Job')) {
    const live = await run.cluster.get(entry)
    if (live === undefined) continue
    if (isComplete(live) || !isOurs(live, entry.uid)) {
      finished.push(entry)
      continue
    }
    await lock.write(run.cluster, (cluster) => cluster.remove(entry, live.metadata.uid === undefined ? {} : { uid: live.metadata.uid }))
    notes.push(`${nameOf(entry)} had not ended well and was removed; the next deployment runs its own`)
  }
  return { finished, notes }
}

function isComplete(job: KubeObject): boolean {
  const { conditions = [] } = (job['status'] ?? {}) as { conditions?: { type: string; status: string }[] }
  return conditions.some(({ type, status }) => type === 'Complete' && status === 'True')
}

async function rollbackPlan(run: Run, desired: readonly RenderedObject[]): Promise<{ plan: Plan; live: Live; inventory: Inventory }> {
  const inventory = await readInventory(run.cluster, run.namespace)
  // Jobs are neither brought back nor removed.
  const withoutJobs = { ...inventory, objects: inventory.objects.filter(({ kind }) => kind !== 'Job') }
  const live = await readLive(run.cluster, run.namespace, desired, withoutJobs, true)
  return { plan: buildPlan(desired, live, withoutJobs), live, inventory }
}

/** Every value of the Secrets among the objects, decoded. */
export function secretValues(objects: readonly RenderedObject[]): string[] {
  return objects
    .filter(({ object }) => isSecret(object))
    .flatMap(({ object }) => Object.values((object['data'] ?? {}) as Record<string, string>))
    .map((value) => Buffer.from(value, 'base64').toString().trim())
}

