/** What is said twice in a release. The API answers some of it with HTTP 500, and lets the last word win in the rest. Pure. */
import { BadInput } from '../errors.ts'
import { type RenderedObject, keyOf, nameOf, refOf } from './objects.ts'
import { podSpecs } from './secrets.ts'

type Item = Record<string, unknown>

/** Lists of a container whose items have a key, and the fields that make it. */
const CONTAINER_LISTS: Record<string, readonly string[]> = { env: ['name'], ports: ['containerPort', 'protocol'], volumeMounts: ['mountPath'], volumeDevices: ['devicePath'] }
/** Left out, they mean this. */
const STANDARD: Record<string, unknown> = { protocol: 'TCP' }

/**
 * Refuses a second object of the same name, and entries of a list with the same key. All are told at once.
 * @throws BadInput naming object, field and source of each
 */
export function refuseDuplicates(rendered: readonly RenderedObject[]): void {
  const lines = [...sameObjects(rendered), ...rendered.flatMap(({ object, source }) => sameEntries(object).map((field) => `${nameOf(refOf(object))}: ${field} (${source})`))]
  if (lines.length > 0) throw new BadInput(`said twice:\n${lines.map((line) => `  ${line}`).join('\n')}`, { next: 'keep one of each' })
}

function sameObjects(rendered: readonly RenderedObject[]): string[] {
  const first = new Map<string, string>()
  return rendered.flatMap(({ object, source }) => {
    const key = keyOf(refOf(object))
    const earlier = first.get(key)
    first.set(key, earlier ?? source)
    return earlier === undefined ? [] : [`${nameOf(refOf(object))} is in ${earlier} and in ${source}`]
  })
}

function sameEntries(object: RenderedObject['object']): string[] {
  const fields: string[] = []
  for (const spec of podSpecs(object)) {
    const containers = [...(spec.initContainers ?? []), ...spec.containers]
    fields.push(...repeated('containers', containers as unknown as Item[], ['name']), ...repeated('volumes', (spec.volumes ?? []) as unknown as Item[], ['name']))
    for (const container of containers) {
      for (const [list, keys] of Object.entries(CONTAINER_LISTS)) fields.push(...repeated(`containers[${container.name}].${list}`, ((container as unknown as Item)[list] ?? []) as Item[], keys))
    }
  }
  if (object.kind === 'Service') fields.push(...repeated('spec.ports', ((object['spec'] ?? {}) as { ports?: Item[] }).ports ?? [], ['port', 'protocol']))
  return fields
}

function repeated(path: string, items: readonly Item[], keys: readonly string[]): string[] {
  const seen = new Set<string>()
  return items.flatMap((item) => {
    const value = keys.map((key) => String(item[key] ?? STANDARD[key] ?? '')).join('/')
    const isRepeated = seen.has(value)
    seen.add(value)
    return isRepeated ? [`field ${path} has ${keys[0]} ${String(item[keys[0] ?? ''])} twice`] : []
  })
}
