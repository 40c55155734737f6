/** Two versions of an object → the paths that differ. Server-owned fields are dropped, Secret values masked. */
import { comparable } from '../release/digest.ts'
import type { KubeObject } from '../release/objects.ts'
import { MASKED_AFTER, MASKED_BEFORE, isSecret } from '../release/redact.ts'

/** One changed field. An absent side means that the field is added or removed. */
export interface Change {
  /** `spec.template.spec.containers[web].image`; list items by name where they have one. */
  path: string
  before?: unknown
  after?: unknown
}

/** The fields by which items of a list are told apart, in the order of preference. */
const ITEM_KEYS = ['name', 'containerPort', 'port', 'mountPath', 'key', 'topologyKey', 'ip'] as const

/**
 * Changed paths between two versions of an object, sorted by path.
 * @param before `undefined` for an object that does not exist yet: everything is added
 */
export function diff(before: KubeObject | undefined, after: KubeObject): Change[] {
  const changes: Change[] = []
  walk('', before === undefined ? undefined : comparable(before), comparable(after), changes)
  return isSecret(after) ? changes.map(maskChange) : changes
}

function maskChange(change: Change): Change {
  if (!/^(data|stringData)(\.|$)/.test(change.path)) return change
  const masked: Change = { path: change.path }
  if ('before' in change) masked.before = MASKED_BEFORE
  if ('after' in change) masked.after = MASKED_AFTER
  return masked
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function walk(path: string, before: unknown, after: unknown, changes: Change[]): void {
  const left = byKey(before)
  const right = byKey(after)
  const branches = (left !== undefined && (right !== undefined || after === undefined)) || (right !== undefined && before === undefined)
  if (!branches) {
    if (JSON.stringify(before) !== JSON.stringify(after)) changes.push(change(path, before, after))
    return
  }
  const entries = { ...left?.entries, ...right?.entries }
  const keys = Object.keys(entries).sort()
  if (keys.length === 0 && (before === undefined) !== (after === undefined)) changes.push(change(path, before, after))
  for (const key of keys) walk(join(path, key, (right ?? left)?.isList ?? false), left?.entries[key], right?.entries[key], changes)
}

function change(path: string, before: unknown, after: unknown): Change {
  return { path, ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) }
}

function join(path: string, key: string, isItem: boolean): string {
  if (isItem) return `${path}[${key}]`
  const name = /^[\w-]+$/.test(key) ? key : `"${key}"`
  return path === '' ? name : `${path}.${name}`
}

/** A record as it is, a list as a record by item key (by index when the items have none), `undefined` for a plain value. */
function byKey(value: unknown): { entries: Record<string, unknown>; isList: boolean } | undefined {
  if (isRecord(value)) return { entries: value, isList: false }
  if (!Array.isArray(value)) return undefined
  const items: unknown[] = value
  const field = ITEM_KEYS.find((key) => {
    const keys = items.map((item) => (isRecord(item) ? item[key] : undefined))
    return keys.every((key) => typeof key === 'string' || typeof key === 'number') && new Set(keys).size === keys.length
  })
  return {
    isList: true,
    entries: Object.fromEntries(items.map((item, index) => [field === undefined ? String(index) : String((item as Record<string, unknown>)[field]), item])),
  }
}
