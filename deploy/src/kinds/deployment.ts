import type { V1Deployment } from '@kubernetes/client-node'
import type { KubeObject, Wire } from '../release/objects.ts'
import { type Children, type Counts, type KindRule, type Pod, type ReplicaSet, current, doomed, ownedBy, progressing } from './assessment.ts'
import { assessPods, isLost, isReady, isTerminating, restartsOf } from './pod.ts'
import { scaledAway } from './_replicas.ts'
import { createFault } from './replicaset.ts'

/** Kubernetes' own default of `progressDeadlineSeconds`. */
const DEFAULT_DEADLINE_S = 600
/** The controller reports the deadline itself; this much later the deployer stops waiting for that report. */
const MARGIN = 10_000

/** Every pod is of the new revision; not all of them have been ready for `minReadySeconds`. */
export const NOT_AVAILABLE = 'NotAvailable'

const REVISION = 'deployment.kubernetes.io/revision'

type Deployment = Wire<V1Deployment>

/** The ReplicaSet of the template that is rolled out now, or `undefined` before the controller made it. */
function newReplicaSet(deployment: Deployment, replicaSets: readonly ReplicaSet[]): ReplicaSet | undefined {
  const revision = deployment.metadata?.annotations?.[REVISION]
  if (revision === undefined) return undefined
  return ownedBy(deployment, replicaSets).find((set) => set.metadata?.annotations?.[REVISION] === revision)
}

function podsByAge(deployment: Deployment, children: Children): { fresh: Pod[]; old: Pod[] } {
  const set = newReplicaSet(deployment, children.replicaSets)
  const fresh = set === undefined ? [] : ownedBy(set, children.pods)
  const old = ownedBy(deployment, children.replicaSets).filter((other) => other !== set).flatMap((other) => ownedBy(other, children.pods))
  return { fresh, old }
}

/**
 * Current as soon as only new pods serve; old pods may still be ending (the settling phase waits for those).
 * Source: https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#deployment-status
 */
export const deploymentRule: KindRule = {
  assess(object, children, events, now, judging) {
    const deployment = object as unknown as Deployment
    const desired = deployment.spec?.replicas ?? 1
    const zero = desired === 0 ? scaledAway(object) : undefined
    if (zero !== undefined) return zero
    const { status = {} } = deployment
    const deadline = status.conditions?.find(({ type, reason, lastUpdateTime }) => type === 'Progressing' && reason === 'ProgressDeadlineExceeded' && isNews(lastUpdateTime, judging.since))
    const set = newReplicaSet(deployment, children.replicaSets)
    if (set === undefined && desired > 0) return progressing('NoReplicaSet', 'the ReplicaSet of the new revision does not exist yet')

    const blocked = set === undefined ? undefined : createFault(set, now, judging)
    if (blocked !== undefined) return blocked

    const { fresh } = podsByAge(deployment, children)
    const { fatal, waiting } = assessPods(fresh, desired, events, now, judging)
    if (fatal) return fatal
    if (deadline) {
      return doomed('ProgressDeadlineExceeded', `${deadline.message ?? 'not ready in time'}${waiting === undefined ? '' : `; ${waiting.message}`}`)
    }

    const updated = status.updatedReplicas ?? 0
    const available = status.availableReplicas ?? 0
    const total = status.replicas ?? 0
    if (updated < desired) return progressing('Updating', `${updated} of ${desired} new pods exist${tail(waiting)}`)
    if (available < desired) return progressing(NOT_AVAILABLE, `${available} of ${desired} pods are available${tail(waiting)}`)
    if (total > updated) return progressing('OldPods', `${total - updated} old pods are still there`)
    return current(desired === 0 ? 'scaled to zero' : `${available} of ${desired} pods available`, 'Available')
  },
  timeoutMs(object: KubeObject) {
    const { spec } = object as unknown as Deployment
    return (spec?.progressDeadlineSeconds ?? DEFAULT_DEADLINE_S) * 1000 + MARGIN
  },
  counts(object, children, now, policy): Counts {
    const deployment = object as unknown as Deployment
    const { fresh, old } = podsByAge(deployment, children)
    return {
      desired: deployment.spec?.replicas ?? 1,
      updated: fresh.filter((pod) => !isTerminating(pod)).length,
      ready: fresh.filter((pod) => isReady(pod) && !isTerminating(pod)).length,
      old: old.filter((pod) => !isLost(pod, now, policy)).length,
      restarts: fresh.reduce((sum, pod) => sum + restartsOf(pod), 0),
    }
  },
  newPods: (object, children) => podsByAge(object as unknown as Deployment, children).fresh,
}

/**
 * The controller keeps `ProgressDeadlineExceeded` of the rollout before, with a new `observedGeneration`, until a pod of the new one
 * gets on: one that is not younger than the write is left over. A deadline cannot pass within the second of the write.
 * Source: kubernetes/kubernetes pkg/controller/deployment/{progress,util/deployment_util}.go, DeploymentTimedOut
 */
function isNews(updated: string | undefined, since: number): boolean {
  return since === 0 || (Date.parse(updated ?? '') || since + 1) > since
}

function tail(waiting: { message: string } | undefined): string {
  return waiting === undefined ? '' : `; ${waiting.message}`
}
