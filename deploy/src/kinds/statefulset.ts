import type { V1StatefulSet } from '@kubernetes/client-node'
import type { KubeObject, Wire } from '../objects.ts'
import { type Children, type Counts, type KindRule, type Pod, current, ownedBy, progressing } from './assessment.ts'
import { assessPod, isReady, isTerminating, restartsOf } from './pod.ts'
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
  assess(object, children, events, now) {
    const set = object as unknown as StatefulSet
    const desired = set.spec?.replicas ?? 1
    const { status } = set
    const { fresh } = podsByAge(set, children)
    const verdicts = fresh.filter((pod) => !isTerminating(pod)).map((pod) => assessPod(pod, events, now))
    const fatal = verdicts.find(({ state }) => state === 'doomed')
    if (fatal) return fatal
    const waiting = verdicts.find(({ state }) => state === 'progressing')
    const tail = waiting === undefined ? '' : `; ${waiting.message}`

    if ((status?.replicas ?? 0) < desired) {
      const blocked = createFaultFromEvents(set, events, now)
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
  counts(object, children): Counts {
    const set = object as unknown as StatefulSet
    const { fresh, old } = podsByAge(set, children)
    return {
      desired: set.spec?.replicas ?? 1,
      updated: fresh.filter((pod) => !isTerminating(pod)).length,
      ready: fresh.filter((pod) => isReady(pod) && !isTerminating(pod)).length,
      old: old.length,
      restarts: fresh.reduce((sum, pod) => sum + restartsOf(pod), 0),
    }
  },
  newPods: (object: KubeObject, children) => podsByAge(object as unknown as StatefulSet, children).fresh,
}
