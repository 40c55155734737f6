/** What the suite does to a cluster beyond the deployer's interface: merge patches, evictions, and waiting for pods. */
import { ApiException, CoreV1Api, type KubeConfig, KubernetesObjectApi, PatchStrategy } from '@kubernetes/client-node'
import { poll, systemClock } from '../../deploy/src/_poll.ts'
import type { Cluster } from '../../deploy/src/cluster/client.ts'
import type { Pod } from '../../deploy/src/kinds/assessment.ts'
import { isReady, isTerminating, podName } from '../../deploy/src/kinds/pod.ts'
import type { KubeObject, ObjectRef } from '../../deploy/src/release/objects.ts'
import { Violation } from './requirement.ts'
import { PAUSES, TIMEOUTS } from './timeouts.ts'

/** Field manager of the suite's own changes. */
const MANAGER = 'todo-chat-conformance'

export type Json = { [key: string]: unknown }

export class Kube {
  readonly #core: CoreV1Api
  readonly #objects: KubernetesObjectApi

  constructor(config: KubeConfig) {
    this.#core = config.makeApiClient(CoreV1Api)
    this.#objects = config.makeApiClient(KubernetesObjectApi)
  }

  /** Merge patch (RFC 7386): `null` removes a field. */
  async patch({ apiVersion, kind, namespace, name }: ObjectRef, change: Json): Promise<void> {
    const metadata = { ...(change['metadata'] as Json | undefined), name, ...(namespace === undefined ? {} : { namespace }) }
    await this.#objects.patch({ ...change, apiVersion, kind, metadata }, undefined, undefined, MANAGER, undefined, PatchStrategy.MergePatch)
  }

  /** Asks for an eviction as `kubectl drain` does. @returns false when a disruption budget forbids it now */
  async evict(namespace: string, name: string): Promise<boolean> {
    try {
      await this.#core.createNamespacedPodEviction({ namespace, name, body: { metadata: { namespace, name } } })
      return true
    } catch (error) {
      if (error instanceof ApiException && error.code === 429) return false
      throw error
    }
  }

  /** Deletes a pod at once, without its grace: the process is killed. */
  async kill(namespace: string, name: string): Promise<void> {
    await this.#core.deleteNamespacedPod({ namespace, name, gracePeriodSeconds: 0 })
  }
}

/** Waits until `probe` gives a value. @throws Violation that says what was waited for, how long, and what was seen last */
export async function waitFor<Value>(what: string, timeoutMs: number, signal: AbortSignal, probe: () => Promise<Value | string>): Promise<Exclude<Value, string>> {
  let seen = 'nothing'
  const value = await poll(systemClock, { intervalMs: PAUSES.poll, timeoutMs, signal }, async () => {
    const answer = await probe()
    if (typeof answer !== 'string') return answer as Exclude<Value, string>
    seen = answer
    return undefined
  })
  if (value === undefined) throw new Violation(`waited ${timeoutMs / 1000} s for ${what}; last seen: ${seen}`)
  return value
}

export async function podsOf(cluster: Cluster, namespace: string, component?: string): Promise<Pod[]> {
  const pods = (await cluster.list({ apiVersion: 'v1', kind: 'Pod' }, namespace)) as unknown as Pod[]
  return component === undefined ? pods : pods.filter((pod) => pod.metadata?.labels?.['app.kubernetes.io/name'] === component && !isProbe(pod))
}

/** Label of the suite's own pods: they may carry a tier's labels, and never count as the tier's pods. */
export const PROBE_LABEL = 'todo-chat.conformance/probe'

export function isProbe(pod: Pod): boolean {
  return pod.metadata?.labels?.[PROBE_LABEL] !== undefined
}

/**
 * Pods of a tier that serve: ready and not on their way out. The oldest first: an autoscaler that goes back takes the youngest away, and
 * a question to the first pod must not meet its end.
 */
export async function serving(cluster: Cluster, namespace: string, component: string): Promise<Pod[]> {
  const pods = (await podsOf(cluster, namespace, component)).filter((pod) => isReady(pod) && !isTerminating(pod))
  return pods.sort((a, b) => born(a) - born(b))
}

const born = ({ metadata }: Pod): number => Date.parse(metadata?.creationTimestamp ?? '')

export interface DeploymentStatus {
  replicas: number
  updated: number
  available: number
  observed: boolean
}

export function deploymentStatus(deployment: KubeObject): DeploymentStatus {
  const { replicas = 0, updatedReplicas = 0, availableReplicas = 0, observedGeneration = 0 } = (deployment['status'] ?? {}) as Record<string, number | undefined>
  return { replicas, updated: updatedReplicas, available: availableReplicas, observed: observedGeneration >= (deployment.metadata.generation ?? 0) }
}

export const deploymentRef = (namespace: string, name: string): ObjectRef => ({ apiVersion: 'apps/v1', kind: 'Deployment', namespace, name })

/** Waits until a Deployment has exactly its wanted pods, all new and available, and no old one is left, not even terminating. */
export async function settled(cluster: Cluster, namespace: string, name: string, signal: AbortSignal, timeoutMs: number = TIMEOUTS.rollout): Promise<void> {
  await waitFor(`Deployment ${name} to settle`, timeoutMs, signal, async () => {
    const deployment = await cluster.get(deploymentRef(namespace, name))
    if (deployment === undefined) return 'no such Deployment'
    const wanted = ((deployment['spec'] as Json)['replicas'] as number | undefined) ?? 1
    const { replicas, updated, available, observed } = deploymentStatus(deployment)
    const pods = (await podsOf(cluster, namespace, name)).map(podName)
    const text = `wanted ${wanted}, pods ${replicas}, new ${updated}, available ${available}, in the namespace ${pods.length}`
    return observed && replicas === wanted && updated === wanted && available === wanted && pods.length === wanted ? true : text
  })
}
