import type { V1PersistentVolumeClaim } from '@kubernetes/client-node'
import type { Wire } from '../release/objects.ts'
import { type KindRule, current, doomed, eventsOf, progressing } from './assessment.ts'

const TIMEOUT = 120_000

const DEFAULT_CLASS = 'storageclass.kubernetes.io/is-default-class'
/** The binding mode, and the reason of the event that tells of it. */
const WAITS = 'WaitForFirstConsumer'

/**
 * A claim that waits for its first consumer is as far as it can be before the pod exists, so its StorageClass is read first.
 * Where that may not be read, the event of the volume controller says the same, a moment later.
 * Source: https://kubernetes.io/docs/concepts/storage/storage-classes/#volume-binding-mode
 */
export const persistentVolumeClaimRule: KindRule = {
  assess(object, children, events) {
    const claim = object as unknown as Wire<V1PersistentVolumeClaim>
    const phase = claim.status?.phase
    if (phase === 'Bound') return current('bound', 'Bound')
    if (phase === 'Lost') return doomed('Lost', 'the volume behind the claim is gone')
    const event = eventsOf(claim.metadata?.uid, events).at(-1)
    if (event?.reason === WAITS) return current('waits for its first pod', WAITS)
    if (children.storageClasses === undefined) return progressing(event?.reason ?? 'Pending', event?.message ?? 'not bound yet')
    const name = claim.spec?.storageClassName
    const storageClass = children.storageClasses.find(({ metadata }) =>
      name === undefined ? metadata?.annotations?.[DEFAULT_CLASS] === 'true' : metadata?.name === name,
    )
    if (storageClass === undefined && name !== '') {
      return doomed('NoStorageClass', name === undefined ? 'the cluster has no default StorageClass' : `StorageClass ${name} does not exist`)
    }
    if (storageClass?.volumeBindingMode === WAITS) return current('waits for its first pod', WAITS)
    return progressing(event?.reason ?? 'Pending', event?.message ?? 'not bound yet')
  },
  timeoutMs: () => TIMEOUT,
}
