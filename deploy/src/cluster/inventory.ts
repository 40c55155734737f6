/** What this release owns, kept as one ConfigMap in its namespace. What to remove because of it is decided in plan/plan.ts. */
import type { Cluster } from './client.ts'
import { objectDigest } from '../release/digest.ts'
import { DeployError, LockLost } from '../errors.ts'
import { readHistory, readNewestGood } from './history.ts'
import { INVENTORY, STATE_LABELS } from '../release/identity.ts'
import { type KubeObject, type ObjectRef, keyOf, refOf } from '../release/objects.ts'
import { maskSecret } from '../release/redact.ts'

const KEY = 'inventory.json'
const FORMAT = 1

export interface InventoryEntry extends ObjectRef {
  /** Of the object as it was applied; Secrets count without their values. */
  digest: string
  /** Of the very object that was applied; absent in inventories of older deployers, and until a release is in place. */
  uid?: string
}

export interface Inventory {
  /** The revision that wrote it; 0 before the first. */
  revision: number
  /** Fencing token of the lock under which it was written. */
  fence: number
  objects: InventoryEntry[]
  /** Set where the stored one cannot be read: what it was replaced with. */
  damaged?: string
}

export const EMPTY_INVENTORY: Inventory = { revision: 0, fence: 0, objects: [] }

/**
 * Entries of objects as they were applied, sorted by key.
 * @param uids of the objects that exist, by key
 */
export function entriesOf(objects: readonly KubeObject[], uids: ReadonlyMap<string, string> = new Map()): InventoryEntry[] {
  const entry = (object: KubeObject): InventoryEntry => {
    const uid = uids.get(keyOf(refOf(object)))
    return { ...refOf(object), digest: objectDigest(maskSecret(object)), ...(uid === undefined ? {} : { uid }) }
  }
  return objects.map(entry).sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
}

/** Both lists together, `newer` winning: what may exist while a release is under way. */
export function union(older: readonly InventoryEntry[], newer: readonly InventoryEntry[]): InventoryEntry[] {
  return [...new Map([...older, ...newer].map((entry) => [keyOf(entry), entry])).values()].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
}

function mapRef(namespace: string): ObjectRef {
  return { apiVersion: 'v1', kind: 'ConfigMap', namespace, name: INVENTORY }
}

/**
 * Reads the inventory; an empty one before the first release. One that cannot be read is made again from the newest good revision: what only
 * the lost one knew is not removed by anybody.
 * @throws DeployError when a newer deployer wrote it in a format that this one does not know
 */
export async function readInventory(cluster: Cluster, namespace: string): Promise<Inventory> {
  const map = await cluster.get(mapRef(namespace))
  if (map === undefined) return EMPTY_INVENTORY
  const stored = parse(map)
  if (stored !== undefined) return stored
  const good = await readNewestGood(cluster, namespace, await readHistory(cluster, namespace))
  const from = good === undefined ? 'no good revision is left to make it from' : `it was made again from revision ${good.revision}`
  const damaged = `ConfigMap ${INVENTORY} was damaged; ${from}, and nothing that it knew besides is removed`
  return { revision: good?.revision ?? 0, fence: 0, objects: good === undefined ? [] : entriesOf(good.objects.map(({ object }) => object)), damaged }
}

/** @returns undefined for a text that no deployer wrote */
function parse(map: KubeObject): Inventory | undefined {
  let stored: Partial<Inventory> & { format?: unknown }
  try {
    stored = JSON.parse((map['data'] as Record<string, string> | undefined)?.[KEY] ?? '') as typeof stored
  } catch {
    return undefined
  }
  const { format, ...inventory } = stored ?? {}
  if (typeof format === 'number' && format !== FORMAT) throw new DeployError(`ConfigMap ${INVENTORY} has format ${format}, this deployer knows ${FORMAT}`, { object: refOf(map), next: 'use the deployer that wrote it' })
  return format === FORMAT && Array.isArray(inventory.objects) && typeof inventory.fence === 'number' ? (inventory as Inventory) : undefined
}

/**
 * Writes the inventory by compare-and-swap.
 * @throws LockLost when a later holder of the lock has written it
 */
export async function writeInventory(cluster: Cluster, namespace: string, inventory: Omit<Inventory, 'damaged'>): Promise<void> {
  const stored = await cluster.get(mapRef(namespace))
  if (stored !== undefined && (parse(stored)?.fence ?? 0) > inventory.fence) {
    throw new LockLost('another deployer has taken over this release', { object: mapRef(namespace), next: 'see its run with `history`' })
  }
  const { apiVersion, kind } = mapRef(namespace)
  const map: KubeObject = {
    apiVersion,
    kind,
    metadata: { name: INVENTORY, namespace, labels: { ...STATE_LABELS } },
    data: { [KEY]: JSON.stringify({ format: FORMAT, ...inventory }) },
  }
  if (stored === undefined) await cluster.create(map)
  else await cluster.replace({ ...map, metadata: { ...map.metadata, resourceVersion: stored.metadata.resourceVersion ?? '' } })
}
