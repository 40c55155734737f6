/** Fields that somebody else has added to an object of ours: server-side apply leaves them alone, so that no plan shows them. Pure. */
import { MANAGER } from '../release/identity.ts'
import type { KubeObject, ManagedFields } from '../release/objects.ts'

/** What one manager has added. */
export interface ForeignFields {
  manager: string
  /** When it last wrote, RFC 3339, where the server says so. */
  time?: string
  /** `spec.template.spec.containers[web].env[DEBUG]`. */
  fields: string[]
}

/** They fill in what nobody writes by hand: a volume's name, a node's name. */
const CONTROLLERS = /^(kube-controller-manager|kube-scheduler|kube-apiserver|kubelet|k3s|.*provisioner|before-first-apply)$/
/** A restart on request is no change of the release. */
const HARMLESS = /\.annotations\["?kubectl\.kubernetes\.io\/restartedAt"?\]$/

type Tree = Record<string, unknown>
type Segment = string | { item: string }

/** Fields under other managers, without metadata, status, and what is shared with us. An item of a list that is not ours is named as a whole. */
export function foreignFields({ metadata }: KubeObject): ForeignFields[] {
  const entries = (metadata.managedFields ?? []).filter(({ subresource }) => subresource === undefined || subresource === '')
  const ours = new Set(entries.filter(({ manager }) => manager === MANAGER).flatMap((entry) => pathsOf(entry).flatMap((path) => path.map((_segment, index) => textOf(path.slice(0, index + 1))))))
  return entries.filter(isPerson).flatMap((entry) => {
    const theirs = pathsOf(entry).filter((path) => !ours.has(textOf(path))).map((path) => {
      const item = path.findIndex((segment, index) => typeof segment === 'object' && !ours.has(textOf(path.slice(0, index + 1))))
      return textOf(item < 0 ? path : path.slice(0, item + 1))
    })
    const fields = [...new Set(theirs)].filter((path) => !HARMLESS.test(path))
    const { manager = 'somebody', time } = entry
    return fields.length === 0 ? [] : [{ manager, ...(time === undefined ? {} : { time }), fields }]
  })
}

function isPerson({ manager = '' }: ManagedFields): boolean {
  return manager !== MANAGER && !CONTROLLERS.test(manager)
}

/** The leaves of the wire's form. Source: https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management */
function pathsOf({ fieldsV1 }: ManagedFields): Segment[][] {
  const paths: Segment[][] = []
  const walk = (path: Segment[], node: Tree): void => {
    const names = Object.keys(node).filter((name) => name !== '.')
    if (names.length === 0 && path.length > 0) paths.push(path)
    for (const name of names) walk([...path, segmentOf(name)], node[name] as Tree)
  }
  const { 'f:metadata': _metadata, 'f:status': _status, 'f:apiVersion': _version, 'f:kind': _kind, ...rest } = (fieldsV1 ?? {}) as Tree
  walk([], rest)
  return paths
}

function segmentOf(name: string): Segment {
  if (name.startsWith('f:')) return name.slice(2)
  const value: unknown = JSON.parse(name.slice(2))
  return { item: name.startsWith('k:') && typeof value === 'object' && value !== null ? Object.values(value).join('/') : String(value) }
}

function textOf(path: readonly Segment[]): string {
  return path.reduce<string>((text, segment) => {
    if (typeof segment === 'object') return `${text}[${segment.item}]`
    if (!/^[\w-]+$/.test(segment)) return `${text}["${segment}"]`
    return text === '' ? segment : `${text}.${segment}`
  }, '')
}

/** One line for a person: who added what, and when. */
export function foreignText({ manager, time, fields }: ForeignFields): string {
  return `${fields.join(', ')} by ${manager}${time === undefined ? '' : ` on ${time}`}`
}
