/**
 * The shape of Kubernetes objects inside the deployer: plain JSON, as the API server sends it
 * (timestamps are RFC 3339 strings), never the client library's model classes.
 */
import { parseAllDocuments } from 'yaml'
import { BadInput } from '../errors.ts'

/** The library's typed models with every `Date` as the string that is on the wire. */
export type Wire<T> = T extends Date
  ? string
  : T extends (infer Item)[]
    ? Wire<Item>[]
    : T extends object
      ? { [Key in keyof T]: Wire<T[Key]> }
      : T

export interface ObjectMeta {
  name: string
  namespace?: string
  uid?: string
  resourceVersion?: string
  generation?: number
  creationTimestamp?: string
  deletionTimestamp?: string
  labels?: Record<string, string>
  annotations?: Record<string, string>
  ownerReferences?: { apiVersion: string; kind: string; name: string; uid: string; controller?: boolean }[]
  finalizers?: string[]
  managedFields?: ManagedFields[]
}

export interface ManagedFields {
  manager?: string
  operation?: string
  subresource?: string
  time?: string
  fieldsType?: string
  fieldsV1?: unknown
}

/** Any Kubernetes object. Kind files narrow it with {@link Wire} of the library's model. */
export interface KubeObject {
  apiVersion: string
  kind: string
  metadata: ObjectMeta
  [field: string]: unknown
}

export interface Kind {
  apiVersion: string
  kind: string
}

export interface ObjectRef extends Kind {
  namespace?: string
  name: string
}

/** An object as it should be, with the file that a person would edit to change it. */
export interface RenderedObject {
  object: KubeObject
  source: string
}

/** Kinds without a namespace that a release may hold. */
const CLUSTER_SCOPED = new Set([
  'Namespace',
  'PriorityClass',
  'StorageClass',
  'PersistentVolume',
  'ClusterRole',
  'ClusterRoleBinding',
  'CustomResourceDefinition',
  'IngressClass',
  'GatewayClass',
  'RuntimeClass',
  'VolumeSnapshotClass',
  'APIService',
  'CSIDriver',
  'MutatingWebhookConfiguration',
  'ValidatingWebhookConfiguration',
  'ValidatingAdmissionPolicy',
  'ValidatingAdmissionPolicyBinding',
  'MutatingAdmissionPolicy',
  'MutatingAdmissionPolicyBinding',
  'FlowSchema',
  'PriorityLevelConfiguration',
  'ClusterIssuer',
])

/** True when objects of this kind live in a namespace. */
export function isNamespaced(kind: string): boolean {
  return !CLUSTER_SCOPED.has(kind)
}

/** The API group of `apiVersion`, the empty string for the core group. */
export function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf('/')
  return slash < 0 ? '' : apiVersion.slice(0, slash)
}

/** The reference that names `object` in the API. */
export function refOf(object: KubeObject): ObjectRef {
  const { name, namespace } = object.metadata
  const { apiVersion, kind } = object
  return namespace === undefined ? { apiVersion, kind, name } : { apiVersion, kind, namespace, name }
}

/**
 * Identity of an object for maps and inventories: `group/Kind/namespace/name`.
 * The version is left out: the same object is served under several versions.
 */
export function keyOf(ref: ObjectRef): string {
  return [groupOf(ref.apiVersion), ref.kind, ref.namespace ?? '', ref.name].join('/')
}

/** How a person names the object: `Deployment backend`. */
export function nameOf(ref: ObjectRef): string {
  return `${ref.kind} ${ref.name}`
}

/** The part of the application an object belongs to: its `app.kubernetes.io/name` label, or `undefined`. */
export function componentOf(object: KubeObject): string | undefined {
  return object.metadata.labels?.['app.kubernetes.io/name']
}

/**
 * Reads a stream of YAML documents (JSON is YAML) into objects; `List` kinds are unfolded.
 * @param text the documents
 * @param source the name shown in errors, usually the file
 * @throws BadInput when the text does not parse, or a document is no Kubernetes object: names document and field
 */
export function parseObjects(text: string, source: string): RenderedObject[] {
  const documents = parseAllDocuments(text)
  if (!Array.isArray(documents)) return []
  return documents.flatMap((document, index) => {
    const where = `${source}, document ${index + 1}`
    const [error] = document.errors
    if (error) throw new BadInput(`${where}: ${error.message}`, { cause: error })
    const value: unknown = document.toJS()
    if (value === null) return []
    return unfold(value, where).map((object) => ({ object, source: `${source}#${index + 1}` }))
  })
}

function unfold(value: unknown, where: string): KubeObject[] {
  const object = checkObject(value, where)
  if (object.kind !== 'List') return [object]
  const items = object['items']
  if (!Array.isArray(items)) throw new BadInput(`${where}: field items of a List must be a list`)
  return items.map((item, index) => checkObject(item, `${where}, item ${index + 1}`))
}

function checkObject(value: unknown, where: string): KubeObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new BadInput(`${where}: expected a Kubernetes object, found ${Array.isArray(value) ? 'a list' : typeof value}`)
  }
  const object = value as Partial<KubeObject>
  for (const field of ['apiVersion', 'kind'] as const) {
    if (typeof object[field] !== 'string' || object[field] === '') {
      throw new BadInput(`${where}: field ${field} is missing`, { next: 'every manifest names its apiVersion and kind' })
    }
  }
  if (object.kind !== 'List' && typeof object.metadata?.name !== 'string') {
    throw new BadInput(`${where}: field metadata.name is missing (${object.kind})`)
  }
  return object as KubeObject
}
