/** Fingerprints of objects, to tell whether two are the same without keeping either. */
import { createHash } from 'node:crypto'
import { comparable } from './diff.ts'
import type { KubeObject } from './objects.ts'

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

/** {@link digestOf} an object without what the server writes. */
export function objectDigest(object: KubeObject): string {
  return digestOf(comparable(object))
}
