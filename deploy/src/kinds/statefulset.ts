import type { V1StatefulSet } from '@kubernetes/client-node'
import type { KubeObject, Wire } from '../release/objects.ts'
import type { Policy } from '../release/policy.ts'
import { type Children, type Counts, type KindRule, type KubeEvent, type Pod, current, ownedBy, progressing } from './assessment.ts'
import { assessPod, assessPods, isLost, isReady, isTerminating, restartsOf } from './pod.ts'
import { scaledAway } from './_replicas.ts'
import { createFaultFromEvents } from './replicaset.ts'

/** Pods start one after the other and may wait for a volume. */
const TIMEOUT = 300_000

const HASH = 'controller-revision-hash'

type StatefulSet = Wire<V1StatefulSet>

function podsByAge(set: StatefulSet, children: Children): { fresh: Pod[]; old: Pod[] } {
  const pods = ownedBy(set, children.pods)
  const revision = set.status?.updateRevision
  if (revision === undefined) return { fresh: [], old: pods }
  const isFresh = (pod: Pod): boolean => pod.metadata?.labels?.[HASH] === revision
  return { fresh: pods.filter(isFresh), old: pods.filter((pod) => !isFresh(pod)) }
}

/** Source: https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#rolling-updates */
export const statefulSetRule: KindRule = {
  assess(object, children, events, now, judging) {
    const set = object as unknown as StatefulSet
    const desired = set.spec?.replicas ?? 1
    const zero = desired === 0 ? scaledAway(object) : undefined
    if (zero !== undefined) return zero
    const { status } = set
    const { fresh } = podsByAge(set, children)
    const { fatal, waiting } = assessPods(fresh, desired, events, now, judging)
    if (fatal) return fatal
    const tail = waiting === undefined ? '' : `; ${waiting.message}`

    if ((status?.replicas ?? 0) < desired) {
      const blocked = createFaultFromEvents(set, events, now, judging)
      if (blocked !== undefined) return blocked
    }
    // With a partition only ordinals from there on are updated; with OnDelete none are.
    const partition = set.spec?.updateStrategy?.rollingUpdate?.partition ?? 0
    const toUpdate = set.spec?.updateStrategy?.type === 'OnDelete' ? 0 : Math.max(0, desired - partition)
    const updated = fresh.length
    if (updated < toUpdate) return progressing('Updating', `${updated} of ${toUpdate} pods have the new revision${tail}`)
    const available = status?.availableReplicas ?? 0
    if (available < desired) return progressing('NotAvailable', `${available} of ${desired} pods are available${tail}`)
    return current(desired === 0 ? 'scaled to zero' : `${available} of ${desired} pods available`, 'Available')
  },
  timeoutMs: () => TIMEOUT,
  counts(object, children, now, policy): Counts {
    const set = object as unknown as StatefulSet
    const { fresh, old } = podsByAge(set, children)
    return {
      desired: set.spec?.replicas ?? 1,
      updated: fresh.filter((pod) => !isTerminating(pod)).length,
      ready: fresh.filter((pod) => isReady(pod) && !isTerminating(pod)).length,
      old: old.filter((pod) => !isLost(pod, now, policy)).length,
      restarts: fresh.reduce((sum, pod) => sum + restartsOf(pod), 0),
    }
  },
  newPods: (object: KubeObject, children) => podsByAge(object as unknown as StatefulSet, children).fresh,
}

/**
 * Pods of an older revision that will not be ready and that the controller waits for all the same, one ordinal after the other, so
 * that the new template never gets its turn. Removing them is what the controller would do next.
 * Source: https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#forced-rollback
 */
export function stuckPods(object: KubeObject, children: Children, events: readonly KubeEvent[], now: number, policy: Policy): Pod[] {
  const set = object as unknown as StatefulSet
  const { spec, status, metadata } = set
  const ordered = (spec?.podManagementPolicy ?? 'OrderedReady') === 'OrderedReady' && spec?.updateStrategy?.type !== 'OnDelete'
  if (!ordered || (status?.observedGeneration ?? 0) < (metadata?.generation ?? 0)) return []
  const partition = spec?.updateStrategy?.rollingUpdate?.partition ?? 0
  return podsByAge(set, children).old.filter((pod) => {
    if (status?.updateRevision === undefined || isTerminating(pod) || isReady(pod) || ordinalOf(pod) < partition) return false
    return assessPod(pod, events, now, { since: 0, policy }).state === 'doomed' || now - notReadySince(pod) >= policy.stuckPod
  })
}

function ordinalOf(pod: Pod): number {
  return Number(/-(\d+)$/.exec(pod.metadata?.name ?? '')?.[1] ?? 0)
}

function notReadySince({ status, metadata }: Pod): number {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready')
  return Date.parse(ready?.lastTransitionTime ?? metadata?.creationTimestamp ?? '')
}
