import { type Change, diff } from '../plan/diff.ts'
import type { Drift, DriftReport } from '../plan/drift.ts'
import { BadInput } from '../errors.ts'
import { foreignFields } from '../cluster/foreign.ts'
import { readHistory, readNewestGood } from '../cluster/history.ts'
import { EMPTY_INVENTORY } from '../cluster/inventory.ts'
import { readLive } from '../cluster/live.ts'
import { replicaOwners, scaledAway } from '../kinds/_replicas.ts'
import { type KubeObject, type ObjectRef, keyOf, nameOf, refOf } from '../release/objects.ts'
import { inOrder } from '../release/order.ts'
import { rollbackObjects } from '../rollout/rollback.ts'
import type { Context } from '../session.ts'

/**
 * Compares the cluster with the current revision, by a dry run of its objects. Writes nothing. Finished Jobs do not drift.
 * @throws BadInput when nothing was deployed
 */
export async function drift({ cluster, namespace }: Context): Promise<DriftReport> {
  const current = await readNewestGood(cluster, namespace, await readHistory(cluster, namespace))
  if (current === undefined) throw new BadInput(`nothing was deployed in namespace ${namespace}`, { next: 'deploy first' })
  const desired = inOrder(rollbackObjects(current))
  // With force the dry run shows the values that other managers have put in place of ours.
  const [asked, forced] = await Promise.all([readLive(cluster, namespace, desired, EMPTY_INVENTORY), readLive(cluster, namespace, desired, EMPTY_INVENTORY, true)])
  const drifts = desired.flatMap(({ object, source }): Drift[] => {
    const ref = refOf(object)
    const { live, merged, refusal } = forced.states.get(keyOf(ref)) ?? {}
    if (live === undefined) return [{ ref, source, kind: 'missing', changes: [], managers: [] }]
    if (merged === undefined) throw refusal ?? new Error(`no dry run of ${nameOf(ref)}`)
    const changes = diff(live, merged)
    const owners = asked.states.get(keyOf(ref))?.refusal?.fields ?? []
    const changed: Drift[] = changes.length === 0 ? [] : [{ ref, source, kind: 'changed', changes, managers: [...new Set(owners.flatMap(({ manager }) => manager ?? []))] }]
    return [...changed, ...scaledToZero(live, ref, source, changes), ...added(live, ref, source, changes)]
  })
  return { revision: current.revision, drifts }
}

/** What others have added, unless it is told as a change of ours already. */
function added(live: KubeObject, ref: ObjectRef, source: string, told: readonly Change[]): Drift[] {
  const foreign = foreignFields(live)
  const fields = foreign.flatMap(({ fields }) => fields).filter((path) => !told.some((change) => change.path === path || change.path.startsWith(`${path}.`)))
  if (fields.length === 0) return []
  const since = foreign.flatMap(({ time }) => time ?? []).sort().at(-1)
  return [{ ref, source, kind: 'added', changes: fields.map((path) => ({ path })), managers: [...new Set(foreign.map(({ manager }) => manager))], ...(since === undefined ? {} : { since }) }]
}

/** A workload whose replicas an autoscaler keeps has none in the manifests: that somebody took all of them is seen here only. */
function scaledToZero(live: KubeObject, ref: ObjectRef, source: string, told: readonly Change[]): Drift[] {
  const isZero = (live['spec'] as { replicas?: number } | undefined)?.replicas === 0
  if (!isZero || told.some(({ path }) => path === 'spec.replicas') || scaledAway(live) === undefined) return []
  return [{ ref, source, kind: 'changed', changes: [{ path: 'spec.replicas', before: 0 }], managers: replicaOwners(live) }]
}
