import { MANAGER } from '../release/identity.ts'
import type { KubeObject } from '../release/objects.ts'
import { type Assessment, doomed } from './assessment.ts'

/** An autoscaler may take the last pod away, through whichever of these its cluster runs it. */
const AUTOSCALERS = new Set(['kube-controller-manager', 'k3s', 'keda-operator'])

/**
 * A workload without pods is as desired only when we, or an autoscaler, asked for it. An autoscaler of the cluster does not wake it
 * again: it does not act on a target of 0.
 * @param object with 0 replicas
 * @returns `undefined` when nobody else is known to have done it
 */
export function scaledAway({ metadata }: KubeObject): Assessment | undefined {
  const owners = (metadata.managedFields ?? []).filter(({ fieldsV1 }) => hasReplicas(fieldsV1))
  if (owners.length === 0 || owners.some(({ manager = '' }) => manager === MANAGER || AUTOSCALERS.has(manager))) return undefined
  const who = owners.map(({ manager, time }) => `${manager ?? 'somebody'}${time === undefined ? '' : ` on ${time}`}`)
  return doomed('ScaledToZero', `was scaled to 0 replicas by ${who.join(', ')}: nothing runs`)
}

/** Who set the number of replicas last. */
export function replicaOwners({ metadata }: KubeObject): string[] {
  return (metadata.managedFields ?? []).filter(({ fieldsV1 }) => hasReplicas(fieldsV1)).flatMap(({ manager }) => manager ?? [])
}

function hasReplicas(fields: unknown): boolean {
  return (fields as { 'f:spec'?: Record<string, unknown> } | undefined)?.['f:spec']?.['f:replicas'] !== undefined
}
