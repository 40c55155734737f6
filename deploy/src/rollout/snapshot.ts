/** Live objects at one moment → a row of each. The rules stand in kinds/. */
import type { Cluster } from '../cluster/client.ts'
import { ClusterError } from '../errors.ts'
import { type Assessment, type Children, type KubeEvent, type Pod, eventTime, ownedBy } from '../kinds/assessment.ts'
import { assess, ruleOf } from '../kinds/index.ts'
import { type Kind, type KubeObject, type ObjectRef, keyOf, refOf } from '../release/objects.ts'
import { type Policy, STANDARD_POLICY } from '../release/policy.ts'
import type { WorkloadRow } from './progress.ts'

/** Kinds that are done when the API server has them. */
const AT_ONCE = new Set([
  'Namespace', 'ConfigMap', 'Secret', 'ServiceAccount', 'Role', 'RoleBinding', 'ClusterRole', 'ClusterRoleBinding', 'NetworkPolicy',
  'ResourceQuota', 'LimitRange', 'PodDisruptionBudget', 'PriorityClass', 'StorageClass', 'CronJob',
])

/** Everything below a namespace's workloads at one moment. */
export interface Snapshot {
  at: number
  children: Children
  events: readonly KubeEvent[]
  objects: ReadonlyMap<string, KubeObject>
}

/** Reads the objects of the given kinds with all that their rules may depend on. */
export async function readSnapshot(cluster: Cluster, namespace: string, kinds: readonly Kind[], at: number): Promise<Snapshot> {
  const list = (apiVersion: string, kind: string): Promise<KubeObject[]> => cluster.list({ apiVersion, kind }, namespace)
  const needsClasses = kinds.some(({ kind }) => kind === 'PersistentVolumeClaim')
  const [pods, replicaSets, events, storageClasses, ...lists] = await Promise.all([
    list('v1', 'Pod'),
    list('apps/v1', 'ReplicaSet'),
    list('v1', 'Event'),
    needsClasses ? cluster.list({ apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass' }).catch(unlessForbidden) : [],
    ...kinds.map(({ apiVersion, kind }) => list(apiVersion, kind)),
  ])
  const objects = new Map(lists.flat().map((object) => [keyOf(refOf(object)), object]))
  return {
    at,
    children: { pods, replicaSets, ...(storageClasses && { storageClasses }) } as unknown as Children,
    events: events as unknown as KubeEvent[],
    objects,
  }
}

/** A deployer with rights in its namespace only sees nothing of the whole cluster. */
function unlessForbidden(error: unknown): undefined {
  if (error instanceof ClusterError && error.code === 'forbidden') return undefined
  throw error
}

/** The distinct kinds of some objects. */
export function kindsOf(refs: readonly Kind[]): Kind[] {
  return [...new Map(refs.map(({ apiVersion, kind }) => [`${apiVersion}/${kind}`, { apiVersion, kind }])).values()]
}

/** True for kinds that need watching after they were written. */
export function isWatched(kind: string): boolean {
  return !AT_ONCE.has(kind)
}

/**
 * Judges one object in a snapshot.
 * @param since when and as which generation it was applied
 */
export function rowOf(snapshot: Snapshot, ref: ObjectRef, since: { at: number; generation: number; serverTime: number }, policy: Policy = STANDARD_POLICY): WorkloadRow {
  const object = snapshot.objects.get(keyOf(ref))
  const ageMs = snapshot.at - since.at
  if (object === undefined) return { ref, state: 'progressing', reason: 'Missing', message: 'does not exist', ageMs }
  const events = snapshot.events.filter((event) => eventTime(event) >= since.serverTime)
  const verdict: Assessment = assess(object, snapshot.children, events, snapshot.at, since.generation, { since: since.serverTime, policy })
  const rule = ruleOf(object)
  const counts = rule.counts?.(object, snapshot.children, snapshot.at, policy)
  const event = lastEvent(object, rule.newPods?.(object, snapshot.children) ?? [], snapshot)
  const { state, reason, message } = verdict
  return { ref, state, reason, message, ageMs, ...(counts && { counts }), ...(event === undefined ? {} : { lastEvent: event }) }
}

function lastEvent(object: KubeObject, pods: readonly Pod[], { events, children }: Snapshot): string | undefined {
  const uids = new Set([object.metadata.uid, ...pods.map(({ metadata }) => metadata?.uid), ...ownedBy(object, children.replicaSets).map(({ metadata }) => metadata?.uid)])
  const newest = events.filter(({ involvedObject }) => uids.has(involvedObject.uid)).reduce<KubeEvent | undefined>((best, event) => (best === undefined || eventTime(event) >= eventTime(best) ? event : best), undefined)
  return newest === undefined ? undefined : `${newest.reason}: ${newest.message}`
}
