import { type Assessment, type Judging, type KindRule, type KubeEvent, type ReplicaSet, current, doomed, eventSince, eventsOf, ownedBy, progressing } from './assessment.ts'
import { assessPods } from './pod.ts'
import { doomOf } from './doom.ts'

const TIMEOUT = 120_000

/**
 * What stops a ReplicaSet from making pods, by its ReplicaFailure condition.
 * @returns doomed or progressing, `undefined` when nothing stops it
 */
export function createFault(owner: Pick<ReplicaSet, 'metadata' | 'status'>, now: number, judging: Judging): Assessment | undefined {
  const condition = owner.status?.conditions?.find(({ type, status }) => type === 'ReplicaFailure' && status === 'True')
  if (condition === undefined) return undefined
  return judge(owner, condition.reason ?? '', condition.message ?? '', Date.parse(condition.lastTransitionTime ?? ''), now, judging)
}

/** The same for controllers without such a condition (StatefulSet, Job): the newest FailedCreate event, while pods are missing. */
export function createFaultFromEvents(owner: { metadata?: { name?: string; uid?: string } }, events: readonly KubeEvent[], now: number, judging: Judging): Assessment | undefined {
  const event = eventsOf(owner.metadata?.uid, events).reverse().find(({ reason }) => reason === 'FailedCreate')
  if (event === undefined) return undefined
  return judge(owner, 'FailedCreate', event.message ?? '', eventSince(event), now, judging)
}

function judge(
  owner: { metadata?: { name?: string } },
  reason: string,
  message: string,
  since: number,
  now: number,
  judging: Judging,
): Assessment {
  const text = `pods cannot be made: ${message}`
  const why = doomOf('create', reason, message, now - Math.max(since, judging.since), judging.policy)
  return why === undefined ? progressing(reason, text) : doomed(reason, `${text} (${why})`, owner.metadata?.name)
}

/** Source: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/replica-set-v1/#ReplicaSetStatus */
export const replicaSetRule: KindRule = {
  assess(object, children, events, now, judging) {
    const set = object as unknown as ReplicaSet
    const blocked = createFault(set, now, judging)
    if (blocked !== undefined) return blocked
    const { fatal } = assessPods(ownedBy(set, children.pods), set.spec?.replicas ?? 1, events, now, judging)
    if (fatal) return fatal
    const desired = set.spec?.replicas ?? 1
    const available = set.status?.availableReplicas ?? 0
    if (available < desired) return progressing('NotAvailable', `${available} of ${desired} pods are available`)
    return current(`${available} of ${desired} pods available`, 'Available')
  },
  timeoutMs: () => TIMEOUT,
  newPods: (object, children) => ownedBy(object, children.pods),
}
