/** From an object to the rule that judges it. Order of authority: deletion, generation, the rule of the kind, standard conditions. */
import { type KubeObject, groupOf } from '../release/objects.ts'
import { type Assessment, type Children, type Judging, type KindRule, type KubeEvent, STANDARD_JUDGING, progressing } from './assessment.ts'
import { deploymentRule } from './deployment.ts'
import { genericRule } from './generic.ts'
import { horizontalPodAutoscalerRule } from './horizontalpodautoscaler.ts'
import { ingressRule } from './ingress.ts'
import { jobRule } from './job.ts'
import { persistentVolumeClaimRule } from './persistentvolumeclaim.ts'
import { podRule } from './pod.ts'
import { replicaSetRule } from './replicaset.ts'
import { serviceRule } from './service.ts'
import { statefulSetRule } from './statefulset.ts'

const RULES = {
  'apps/Deployment': deploymentRule,
  'apps/ReplicaSet': replicaSetRule,
  'apps/StatefulSet': statefulSetRule,
  'autoscaling/HorizontalPodAutoscaler': horizontalPodAutoscalerRule,
  'batch/Job': jobRule,
  'networking.k8s.io/Ingress': ingressRule,
  '/PersistentVolumeClaim': persistentVolumeClaimRule,
  '/Pod': podRule,
  '/Service': serviceRule,
} satisfies Record<string, KindRule>

/** The rule of a kind; {@link genericRule} for kinds without one. */
export function ruleOf(object: { apiVersion: string; kind: string }): KindRule {
  const rules: Record<string, KindRule> = RULES
  return rules[`${groupOf(object.apiVersion)}/${object.kind}`] ?? genericRule
}

/**
 * Judges a live object.
 * @param appliedGeneration the generation that the apply request answered with; an older object is a stale answer
 */
export function assess(
  object: KubeObject,
  children: Children,
  events: readonly KubeEvent[],
  now: number,
  appliedGeneration = 0,
  judging: Judging = STANDARD_JUDGING,
): Assessment {
  const { deletionTimestamp, generation = 0 } = object.metadata
  if (deletionTimestamp !== undefined) return progressing('Terminating', 'is being deleted')
  const { observedGeneration } = (object['status'] ?? {}) as { observedGeneration?: number }
  if (generation < appliedGeneration) return progressing('Stale', 'the change is not visible yet')
  if (observedGeneration !== undefined && observedGeneration < generation) {
    return progressing('NotObserved', 'the controller has not seen the change yet')
  }
  return ruleOf(object).assess(object, children, events, now, judging)
}
