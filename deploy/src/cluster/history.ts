/** The releases of a namespace: who did what, when, from what, with which result. Kept in the cluster, the newest ten. */
import { gunzipSync, gzipSync } from 'node:zlib'
import type { Cluster } from './client.ts'
import { digestOf } from '../release/digest.ts'
import { BadInput, DeployError } from '../errors.ts'
import { REVISION_PREFIX, STATE_KIND, STATE_LABELS } from '../release/identity.ts'
import type { Images } from '../release/images.ts'
import { type KubeObject, type ObjectRef, type RenderedObject } from '../release/objects.ts'
import { isSecret } from '../release/redact.ts'

const RECORD = 'record.json'
const OBJECTS = 'objects.json.gz'
/** The API server refuses objects over 1 MiB; base64 adds a third, and the record needs room. */
const MAX_BYTES = 700_000

/** Revisions that are kept, the running one and the last good one always among them. */
export const KEPT_REVISIONS = 10

export type Result =
  | 'running' // or its deployer was killed and nobody has looked since
  | 'succeeded'
  | 'rolled-back' // failed, and the last good revision is back and proven
  | 'failed' // failed and not rolled back, or the rollback failed too
  | 'interrupted' // its deployer died

export interface Revision {
  revision: number
  action: 'deploy' | 'rollback'
  startedAt: string
  finishedAt?: string
  result: Result
  /** Who ran the deployer, as far as it knows. */
  who: string
  /** The commit that was deployed, `-dirty` when the tree had other changes. */
  commit?: string
  images: Images
  /** One line: what was changed, or why it failed. */
  summary: string
  /** The revision whose objects a rollback brought back. */
  rollbackTo?: number
  /** Fencing token of the lock it ran under. */
  fence: number
  /** The Secret object that holds the values of this revision's Secrets. */
  values?: string
}

/** A revision and what it consists of. */
export interface StoredRevision extends Revision {
  objects: RenderedObject[]
}

function recordRef(namespace: string, revision: number): ObjectRef {
  return { apiVersion: 'v1', kind: 'ConfigMap', namespace, name: REVISION_PREFIX + revision }
}

function metadata(name: string, namespace: string): KubeObject['metadata'] {
  return { name, namespace, labels: { ...STATE_LABELS, [STATE_KIND]: 'revision' } }
}

/** `undefined` for a record that cannot be read: it stops nothing, and its number is not used again. */
function recordOf(map: KubeObject): Revision | undefined {
  try {
    const record = JSON.parse(((map['data'] ?? {}) as Record<string, string>)[RECORD] ?? '') as Partial<Revision> | null
    return typeof record?.revision === 'number' ? (record as Revision) : undefined
  } catch {
    return undefined
  }
}

function isRevision(object: KubeObject): boolean {
  return object.metadata.labels?.[STATE_KIND] === 'revision' && object.metadata.name.startsWith(REVISION_PREFIX)
}

/** All kept revisions that can be read, the newest first. */
export async function readHistory(cluster: Cluster, namespace: string): Promise<Revision[]> {
  const maps = await cluster.list({ apiVersion: 'v1', kind: 'ConfigMap' }, namespace)
  return maps.filter(isRevision).flatMap((map) => recordOf(map) ?? []).sort((a, b) => b.revision - a.revision)
}

/** The number that the next revision gets: over every trace of an earlier one, whole or not. */
export async function nextRevision(cluster: Cluster, namespace: string): Promise<number> {
  const [maps, secrets] = await Promise.all([cluster.list({ apiVersion: 'v1', kind: 'ConfigMap' }, namespace), cluster.list({ apiVersion: 'v1', kind: 'Secret' }, namespace)])
  const numbers = [...maps, ...secrets].filter(isRevision).map(({ metadata }) => Number(metadata.name.slice(REVISION_PREFIX.length)) || 0)
  return Math.max(0, ...numbers) + 1
}

/** The images of each kept release that succeeded. */
export async function verifiedImages(cluster: Cluster, namespace: string): Promise<Images[]> {
  return (await readHistory(cluster, namespace)).filter(({ result }) => result === 'succeeded').map(({ images }) => images)
}

/** The newest revision that succeeded: what runs, or should. */
export function currentRevision(history: readonly Revision[]): Revision | undefined {
  return history.find(({ result }) => result === 'succeeded')
}

/**
 * A revision with its objects, Secrets included.
 * @throws BadInput when it is not kept: names those that are
 */
export async function readRevision(cluster: Cluster, namespace: string, revision: number): Promise<StoredRevision> {
  const map = await cluster.get(recordRef(namespace, revision))
  if (map === undefined) {
    const kept = (await readHistory(cluster, namespace)).map((entry) => entry.revision)
    throw new BadInput(`there is no revision ${revision} in namespace ${namespace}`, { next: kept.length > 0 ? `choose one of ${kept.join(', ')}` : 'nothing was deployed here yet' })
  }
  const record = recordOf(map)
  if (record === undefined) throw damaged(`record ${map.metadata.name}`, revision)
  const objects = unpack((map['binaryData'] as Record<string, string> | undefined)?.[OBJECTS], `ConfigMap ${map.metadata.name}`, revision)
  return { ...record, objects: [...objects, ...(await readValues(cluster, namespace, record))] }
}

/**
 * The newest revision that succeeded and can be read whole, with its objects.
 * @returns `undefined` when there is none
 */
export async function readNewestGood(cluster: Cluster, namespace: string, history: readonly Revision[]): Promise<StoredRevision | undefined> {
  for (const { revision, result } of history) {
    if (result !== 'succeeded') continue
    try {
      return await readRevision(cluster, namespace, revision)
    } catch (error) {
      if (!(error instanceof DamagedRevision)) throw error
    }
  }
  return undefined
}

/** A kept revision whose objects or values cannot be read any more. */
export class DamagedRevision extends DeployError {
  override readonly name: string = 'DamagedRevision'
}

function damaged(what: string, revision: number, cause?: unknown): DamagedRevision {
  return new DamagedRevision(`revision ${revision} cannot be read: ${what} is damaged or gone`, { cause, next: 'choose another revision (history lists them), or deploy anew' })
}

function unpack(packed: string | undefined, where: string, revision: number): RenderedObject[] {
  try {
    return JSON.parse(gunzipSync(Buffer.from(packed ?? '', 'base64')).toString()) as RenderedObject[]
  } catch (cause) {
    throw damaged(where, revision, cause)
  }
}

async function readValues(cluster: Cluster, namespace: string, { values, revision }: Revision): Promise<RenderedObject[]> {
  if (values === undefined) return []
  const stored = await cluster.get({ apiVersion: 'v1', kind: 'Secret', namespace, name: values })
  if (stored === undefined) throw damaged(`Secret ${values}, which holds its secret values,`, revision)
  const packed = ((stored['data'] ?? {}) as Record<string, string>)[OBJECTS]
  return unpack(packed, `Secret ${values}`, revision)
}

/**
 * Stores a revision that is about to be carried out. Secret values go into a Secret that the record refers to; equal values of the
 * revision before are referred to again.
 * @throws BadInput when the objects are too large to keep
 */
export async function beginRevision(cluster: Cluster, namespace: string, record: Revision, objects: readonly RenderedObject[]): Promise<Revision> {
  const plain = pack(objects.filter(({ object }) => !isSecret(object)))
  const secrets = objects.filter(({ object }) => isSecret(object))
  const stored = secrets.length === 0 ? record : { ...record, values: await storeValues(cluster, namespace, record.revision, secrets) }
  await cluster.create({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: metadata(REVISION_PREFIX + record.revision, namespace),
    data: { [RECORD]: JSON.stringify(stored) },
    binaryData: { [OBJECTS]: plain },
  })
  return stored
}

function pack(objects: readonly RenderedObject[]): string {
  const packed = gzipSync(JSON.stringify(objects)).toString('base64')
  if (packed.length > MAX_BYTES) {
    throw new BadInput(`the objects of this release take ${Math.ceil(packed.length / 1000)} kB packed; the history holds ${MAX_BYTES / 1000} kB`, { next: 'move large ConfigMaps out of the release' })
  }
  return packed
}

async function storeValues(cluster: Cluster, namespace: string, revision: number, secrets: readonly RenderedObject[]): Promise<string> {
  const packed = pack(secrets)
  const digest = digestOf(secrets.map(({ object }) => object))
  const stored = (await cluster.list({ apiVersion: 'v1', kind: 'Secret' }, namespace)).filter(isRevision)
  const same = stored.find(({ data }) => Buffer.from(((data ?? {}) as Record<string, string>)['digest'] ?? '', 'base64').toString() === digest)
  if (same !== undefined) return same.metadata.name
  const name = REVISION_PREFIX + revision
  await cluster.create({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: metadata(name, namespace),
    type: 'Opaque',
    data: { [OBJECTS]: packed, digest: Buffer.from(digest).toString('base64') },
  })
  return name
}

/** Writes the end of a revision into its record. */
export async function finishRevision(cluster: Cluster, namespace: string, record: Revision): Promise<void> {
  const map = await cluster.get(recordRef(namespace, record.revision))
  if (map === undefined) return
  await cluster.replace({ ...map, data: { [RECORD]: JSON.stringify(record) } })
}

/** Marks revisions that still run by their record as interrupted. Called by the holder of the lock, so their deployers are dead. */
export async function closeInterrupted(cluster: Cluster, namespace: string, history: readonly Revision[], now: number): Promise<Revision[]> {
  const open = history.filter(({ result }) => result === 'running')
  for (const record of open) {
    await finishRevision(cluster, namespace, { ...record, result: 'interrupted', finishedAt: new Date(now).toISOString(), summary: `${record.summary}; the deployer was interrupted` })
  }
  return open
}

/** Removes revisions over the limit, and secret values to which no kept revision refers. */
export async function trimHistory(cluster: Cluster, namespace: string): Promise<void> {
  const history = await readHistory(cluster, namespace)
  const current = currentRevision(history)?.revision
  const previous = history.filter(({ result, revision }) => result === 'succeeded' && revision !== current)[0]?.revision
  const kept = history.filter(({ revision }, index) => index < KEPT_REVISIONS || revision === current || revision === previous)
  for (const { revision } of history) {
    if (!kept.some((entry) => entry.revision === revision)) await cluster.remove(recordRef(namespace, revision))
  }
  const referred = new Set(kept.flatMap(({ values }) => values ?? []))
  for (const secret of (await cluster.list({ apiVersion: 'v1', kind: 'Secret' }, namespace)).filter(isRevision)) {
    if (!referred.has(secret.metadata.name)) await cluster.remove({ apiVersion: 'v1', kind: 'Secret', namespace, name: secret.metadata.name })
  }
}
