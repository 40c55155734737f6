/** Rollout, scaling, disruption, jobs. */
import type { V1CronJob, V1Deployment, V1Job, V1PodDisruptionBudget, V1StatefulSet, V2HorizontalPodAutoscaler } from '@kubernetes/client-node'
import type { Wire } from '../../../deploy/src/release/objects.ts'
import { type Policy, all, each, eachPod, ofKind, sameSet, selects, servers, title } from './_policy.ts'

type Spec<T extends { spec?: unknown }> = { spec: NonNullable<Wire<T>['spec']> }
const TIERS = ['agent', 'backend', 'frontend', 'mcp']

export const rolloutPolicies: Policy[] = [
  {
    id: 'rollout/tiers',
    must: 'The four tiers MUST each be a Deployment',
    check: (objects) => {
      const deployments = ofKind(objects, 'Deployment').map(({ metadata }) => metadata.name)
      return { checked: deployments.length, violations: sameSet(deployments, TIERS) }
    },
  },
  {
    id: 'rollout/no-gap',
    must: 'A rolling update MUST never take a pod away before its successor has been ready for some seconds, and MUST have a deadline of at most 120 s',
    check: (objects) =>
      each(ofKind<Spec<V1Deployment>>(objects, 'Deployment'), title, ({ spec }) => [
        spec.strategy?.type !== 'RollingUpdate' && `strategy is ${spec.strategy?.type ?? 'not set'}`,
        spec.strategy?.rollingUpdate?.maxUnavailable !== 0 && `maxUnavailable is ${spec.strategy?.rollingUpdate?.maxUnavailable ?? 'not set'}`,
        Number(spec.strategy?.rollingUpdate?.maxSurge ?? 0) < 1 && 'maxSurge is under 1',
        (spec.minReadySeconds ?? 0) < 2 && `minReadySeconds is ${spec.minReadySeconds ?? 0}`,
        (spec.progressDeadlineSeconds ?? 600) > 120 && `progressDeadlineSeconds is ${spec.progressDeadlineSeconds ?? 600}`,
        !(spec.revisionHistoryLimit !== undefined && spec.revisionHistoryLimit >= 2 && spec.revisionHistoryLimit <= 10) && `revisionHistoryLimit is ${spec.revisionHistoryLimit ?? 'not set'}`,
      ]),
  },
  {
    id: 'rollout/autoscaled',
    must: 'Every Deployment MUST have one HorizontalPodAutoscaler with 2 ≤ minReplicas ≤ maxReplicas and a stabilised scale-down',
    check: (objects) => {
      const autoscalers = ofKind<Spec<V2HorizontalPodAutoscaler>>(objects, 'HorizontalPodAutoscaler')
      const targets = each(ofKind(objects, 'Deployment'), title, ({ metadata }) => {
        const count = autoscalers.filter(({ spec: { scaleTargetRef: ref } }) => ref.kind === 'Deployment' && ref.name === metadata.name).length
        return [count !== 1 && `${count} HorizontalPodAutoscalers`]
      })
      const bounds = each(autoscalers, title, ({ spec: { minReplicas = 1, maxReplicas, metrics = [], behavior } }) => [
        minReplicas < 2 && `minReplicas is ${minReplicas}`,
        maxReplicas < minReplicas && `maxReplicas ${maxReplicas} is under minReplicas ${minReplicas}`,
        metrics.length === 0 && 'has no metric',
        !((behavior?.scaleDown?.stabilizationWindowSeconds ?? 0) >= 30) && 'scales down without stabilisation',
      ])
      return all(targets, bounds)
    },
  },
  {
    id: 'rollout/no-replicas-under-autoscaler',
    must: 'No workload that an autoscaler scales MUST say how many replicas it has',
    check: (objects) => {
      const scaled = new Set(ofKind<Spec<V2HorizontalPodAutoscaler>>(objects, 'HorizontalPodAutoscaler').map(({ spec: { scaleTargetRef: ref } }) => `${ref.kind} ${ref.name}`))
      return each(ofKind<Spec<V1Deployment>>(objects, 'Deployment').filter((object) => scaled.has(title(object))), title, ({ spec }) => [spec.replicas !== undefined && `replicas is ${spec.replicas}`])
    },
  },
  {
    id: 'rollout/disruption-budget',
    must: 'Exactly one PodDisruptionBudget MUST select the pods of each serving workload, and MUST let a node be drained one pod at a time',
    check: (objects) => {
      const budgets = ofKind<Spec<V1PodDisruptionBudget>>(objects, 'PodDisruptionBudget')
      return eachPod(servers(objects), ({ labels }) => {
        const matching = budgets.filter(({ spec }) => spec.selector !== undefined && selects(spec.selector.matchLabels, labels))
        return [
          matching.length !== 1 && `${matching.length} PodDisruptionBudgets`,
          ...matching.flatMap(({ spec }) => [spec.maxUnavailable !== 1 && `maxUnavailable is ${spec.maxUnavailable ?? 'not set'}`, spec.minAvailable !== undefined && 'minAvailable is set']),
        ]
      })
    },
  },
  {
    id: 'rollout/spread',
    must: 'Pods of one workload MUST prefer different hosts and spread over zones, by selectors that match those pods',
    check: (objects) =>
      eachPod(servers(objects), ({ labels, spec }) => {
        const terms = (spec.affinity?.podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(({ podAffinityTerm }) => podAffinityTerm)
        const spreads = spec.topologySpreadConstraints ?? []
        return [
          !terms.some((term) => term.topologyKey === 'kubernetes.io/hostname' && selects(term.labelSelector?.matchLabels, labels)) && 'no anti-affinity by host',
          !spreads.some((spread) => spread.topologyKey === 'topology.kubernetes.io/zone' && spread.labelSelector !== undefined && selects(spread.labelSelector.matchLabels, labels)) && 'no spread over zones',
        ]
      }),
  },
  {
    id: 'rollout/selectors',
    must: 'A workload’s selector MUST match its own pods and no other’s, and MUST NOT hold what changes with a release',
    check: (objects) => {
      const pods = servers(objects)
      const workloads = [...ofKind<Spec<V1Deployment>>(objects, 'Deployment'), ...ofKind<Spec<V1StatefulSet>>(objects, 'StatefulSet')]
      return each(workloads, title, (workload) => {
        const matched = pods.filter(({ labels }) => selects(workload.spec.selector.matchLabels, labels)).map(({ owner }) => owner)
        return [...sameSet(matched, [title(workload)]), 'app.kubernetes.io/version' in (workload.spec.selector.matchLabels ?? {}) && 'selects by version']
      })
    },
  },
  {
    id: 'rollout/jobs-end',
    must: 'Every Job MUST have a deadline and at most one retry; only its deployer removes it; a CronJob MUST NOT overlap itself',
    check: (objects) => {
      const jobs = ofKind<Spec<V1Job>>(objects, 'Job').map((object) => ({ where: title(object), spec: object.spec }))
      const cronJobs = ofKind<Spec<V1CronJob>>(objects, 'CronJob')
      const nested = cronJobs.map((object) => ({ where: title(object), spec: object.spec.jobTemplate.spec ?? { template: {} } }) as (typeof jobs)[number])
      const bounded = each([...jobs, ...nested], ({ where }) => where, ({ spec }) => [
        !((spec.activeDeadlineSeconds ?? Infinity) <= 600) && `activeDeadlineSeconds is ${spec.activeDeadlineSeconds ?? 'not set'}`,
        (spec.backoffLimit ?? 6) > 1 && `backoffLimit is ${spec.backoffLimit ?? 6}`,
        spec.ttlSecondsAfterFinished !== undefined && 'removes itself, so that applying again would change something',
        spec.template.spec?.restartPolicy !== 'Never' && `restartPolicy is ${spec.template.spec?.restartPolicy ?? 'not set'}`,
      ])
      const scheduled = each(cronJobs, title, ({ spec }) => [
        spec.concurrencyPolicy !== 'Forbid' && `concurrencyPolicy is ${spec.concurrencyPolicy ?? 'not set'}`,
        spec.startingDeadlineSeconds === undefined && 'no startingDeadlineSeconds',
        spec.timeZone === undefined && 'no timeZone',
      ])
      return all(bounded, scheduled)
    },
  },
]
