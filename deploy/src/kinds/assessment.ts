/** The one question asked of every kind, and what the answer may depend on. */
import type { CoreV1Event, V1Pod, V1ReplicaSet, V1StorageClass } from '@kubernetes/client-node'
import type { KubeObject, Wire } from '../release/objects.ts'
import { type Policy, STANDARD_POLICY } from '../release/policy.ts'

/**
 * Where an object stands. `current`: as desired and working. `progressing`: not yet, nothing is lost.
 * `doomed`: it will not get there without a change by a person.
 */
export type Assessment =
  | { state: 'current'; reason: string; message: string }
  | { state: 'progressing'; reason: string; message: string }
  | { state: 'doomed'; reason: string; message: string; pod?: string }

export type Pod = Wire<V1Pod>
export type ReplicaSet = Wire<V1ReplicaSet>
export type StorageClass = Wire<V1StorageClass>
/** An event of the core API; controllers fill either the `*Timestamp` pair or `eventTime` and `series`. */
export type KubeEvent = Wire<CoreV1Event>

/** The objects below the judged one. Lists may hold strangers: rules select by owner. */
export interface Children {
  replicaSets: readonly ReplicaSet[]
  pods: readonly Pod[]
  /** Absent when the user may not list them: they belong to the whole cluster. */
  storageClasses?: readonly StorageClass[]
}

/** Pods of a workload, told apart by the revision they belong to. */
export interface Counts {
  /** Pods that the workload asks for. */
  desired: number
  /** Pods of the new revision that exist. */
  updated: number
  /** Pods of the new revision that are ready. */
  ready: number
  /** Pods of older revisions that still exist, terminating ones included. */
  old: number
  /** Restarts of containers in pods of the new revision. */
  restarts: number
}

/** What a verdict depends on besides the cluster. */
export interface Judging {
  /** When this run wrote the object, by the server's clock, in ms since the epoch: what the cluster said before says nothing about it. 0 when it did not. */
  since: number
  policy: Policy
}

export const STANDARD_JUDGING: Judging = { since: 0, policy: STANDARD_POLICY }

export interface KindRule {
  /**
   * @param object the live object
   * @param children live objects that may belong to it
   * @param events events of the namespace, any order
   * @param now milliseconds since the epoch
   */
  assess(object: KubeObject, children: Children, events: readonly KubeEvent[], now: number, judging: Judging): Assessment
  /** How long the object may be progressing, in ms, read from the object where it says so. */
  timeoutMs(object: KubeObject): number
  /**
   * Present for kinds that own pods.
   * @param now see {@link assess}; pods that only a dead node keeps are left out of the old ones
   */
  counts?(object: KubeObject, children: Children, now: number, policy: Policy): Counts
  /** Pods of the revision that is being rolled out. Present for kinds that own pods. */
  newPods?(object: KubeObject, children: Children): Pod[]
}

export function current(message: string, reason = 'Current'): Assessment {
  return { state: 'current', reason, message }
}

export function progressing(reason: string, message: string): Assessment {
  return { state: 'progressing', reason, message }
}

export function doomed(reason: string, message: string, pod?: string): Assessment {
  return pod === undefined ? { state: 'doomed', reason, message } : { state: 'doomed', reason, message, pod }
}

/** The live objects in `items` that `owner` controls. */
export function ownedBy<Item extends { metadata?: { ownerReferences?: { uid: string }[] } }>(
  owner: { metadata?: { uid?: string } },
  items: readonly Item[],
): Item[] {
  const uid = owner.metadata?.uid
  return items.filter((item) => item.metadata?.ownerReferences?.some((reference) => reference.uid === uid))
}

/** When the event was first seen, in ms since the epoch. */
export function eventSince(event: KubeEvent): number {
  return Date.parse(event.firstTimestamp ?? event.eventTime ?? '') || eventTime(event)
}

/** When the event was last seen, in ms since the epoch. */
export function eventTime(event: KubeEvent): number {
  const text =
    event.series?.lastObservedTime ?? event.lastTimestamp ?? event.eventTime ?? event.metadata.creationTimestamp ?? ''
  return Date.parse(text) || 0
}

/** Events about the object with this uid, oldest first. */
export function eventsOf(uid: string | undefined, events: readonly KubeEvent[]): KubeEvent[] {
  if (uid === undefined) return []
  return events.filter((event) => event.involvedObject.uid === uid).sort((a, b) => eventTime(a) - eventTime(b))
}
