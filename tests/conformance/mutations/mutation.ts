/** A change for the worse, and the requirement that it must turn red. */
import { systemClock } from '../../../deploy/src/_poll.ts'
import { type KubeObject, keyOf, refOf } from '../../../deploy/src/release/objects.ts'
import { OVERLAYS } from '../../../deploy/src/release/gates.ts'
import type { Mutation as Change } from '../../validate/_mutate.ts'
import { waitFor } from '../kube.ts'
import type { RequirementId } from '../requirement.ts'
import { PAUSES, TIMEOUTS } from '../timeouts.ts'
import { SCALED_TIERS, type ScaledTier, allSettled, restart } from '../workloads.ts'
import type { World } from '../world.ts'

export interface Mutation {
  /** What is wrong now, as a person would say it. */
  name: string
  /** The requirement that must fail. */
  red: RequirementId
  /** What its failure must say, so that it is red for this reason and no other. */
  says: RegExp
  /** @returns the world in which the requirement is asked, and how to undo the change */
  apply(world: World): Promise<Applied>
}

export interface Applied {
  world: World
  undo(): Promise<void>
}

/** What has to be over before the requirement is asked, and again after the change is undone. */
export interface Aftermath {
  /** Tiers whose pods must be the new ones. @default those whose Deployment changed */
  settle?: readonly ScaledTier[]
  /** Tiers whose pods read a changed ConfigMap at their start only. @default none */
  restart?: readonly ScaledTier[]
}

/** Changes rendered objects, applies the difference to the cluster, and puts the original objects back. */
export function objects(change: Change, aftermath: Aftermath = {}): Mutation['apply'] {
  return async (world) => {
    const original = (await world.rendered(OVERLAYS[world.settings.environment])).map(({ object }) => object)
    const mutated = structuredClone(original)
    change(mutated)
    const settle = aftermath.settle ?? changedTiers(original, mutated)
    const move = async (from: readonly KubeObject[], to: readonly KubeObject[]): Promise<void> => {
      await reconcile(world, from, to)
      if (aftermath.restart !== undefined) await restart(world, aftermath.restart)
      if (textOf(original, 'StatefulSet', 'postgres') === textOf(mutated, 'StatefulSet', 'postgres')) await allSettled(world, settle)
      else await databaseSettled(world)
    }
    const undo = (): Promise<void> => move(mutated, original)
    try {
      await move(original, mutated)
    } catch (error) {
      await undo()
      throw error
    }
    return { world, undo }
  }
}

/** Changes what the requirement takes for the rendered manifests; the cluster stays as it is. */
export function rendered(change: Change): Mutation['apply'] {
  return async (world) => ({
    world: {
      ...world,
      rendered: async (overlay) => {
        const found = await world.rendered(overlay)
        const copies = structuredClone(found.map(({ object }) => object))
        change(copies)
        return copies.map((object) => ({ object, source: 'mutated' }))
      },
    },
    undo: async () => undefined,
  })
}

async function reconcile({ cluster }: World, from: readonly KubeObject[], to: readonly KubeObject[]): Promise<void> {
  const before = new Map(from.map((object) => [keyOf(refOf(object)), object]))
  const after = new Map(to.map((object) => [keyOf(refOf(object)), object]))
  for (const [key, object] of after) if (JSON.stringify(before.get(key)) !== JSON.stringify(object)) await cluster.apply(object, { force: true })
  for (const [key, object] of before) if (!after.has(key)) await cluster.remove(refOf(object))
}

function changedTiers(original: readonly KubeObject[], mutated: readonly KubeObject[]): ScaledTier[] {
  return SCALED_TIERS.filter((tier) => textOf(original, 'Deployment', tier) !== textOf(mutated, 'Deployment', tier))
}

function textOf(list: readonly KubeObject[], kind: string, name: string): string {
  return JSON.stringify(list.find((object) => object.kind === kind && object.metadata.name === name))
}

/** The one pod of the database is the new one and ready, and so are its clients. */
async function databaseSettled(world: World): Promise<void> {
  const { cluster, namespace, signal } = world
  await waitFor('StatefulSet postgres to settle', TIMEOUTS.databaseBack, signal, async () => {
    const found = await cluster.get({ apiVersion: 'apps/v1', kind: 'StatefulSet', namespace, name: 'postgres' })
    const { observedGeneration = 0, readyReplicas = 0, currentRevision, updateRevision } = (found?.['status'] ?? {}) as { observedGeneration?: number; readyReplicas?: number; currentRevision?: string; updateRevision?: string }
    const settled = observedGeneration >= (found?.metadata.generation ?? 0) && readyReplicas === 1 && currentRevision === updateRevision
    return settled ? true : `${readyReplicas} ready, revision ${currentRevision ?? 'unknown'} of ${updateRevision ?? 'unknown'}`
  })
  // Its clients notice that it was away, and then that it is back.
  await systemClock.sleep(PAUSES.afterFault, signal)
  await allSettled(world, SCALED_TIERS)
}

/** Several changes at once. */
export function all(...changes: readonly Change[]): Change {
  return (list) => changes.forEach((change) => change(list))
}
