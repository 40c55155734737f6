/** A kept revision → a plan that brings it back, carried out and proven like any other. */
import type { Prober } from './application.ts'
import type { Cluster } from './cluster.ts'
import type { OpenEntrances } from './entrances.ts'
import type { StoredRevision } from './history.ts'
import { type Inventory, entriesOf, readInventory, union, writeInventory } from './inventory.ts'
import { type Live, readLive } from './live.ts'
import type { Lock } from './lock.ts'
import { type RenderedObject, nameOf, refOf } from './objects.ts'
import { type Operation, type Plan, buildPlan } from './plan.ts'
import { isSecret } from './redact.ts'
import { type RolloutResult, appliedFrom, rollout } from './rollout.ts'
import { type Run, phase } from './run.ts'

export interface RollbackInput {
  to: StoredRevision
  /** The revision that is being undone: only its objects are removed. */
  revision: number
  entrances: OpenEntrances
  prober: Prober | undefined
  soakMs: number
  lock: Lock
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
 * Fields that other managers took in the meantime are taken back.
 */
export async function rollBack(run: Run, input: RollbackInput): Promise<RolloutResult & { operations: Operation[] }> {
  const { to, lock, entrances, prober, soakMs, revision, beforeFirstChange, onOldPodsGone } = input
  const desired = rollbackObjects(to)
  const { plan, live, inventory } = await phase(run, 'rollback', `to revision ${to.revision}`, () => rollbackPlan(run, desired))
  const [problem] = plan.problems
  if (problem !== undefined) return { failure: { phase: 'rollback', message: `${problem.message} (${nameOf(problem.ref)})` }, checks: [], operations: [] }
  const owned = entriesOf(desired.map(({ object }) => object))
  await lock.assertHeld()
  await writeInventory(run.cluster, run.namespace, { revision, fence: lock.fence, objects: union(inventory.objects, owned) })
  const result = await rollout(run, {
    operations: plan.operations,
    desired,
    entrances,
    prober,
    secrets: secretValues(desired),
    soakMs,
    watchAll: true,
    live: appliedFrom([...live.states.values()].flatMap(({ live }) => live ?? []), run.clock.now()),
    force: true,
    async beforeWave() {
      await beforeFirstChange?.()
      await lock.assertHeld()
    },
    ...(onOldPodsGone && { onOldPodsGone }),
  })
  if (result.failure === undefined) {
    const jobs = inventory.objects.filter(({ kind }) => kind === 'Job')
    await writeInventory(run.cluster, run.namespace, { revision: to.revision, fence: lock.fence, objects: union(owned, jobs) })
  }
  return { ...result, operations: plan.operations }
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

