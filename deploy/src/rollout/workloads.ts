/** How the objects of a release are right now, by the rules of their kinds. */
import type { Cluster } from '../cluster/client.ts'
import { type ForeignFields, foreignFields } from '../cluster/foreign.ts'
import { type Images, imagesOf } from '../release/images.ts'
import type { Assessment, Counts } from '../kinds/assessment.ts'
import { type ObjectRef, keyOf } from '../release/objects.ts'
import { isWatched, kindsOf, readSnapshot, rowOf } from './snapshot.ts'

export interface WorkloadStatus {
  ref: ObjectRef
  state: Assessment['state']
  reason: string
  message: string
  /** Since the object was made, in ms. */
  ageMs: number
  counts?: Counts
  images: Images
  /** Fields that others have added; absent when there are none. */
  foreign?: ForeignFields[]
}

/** One look at every object that has a state of its own; the others are left out, and so are Jobs that have run and were cleaned away. */
export async function readWorkloads(cluster: Cluster, namespace: string, owned: readonly ObjectRef[], now: number): Promise<WorkloadStatus[]> {
  const refs = owned.filter(({ kind }) => isWatched(kind))
  const snapshot = await readSnapshot(cluster, namespace, kindsOf(refs), now)
  return refs.flatMap((ref): WorkloadStatus[] => {
    const object = snapshot.objects.get(keyOf(ref))
    if (object === undefined && ref.kind === 'Job') return []
    const at = Date.parse(object?.metadata.creationTimestamp ?? '') || now
    const { state, reason, message, counts } = rowOf(snapshot, ref, { at, generation: 0, serverTime: 0 })
    const foreign = object === undefined ? [] : foreignFields(object)
    return [{ ref, state, reason, message, ageMs: now - at, images: object === undefined ? {} : imagesOf([object]), ...(counts && { counts }), ...(foreign.length > 0 && { foreign }) }]
  })
}
