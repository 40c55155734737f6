/** What of an object counts when two are compared, and its fingerprint, to tell whether they are the same without keeping either. */
import { createHash } from 'node:crypto'
import type { KubeObject } from './objects.ts'

const SERVER_METADATA = new Set(['managedFields', 'resourceVersion', 'uid', 'generation', 'creationTimestamp', 'selfLink', 'deletionTimestamp', 'deletionGracePeriodSeconds'])
const SERVER_ANNOTATIONS = new Set(['kubectl.kubernetes.io/last-applied-configuration', 'deployment.kubernetes.io/revision'])

/** JSON with sorted keys: equal values give equal text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, nested: unknown) =>
    typeof nested === 'object' && nested !== null && !Array.isArray(nested)
      ? Object.fromEntries(Object.entries(nested).sort(([a], [b]) => (a < b ? -1 : 1)))
      : nested,
  )
}

/** First 16 hex digits of the SHA-256 of a value's canonical JSON. */
export function digestOf(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex').slice(0, 16)
}

/** The object without what the server writes: what two versions are compared by. */
export function comparable(object: KubeObject): Record<string, unknown> {
  const { status: _status, metadata, ...rest } = object
  const kept: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(metadata)) {
    if (SERVER_METADATA.has(key)) continue
    if (key !== 'annotations') {
      kept[key] = value
      continue
    }
    const annotations = Object.entries(value as Record<string, string>).filter(([name]) => !SERVER_ANNOTATIONS.has(name))
    if (annotations.length > 0) kept[key] = Object.fromEntries(annotations)
  }
  return { ...rest, metadata: kept }
}

/** {@link digestOf} an object without what the server writes. */
export function objectDigest(object: KubeObject): string {
  return digestOf(comparable(object))
}
