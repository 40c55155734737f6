/** What this release owns, kept as one ConfigMap in its namespace. What to remove because of it is decided in plan.ts. */
import type { Cluster } from './cluster.ts'
import { objectDigest } from './digest.ts'
import { DeployError, LockLost } from './errors.ts'
import { STATE_LABELS } from './identity.ts'
import { type KubeObject, type ObjectRef, keyOf, refOf } from './objects.ts'
import { maskSecret } from './redact.ts'

const NAME = 'todo-chat-inventory'
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
  return { apiVersion: 'v1', kind: 'ConfigMap', namespace, name: NAME }
}

/**
 * Reads the inventory; an empty one before the first release.
 * @throws DeployError when a newer deployer wrote it in a format that this one does not know
 */
export async function readInventory(cluster: Cluster, namespace: string): Promise<Inventory> {
  const map = await cluster.get(mapRef(namespace))
  return map === undefined ? EMPTY_INVENTORY : parse(map)
}

function parse(map: KubeObject): Inventory {
  const { format, ...inventory } = JSON.parse((map['data'] as Record<string, string>)[KEY] ?? '{}') as Inventory & { format?: number }
  if (format !== FORMAT) throw new DeployError(`ConfigMap ${NAME} has format ${format ?? 'none'}, this deployer knows ${FORMAT}`, { object: refOf(map), next: 'use the deployer that wrote it' })
  return inventory
}

/**
 * Writes the inventory by compare-and-swap.
 * @throws LockLost when a later holder of the lock has written it
 */
export async function writeInventory(cluster: Cluster, namespace: string, inventory: Inventory): Promise<void> {
  const stored = await cluster.get(mapRef(namespace))
  if (stored !== undefined && parse(stored).fence > inventory.fence) {
    throw new LockLost('another deployer has taken over this release', { object: mapRef(namespace), next: 'see its run with `history`' })
  }
  const { apiVersion, kind } = mapRef(namespace)
  const map: KubeObject = {
    apiVersion,
    kind,
    metadata: { name: NAME, namespace, labels: { ...STATE_LABELS } },
    data: { [KEY]: JSON.stringify({ format: FORMAT, ...inventory }) },
  }
  if (stored === undefined) await cluster.create(map)
  else await cluster.replace({ ...map, metadata: { ...map.metadata, resourceVersion: stored.metadata.resourceVersion ?? '' } })
}
