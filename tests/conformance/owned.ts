/** What of a live object a release owns: what it asks for, without what others write into it. Pure. */
import type { KubeObject } from '../../deploy/src/release/objects.ts'

/** Annotations under these domains are book-keeping of the cluster's controllers, unless the release itself sets them. */
const BOOKKEEPING = /(^|\.)(kubernetes|k8s)\.io\//

interface Hpa {
  spec: { scaleTargetRef: { kind: string; name: string } }
}

/** @returns `Kind/name` of everything whose replicas an autoscaler of the release decides */
export function autoscaled(release: readonly KubeObject[]): Set<string> {
  const autoscalers = release.filter(({ kind }) => kind === 'HorizontalPodAutoscaler') as unknown as Hpa[]
  return new Set(autoscalers.map(({ spec: { scaleTargetRef } }) => `${scaleTargetRef.kind}/${scaleTargetRef.name}`))
}

/**
 * The object as one text that differs when, and only when, somebody changed what the release owns.
 * Left out: the status; replicas that an autoscaler decides; versions that count changes of any field by anybody; annotations of
 * controllers. The uid stays: an object that was deleted and made again is not as it was.
 * @param live as the server gives it; `undefined` when it is not there
 * @param rendered the same object as the release asks for it
 * @param scaled what `autoscaled` gives for the release
 */
export function owned(live: KubeObject | undefined, rendered: KubeObject, scaled: ReadonlySet<string>): string {
  if (live === undefined) return 'absent'
  const { status: _status, metadata, ...rest } = live
  const { uid, labels, annotations } = metadata
  const kept = Object.entries(annotations ?? {}).filter(([key]) => !BOOKKEEPING.test(key) || rendered.metadata.annotations?.[key] !== undefined)
  return JSON.stringify({ ...rest, ...withoutReplicas(rest, live, scaled), metadata: { uid, labels: sorted(labels), annotations: sorted(Object.fromEntries(kept)) } })
}

function withoutReplicas(rest: Record<string, unknown>, { kind, metadata }: KubeObject, scaled: ReadonlySet<string>): object {
  if (!scaled.has(`${kind}/${metadata.name}`)) return {}
  const { replicas: _replicas, ...spec } = rest['spec'] as Record<string, unknown>
  return { spec }
}

const sorted = (map: Record<string, string> = {}): [string, string][] => Object.entries(map).sort(([a], [b]) => a.localeCompare(b))
