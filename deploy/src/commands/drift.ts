import type { Change } from '../diff.ts'
import { diff } from '../diff.ts'
import { BadInput } from '../errors.ts'
import { currentRevision, readHistory, readRevision } from '../history.ts'
import { EMPTY_INVENTORY } from '../inventory.ts'
import { readLive } from '../live.ts'
import { type ObjectRef, keyOf, nameOf, refOf } from '../objects.ts'
import { inOrder } from '../order.ts'
import { rollbackObjects } from '../rollback.ts'
import type { Context } from '../session.ts'

/** An object that is not as the current revision left it. */
export interface Drift {
  ref: ObjectRef
  source: string
  kind: 'missing' | 'changed'
  /** From what the cluster has to what was deployed. */
  changes: Change[]
  /** Managers that own the changed fields now. */
  managers: string[]
}

export interface DriftReport {
  revision: number
  drifts: Drift[]
}

/**
 * Compares the cluster with the current revision, by a dry run of its objects. Writes nothing. Finished Jobs do not drift.
 * @throws BadInput when nothing was deployed
 */
export async function drift({ cluster, namespace }: Context): Promise<DriftReport> {
  const current = currentRevision(await readHistory(cluster, namespace))
  if (current === undefined) throw new BadInput(`nothing was deployed in namespace ${namespace}`, { next: 'deploy first' })
  const desired = inOrder(rollbackObjects(await readRevision(cluster, namespace, current.revision)))
  // With force the dry run shows the values that other managers have put in place of ours.
  const [asked, forced] = await Promise.all([readLive(cluster, namespace, desired, EMPTY_INVENTORY), readLive(cluster, namespace, desired, EMPTY_INVENTORY, true)])
  const drifts = desired.flatMap(({ object, source }): Drift[] => {
    const ref = refOf(object)
    const { live, merged, refusal } = forced.states.get(keyOf(ref)) ?? {}
    if (live === undefined) return [{ ref, source, kind: 'missing', changes: [], managers: [] }]
    if (merged === undefined) throw refusal ?? new Error(`no dry run of ${nameOf(ref)}`)
    const changes = diff(live, merged)
    if (changes.length === 0) return []
    const owners = asked.states.get(keyOf(ref))?.refusal?.fields ?? []
    return [{ ref, source, kind: 'changed', changes, managers: [...new Set(owners.flatMap(({ manager }) => manager ?? []))] }]
  })
  return { revision: current.revision, drifts }
}
