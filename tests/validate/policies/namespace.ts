/** The namespace: Pod Security, labels, quota, limits. */
import type { V1Deployment, V1ResourceQuota, V2HorizontalPodAutoscaler } from '@kubernetes/client-node'
import { type KubeObject, type Wire, isNamespaced } from '../../../deploy/src/release/objects.ts'
import { type PodTemplate, type Policy, containersOf, each, eachContainer, ofKind, podTemplates, title } from './_policy.ts'
import { amount } from './_quantity.ts'

const MODES = ['enforce', 'audit', 'warn'] as const
const LABEL_VALUES: Record<string, RegExp> = {
  'app.kubernetes.io/part-of': /^todo-chat$/,
  'app.kubernetes.io/managed-by': /^todo-chat-deploy$/,
  'app.kubernetes.io/version': /^\d+\.\d+\.\d+$/,
}
/** Objects of the namespace itself, which belong to no tier. */
const WITHOUT_TIER = new Set(['Namespace', 'ResourceQuota', 'LimitRange', 'NetworkPolicy default-deny'])
const BOUNDED = ['pods', 'requests.cpu', 'limits.cpu', 'requests.memory', 'limits.memory', 'requests.ephemeral-storage', 'limits.ephemeral-storage', 'persistentvolumeclaims', 'requests.storage']

/** The client library's model calls `default` by another name. */
interface LimitRange {
  spec: { limits: ({ type: string } & Partial<Record<'default' | 'defaultRequest' | 'max', Record<string, string>>>)[] }
}
type Spec<T extends { spec?: unknown }> = { spec: NonNullable<Wire<T>['spec']> }

/** Most pods that a controller can have at once, a rolling update included. */
function mostPods(pod: PodTemplate, objects: readonly KubeObject[]): number {
  if (pod.kind !== 'Deployment') return 1
  const hpa = ofKind<Spec<V2HorizontalPodAutoscaler>>(objects, 'HorizontalPodAutoscaler').find(({ spec }) => spec.scaleTargetRef.name === pod.name)
  const deployment = ofKind<Spec<V1Deployment>>(objects, 'Deployment').find(({ metadata }) => metadata.name === pod.name)
  return (hpa?.spec.maxReplicas ?? 1) + Number(deployment?.spec.strategy?.rollingUpdate?.maxSurge ?? 1)
}

/** What `quota` bounds, added up for every pod at once. */
function demand(objects: readonly KubeObject[]): Map<string, number> {
  const sums = new Map<string, number>()
  const add = (resource: string, value: number): void => void sums.set(resource, (sums.get(resource) ?? 0) + value)
  for (const pod of podTemplates(objects)) {
    const pods = mostPods(pod, objects)
    add('pods', pods)
    for (const { resources } of containersOf(pod.spec)) {
      for (const [resource, quantity] of Object.entries(resources?.requests ?? {})) add(`requests.${resource}`, pods * amount(quantity))
      for (const [resource, quantity] of Object.entries(resources?.limits ?? {})) add(`limits.${resource}`, pods * amount(quantity))
    }
  }
  return sums
}

export const namespacePolicies: Policy[] = [
  {
    id: 'namespace/pod-security',
    must: 'The Namespace MUST enforce, audit and warn by the Pod Security Standard restricted, each at a pinned version',
    check: (objects) =>
      each(ofKind(objects, 'Namespace'), title, ({ metadata: { labels = {} } }) =>
        MODES.flatMap((mode) => [
          labels[`pod-security.kubernetes.io/${mode}`] !== 'restricted' && `${mode} is not restricted`,
          !/^v1\.\d+$/.test(labels[`pod-security.kubernetes.io/${mode}-version`] ?? '') && `${mode}-version is not pinned`,
        ]),
      ),
  },
  {
    id: 'namespace/one',
    must: 'Every object MUST be in the namespace of its environment, and none outside any namespace but the Namespace itself',
    check: (objects, { namespace }) =>
      each(objects, title, ({ kind, metadata }) => [
        isNamespaced(kind) ? metadata.namespace !== namespace && `namespace is ${metadata.namespace ?? 'not set'}` : kind !== 'Namespace' && 'is cluster-wide',
        kind === 'Namespace' && metadata.name !== namespace && `expected ${namespace}`,
      ]),
  },
  {
    id: 'namespace/labels',
    must: 'Every object MUST carry the labels part-of, managed-by and version, those of a tier its name and component, and the Namespace its environment',
    check: (objects, { environment }) =>
      each(objects, title, (object) => {
        const { labels = {} } = object.metadata
        const tierless = WITHOUT_TIER.has(object.kind) || WITHOUT_TIER.has(title(object))
        return [
          ...Object.entries(LABEL_VALUES).map(([label, value]) => !value.test(labels[label] ?? '') && `label ${label} is ${labels[label] ?? 'not set'}`),
          object.kind === 'Namespace' && labels['todo-chat.io/environment'] !== environment && `label todo-chat.io/environment is ${labels['todo-chat.io/environment'] ?? 'not set'}`,
          ...['app.kubernetes.io/name', 'app.kubernetes.io/component'].map((label) => !tierless && labels[label] === undefined && `label ${label} is not set`),
        ]
      }),
  },
  {
    id: 'namespace/quota',
    must: 'A ResourceQuota MUST bound pods, CPU, memory, ephemeral storage and volumes, and allow neither node ports nor load balancers',
    check: (objects) =>
      each(ofKind<Spec<V1ResourceQuota>>(objects, 'ResourceQuota'), title, ({ spec: { hard = {} } }) => [
        ...BOUNDED.map((resource) => hard[resource] === undefined && `${resource} is not bounded`),
        ...['services.nodeports', 'services.loadbalancers'].map((resource) => hard[resource] !== '0' && `${resource} is ${hard[resource] ?? 'not bounded'}`),
      ]),
  },
  {
    id: 'namespace/quota-has-room',
    must: 'The ResourceQuota MUST leave room for every autoscaler at its maximum, the surge pods of every Deployment, a migration, a backup, and one pod more, at once',
    check: (objects) => {
      const sums = demand(objects)
      sums.set('pods', (sums.get('pods') ?? 0) + 1)
      return each(ofKind<Spec<V1ResourceQuota>>(objects, 'ResourceQuota'), title, ({ spec: { hard = {} } }) =>
        [...sums].map(([resource, sum]) => amount(hard[resource] ?? '0') < sum && `${resource} is ${hard[resource] ?? 'not set'}, needed ${sum}`),
      )
    },
  },
  {
    id: 'namespace/limit-range',
    must: 'A LimitRange MUST give containers default requests and limits and a maximum that none of ours exceeds',
    check: (objects) => {
      const ranges = ofKind<LimitRange>(objects, 'LimitRange').flatMap(({ spec }) => spec.limits.filter(({ type }) => type === 'Container'))
      const resources = ['cpu', 'memory', 'ephemeral-storage']
      const complete = each(ranges, () => 'LimitRange', (range) =>
        (['default', 'defaultRequest', 'max'] as const).flatMap((field) => resources.map((resource) => range[field]?.[resource] === undefined && `${field}.${resource} is not set`)),
      )
      const kept = eachContainer(podTemplates(objects), ({ resources: { limits = {} } = {} }) =>
        Object.entries(limits).map(([resource, quantity]) => ranges.some(({ max }) => amount(quantity) > amount(max?.[resource] ?? '0')) && `limit ${resource} ${quantity} is over the LimitRange`),
      )
      return { checked: ranges.length === 0 ? 0 : complete.checked + kept.checked, violations: [...complete.violations, ...kept.violations] }
    },
  },
]
