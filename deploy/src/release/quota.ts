/** Whether the objects of a release fit into their own quota at the worst moment. Pure. */
import type { V1Deployment, V1ResourceQuota, V2HorizontalPodAutoscaler } from '@kubernetes/client-node'
import { quantityToScalar } from '@kubernetes/client-node/dist/util.js'
import { BadInput } from '../errors.ts'
import type { KubeObject, Wire } from './objects.ts'
import { podSpecs } from './secrets.ts'

type Spec<T extends { spec?: unknown }> = NonNullable<Wire<T>['spec']>

/** Pods that an object has at most: an autoscaler at its maximum, and the surge of a rollout. */
function mostPods(object: KubeObject, maxReplicas: ReadonlyMap<string, number>): number {
  const { replicas = 1, strategy } = (object['spec'] ?? {}) as Partial<Spec<V1Deployment>>
  if (object.kind !== 'Deployment') return replicas
  const pods = maxReplicas.get(object.metadata.name) ?? replicas
  const surge = strategy?.rollingUpdate?.maxSurge
  return pods + (typeof surge === 'number' ? surge : Math.ceil((pods * Number.parseInt(surge ?? '25', 10)) / 100))
}

/** In thousandths, so that sums are exact. */
function thousandths(quantity: string): number {
  return Math.round(Number(quantityToScalar(quantity)) * 1000)
}

/** What all pods at once ask for, by the names of a quota. */
function demand(objects: readonly KubeObject[]): Map<string, number> {
  const autoscalers = objects.filter(({ kind }) => kind === 'HorizontalPodAutoscaler').map((object) => object['spec'] as Spec<V2HorizontalPodAutoscaler>)
  const maxReplicas = new Map(autoscalers.map(({ scaleTargetRef, maxReplicas }) => [scaleTargetRef.name, maxReplicas]))
  const sums = new Map<string, number>()
  const add = (resource: string, amount: number): void => void sums.set(resource, (sums.get(resource) ?? 0) + amount)
  for (const object of objects) {
    for (const { containers } of podSpecs(object)) {
      const pods = mostPods(object, maxReplicas)
      add('pods', pods * 1000)
      for (const { resources = {} } of containers) {
        for (const side of ['requests', 'limits'] as const) {
          for (const [resource, quantity] of Object.entries(resources[side] ?? {})) add(`${side}.${resource}`, pods * thousandths(quantity))
        }
      }
    }
  }
  return sums
}

/** @throws BadInput when a quota is smaller than what the release may need */
export function checkQuota(objects: readonly KubeObject[]): void {
  const sums = demand(objects)
  for (const object of objects.filter(({ kind }) => kind === 'ResourceQuota')) {
    const { hard = {} } = (object['spec'] ?? {}) as Spec<V1ResourceQuota>
    const over = Object.entries(hard).filter(([resource, quantity]) => (sums.get(resource) ?? 0) > thousandths(quantity))
    if (over.length === 0) continue
    const lines = over.map(([resource, quantity]) => `${resource}: at most ${(sums.get(resource) ?? 0) / 1000} needed, the quota has ${quantity}`)
    throw new BadInput(`ResourceQuota ${object.metadata.name} has no room for the autoscalers at their maximum and a rollout:\n  ${lines.join('\n  ')}`, { next: 'lower the setting autoscaling.maxReplicas, or raise the quota in the overlay' })
  }
}
