/** Desired + live + inventory → Plan: what will be done to which object, and why. Reads and writes nothing. */
import { type Change, diff } from './diff.ts'
import { digestOf, objectDigest } from '../release/digest.ts'
import type { FieldCause } from '../errors.ts'
import { MANAGER } from '../release/identity.ts'
import type { Inventory, InventoryEntry } from '../cluster/inventory.ts'
import type { Live, LiveState } from '../cluster/live.ts'
import { type KubeObject, type ObjectRef, type RenderedObject, keyOf, nameOf, refOf } from '../release/objects.ts'
import { WAVES, type Wave, inOrder, waveOf } from '../release/order.ts'
import { maskSecret } from '../release/redact.ts'

interface Step {
  ref: ObjectRef
  /** Why this, in a few words. */
  reason: string
}

/** What happens to one object. `keep` leaves an object in place that is no longer wanted, because it holds data. */
export type Operation =
  | (Step & { action: 'create'; wave: Wave; source: string; changes: Change[] })
  | (Step & { action: 'update'; wave: Wave; source: string; changes: Change[] })
  | (Step & { action: 'replace'; wave: Wave; source: string; changes: Change[] })
  | (Step & { action: 'unchanged'; wave: Wave; source: string })
  | (Step & { action: 'prune'; wave: Wave })
  | (Step & { action: 'keep'; wave: Wave })

export type Action = Operation['action']

/** A reason not to start. */
export interface Problem {
  code: 'conflict' | 'foreign' | 'invalid' | 'forbidden'
  ref: ObjectRef
  source: string
  message: string
  fields: readonly FieldCause[]
  next: string
}

export interface Plan {
  operations: Operation[]
  problems: Problem[]
  /** Of the operations with the fields that they change: equal when executing would do the same to the same. */
  fingerprint: string
}

export interface PlanOptions {
  /** Delete volumes and the namespace too, when they are no longer wanted. */
  pruneData?: boolean
  /** Take over objects that somebody else made. */
  adopt?: boolean
}

/** They hold data that no manifest can bring back; with a definition go all objects of its kind. */
const HOLD_DATA = new Set(['PersistentVolumeClaim', 'PersistentVolume', 'Namespace', 'CustomResourceDefinition'])
/** Kinds that may be deleted and made again when a field cannot be changed: nothing is lost by it. */
const REPLACEABLE = new Set(['Job', 'ConfigMap', 'Secret', 'RoleBinding', 'ClusterRoleBinding'])

/**
 * Decides what to do with every object.
 * @param desired every object of the release
 */
export function buildPlan(desired: readonly RenderedObject[], live: Live, inventory: Inventory, options: PlanOptions = {}): Plan {
  const operations: Operation[] = []
  const problems: Problem[] = []
  const owned = new Map(inventory.objects.map((entry) => [keyOf(entry), entry]))
  for (const { object, source } of inOrder(desired)) {
    const key = keyOf(refOf(object))
    const step = decide(object, source, live.states.get(key) ?? {}, owned.get(key), options)
    if ('code' in step) problems.push(step)
    else operations.push(step)
  }
  const wanted = new Set(desired.map(({ object }) => keyOf(refOf(object))))
  const leftovers = inventory.objects.flatMap((entry) => {
    const found = live.states.get(keyOf(entry))?.live
    return wanted.has(keyOf(entry)) || found === undefined || !isOurs(found, entry.uid) ? [] : [found]
  })
  // In the opposite order of their application: what uses others goes first.
  leftovers.sort((a, b) => WAVES.indexOf(waveOf(b)) - WAVES.indexOf(waveOf(a)) || (keyOf(refOf(a)) < keyOf(refOf(b)) ? -1 : 1))
  for (const object of leftovers) {
    const step = { ref: refOf(object), wave: waveOf(object) }
    const held = HOLD_DATA.has(object.kind) && options.pruneData !== true
    if (object.metadata.deletionTimestamp !== undefined) operations.push({ ...step, action: 'keep', reason: `no longer in the manifests, and its deletion waits for finalizers: ${object.metadata.finalizers?.join(', ') ?? 'none'}` })
    else if (held) operations.push({ ...step, action: 'keep', reason: 'no longer in the manifests, but it holds data; --prune-data removes it' })
    else operations.push({ ...step, action: 'prune', reason: 'no longer in the manifests' })
  }
  return { operations, problems, fingerprint: fingerprint(operations) }
}

function decide(object: KubeObject, source: string, state: LiveState, entry: InventoryEntry | undefined, options: PlanOptions): Operation | Problem {
  const ref = refOf(object)
  const wave = waveOf(object)
  const { live, merged, refusal } = state
  const step = { ref, wave, source }
  if (live !== undefined && !isOurs(live, entry?.uid) && options.adopt !== true && object.kind !== 'Namespace') {
    return {
      code: 'foreign',
      ref,
      source,
      message: `${nameOf(ref)} exists already and was made by ${managersOf(live).join(', ') || 'somebody else'}`,
      fields: [],
      next: 'rename ours, delete theirs, or take it over with --adopt',
    }
  }
  if (refusal !== undefined) {
    if (refusal.code === 'invalid' && live !== undefined && isImmutable(refusal.fields, refusal.message) && REPLACEABLE.has(object.kind)) {
      return { ...step, action: 'replace', reason: `${refusal.fields[0]?.field ?? 'a field'} cannot be changed in place`, changes: wantedChanges(live, object) }
    }
    return problemOf(refusal, ref, source)
  }
  if (live === undefined) {
    // A finished Job that was cleaned away is not run again.
    if (object.kind === 'Job' && entry?.digest === objectDigest(object)) return { ...step, action: 'unchanged', reason: 'has run already' }
    return { ...step, action: 'create', reason: 'does not exist', changes: diff(undefined, maskSecret(object)) }
  }
  if (live.metadata.deletionTimestamp !== undefined) return { ...step, action: 'replace', reason: 'is being deleted', changes: [] }
  if (object.kind === 'Job' && hasFailed(live)) return { ...step, action: 'replace', reason: 'failed before', changes: [] }
  const changes = merged === undefined ? [] : diff(live, merged)
  if (changes.length === 0) return { ...step, action: 'unchanged', reason: 'as desired' }
  return { ...step, action: 'update', reason: `${changes.length} ${changes.length === 1 ? 'field differs' : 'fields differ'}`, changes }
}

/**
 * Made by this deployer: it owns fields of it, or it is the very object that the inventory knows. A name or a label is no proof:
 * whoever makes the object again may copy both.
 */
export function isOurs(live: KubeObject, uid: string | undefined): boolean {
  return managersOf(live).includes(MANAGER) || (uid !== undefined && uid === live.metadata.uid)
}

/** The field managers of an object, controllers of the cluster left out. */
export function managersOf(live: KubeObject): string[] {
  const managers = (live.metadata.managedFields ?? []).filter(({ subresource }) => subresource !== 'status').flatMap(({ manager }) => manager ?? [])
  return [...new Set(managers)]
}

function isImmutable(fields: readonly FieldCause[], message: string): boolean {
  return /immutable|cannot change roleRef/i.test(message) || fields.some((field) => /immutable/i.test(field.message))
}

function hasFailed(job: KubeObject): boolean {
  const { conditions = [] } = (job['status'] ?? {}) as { conditions?: { type: string; status: string }[] }
  return conditions.some(({ type, status }) => type === 'Failed' && status === 'True')
}

/** What a replacement changes, told by the fields that we write (the server's defaults are in the live object only). */
function wantedChanges(live: KubeObject, object: KubeObject): Change[] {
  return diff(live, object).filter((change) => 'after' in change)
}

function problemOf(refusal: NonNullable<LiveState['refusal']>, ref: ObjectRef, source: string): Problem {
  const problem = { ref, source, message: refusal.message, fields: refusal.fields }
  switch (refusal.code) {
    case 'conflict':
      return { ...problem, code: 'conflict', next: 'let the other manager give the fields up, leave them out of the manifests, or take them over with --force-conflicts' }
    case 'forbidden':
      return { ...problem, code: 'forbidden', next: refusal.next ?? 'grant the missing permission, or change the object so that admission accepts it' }
    case 'invalid':
    case 'unknown-kind':
      return { ...problem, code: 'invalid', next: refusal.next ?? `correct the field in ${source}` }
    default:
      throw refusal
  }
}

/** The namespace is made before a plan is carried out, so that its creation makes no difference. */
function fingerprint(operations: readonly Operation[]): string {
  const compared = operations.filter(({ action, ref }) => ref.kind !== 'Namespace' || (action !== 'create' && action !== 'unchanged'))
  return digestOf(compared.map(({ action, ref, ...rest }) => [action, keyOf(ref), 'changes' in rest ? rest.changes : []]))
}

/** How many operations of each kind, in the order of {@link Operation}. */
export function countActions(operations: readonly Operation[]): Record<Action, number> {
  const counts: Record<Action, number> = { create: 0, update: 0, replace: 0, unchanged: 0, prune: 0, keep: 0 }
  for (const { action } of operations) counts[action] += 1
  return counts
}

/** True when executing the plan writes something. */
export function hasChanges(operations: readonly Operation[]): boolean {
  return operations.some(({ action }) => action !== 'unchanged' && action !== 'keep')
}
