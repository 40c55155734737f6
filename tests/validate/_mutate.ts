/** Changes to rendered objects, by path. */
import type { KubeObject } from '../../deploy/src/release/objects.ts'
import { title } from './policies/_policy.ts'

export type Path = readonly (string | number)[]
export type Mutation = (objects: KubeObject[]) => void

type Node = Record<string | number, unknown>

function find(objects: readonly KubeObject[], wanted: string): KubeObject {
  const found = objects.find((object) => title(object) === wanted)
  if (found === undefined) throw new Error(`no ${wanted} among the rendered objects`)
  return found
}

function parentOf(object: KubeObject, path: Path): { parent: Node; last: string | number } {
  const last = path.at(-1)
  if (last === undefined) throw new Error('a path names at least one field')
  const parent = path.slice(0, -1).reduce<unknown>((node, key) => (node as Node)[key], object)
  if (typeof parent !== 'object' || parent === null) throw new Error(`${title(object)} has no ${path.slice(0, -1).join('.')}`)
  return { parent: parent as Node, last }
}

/** Sets a field; `undefined` removes it. */
export function set(wanted: string, path: Path, value: unknown): Mutation {
  return (objects) => {
    const { parent, last } = parentOf(find(objects, wanted), path)
    if (value === undefined) Reflect.deleteProperty(parent, last)
    else parent[last] = value
  }
}

/** Appends to a list. */
export function append(wanted: string, path: Path, value: unknown): Mutation {
  return (objects) => {
    const { parent, last } = parentOf(find(objects, wanted), path)
    const list = (parent[last] ??= []) as unknown[]
    list.push(value)
  }
}

/** Removes an object. */
export function remove(wanted: string): Mutation {
  return (objects) => void objects.splice(objects.indexOf(find(objects, wanted)), 1)
}

/** Adds an object, by default in the namespace and with the labels of the rendered ones. */
export function add(object: KubeObject): Mutation {
  return (objects) => {
    const { namespace, labels } = find(objects, 'Ingress todo-chat').metadata
    objects.push({ ...object, metadata: { ...(namespace !== undefined && { namespace }), ...(labels && { labels }), ...object.metadata } })
  }
}

/** Sets a key in the ConfigMap whose name is `prefix` and a hash; `undefined` removes it. */
export function setting(prefix: string, key: string, value: string | undefined): Mutation {
  return (objects) => {
    const map = objects.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name.replace(/-[a-z0-9]{10}$/, '') === prefix)
    if (map === undefined) throw new Error(`no ConfigMap ${prefix} among the rendered objects`)
    set(title(map), ['data', key], value)([map])
  }
}

/** A path into the pod template of a workload (not of a CronJob). */
export const POD = ['spec', 'template', 'spec'] as const
/** A path into its first container. */
export const CONTAINER = [...POD, 'containers', 0] as const
