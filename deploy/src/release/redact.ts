/** The only file that knows what is secret. */
import type { KubeObject } from './objects.ts'

const MASK = '***'

/** Text that is secret by its shape, wherever it stands. The first group, where there is one, is kept. */
const SHAPES: readonly RegExp[] = [
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?-----END [A-Z ]*PRIVATE KEY-----/g,
  /\beyJ[\w-]+\.[\w-]+\.[\w-]*/g,
  /(\bBearer\s+)[\w.~+/=-]+/gi,
  /(\bBasic\s+)[\w+/=]{8,}/g,
  /(\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@]*:)[^\s@/]+(?=@)/gi,
  /((?:password|passwd|secret|token|api[_-]?key|authorization)["']?\s*[:=]\s*["']?)[^\s"',;}]+/gi,
  /\bsk-[A-Za-z0-9_-]{16,}/g,
]

/** Values shorter than this are not looked for in text: they would match by chance. */
const SHORTEST = 8

/**
 * Masks secrets in log lines and messages: what has the shape of one, and the given values wherever they stand.
 * @param values known secret values; those under 8 characters are left to their shape
 */
export function redactText(text: string, values: Iterable<string> = []): string {
  let result = text
  for (const value of [...values].sort((a, b) => b.length - a.length)) {
    if (value.length >= SHORTEST) result = result.replaceAll(value, MASK)
  }
  for (const shape of SHAPES) {
    result = result.replace(shape, (_match: string, kept: unknown) => (typeof kept === 'string' ? kept + MASK : MASK))
  }
  return result
}

/** True for objects whose data must never leave the cluster or the secrets directory. */
export function isSecret(object: { kind: string }): boolean {
  return object.kind === 'Secret'
}

/**
 * The object with every Secret value masked; other objects are returned as they are.
 * Equal values give equal masks only within the object, so that a diff shows *that* a key changed and never how.
 */
export function maskSecret(object: KubeObject): KubeObject {
  if (!isSecret(object)) return object
  const masked: KubeObject = { ...object }
  for (const field of ['data', 'stringData'] as const) {
    const data = object[field]
    if (typeof data === 'object' && data !== null) {
      masked[field] = Object.fromEntries(Object.keys(data).map((key) => [key, MASK]))
    }
  }
  return masked
}

/** The two sides of a changed Secret value, neither of them readable. */
export const MASKED_BEFORE = `${MASK} (before)`
export const MASKED_AFTER = `${MASK} (after)`
