/**
 * Pods read their Secrets once, at their start: a changed value reaches them only when they are rolled. Which pods those are, and which
 * values a roll is not enough for. Nothing that could be guessed back into a value is written: the mark is the number of a revision.
 */
import { BadInput } from '../errors.ts'
import { SECRETS_REVISION } from '../release/identity.ts'
import { type KubeObject, type RenderedObject, keyOf, nameOf, refOf } from '../release/objects.ts'
import { secretNeeds } from '../release/secrets.ts'

/** Controllers that replace their pods when their template changes. A Job is run anew by its own rules, a CronJob's next run reads anew. */
const ROLLS = new Set(['Deployment', 'StatefulSet', 'DaemonSet'])

/** The database keeps the password that a role was made with, whatever the Secret says. */
const ROLE_PASSWORD = /-password$/

type Values = ReadonlyMap<string, string>

/** Values by `Secret/key`. */
function valuesOf(objects: readonly KubeObject[]): Values {
  const secrets = objects.filter(({ kind }) => kind === 'Secret')
  return new Map(secrets.flatMap(({ metadata, ...secret }) => Object.entries((secret['data'] ?? {}) as Record<string, string>).map(([key, value]): [string, string] => [`${metadata.name}/${key}`, value])))
}

function readBy(object: KubeObject): Set<string> {
  return new Set(secretNeeds([object]).flatMap(({ name, keys }) => [...keys.keys()].map((key) => `${name}/${key}`)))
}

function markOf(object: KubeObject | undefined): string | undefined {
  return templateOf(object)?.metadata?.annotations?.[SECRETS_REVISION]
}

function templateOf(object: KubeObject | undefined): { metadata?: { annotations?: Record<string, string> } } | undefined {
  return (object?.['spec'] as { template?: { metadata?: { annotations?: Record<string, string> } } } | undefined)?.template
}

/**
 * The objects, with a mark in the template of every workload that reads a value which differs from the revision before. Without a
 * change every mark stays as it was, so that nothing rolls.
 * @param before objects of the revision in place, Secrets included
 * @param revision the number that is about to be used
 * @param standing where the mark of an unchanged workload comes from: `before` on the way forward, `own` for a revision that comes back
 */
export function withSecretRolls(objects: readonly RenderedObject[], before: readonly RenderedObject[], revision: number, standing: 'before' | 'own'): RenderedObject[] {
  const given = valuesOf(objects.map(({ object }) => object))
  const known = valuesOf(before.map(({ object }) => object))
  const earlier = new Map(before.map(({ object }) => [keyOf(refOf(object)), object]))
  const ours = new Set(objects.filter(({ object }) => object.kind === 'Secret').map(({ object }) => object.metadata.name))
  return objects.map((rendered) => {
    const { object } = rendered
    const previous = earlier.get(keyOf(refOf(object)))
    if (!ROLLS.has(object.kind) || previous === undefined) return rendered
    const wasRead = readBy(previous)
    const isChanged = [...readBy(object)].some((path) => wasRead.has(path) && ours.has(path.split('/')[0] ?? '') && given.get(path) !== known.get(path))
    const mark = isChanged ? String(revision) : markOf(standing === 'before' ? previous : object)
    return mark === undefined || mark === markOf(object) ? rendered : { ...rendered, object: marked(object, mark) }
  })
}

function marked(object: KubeObject, mark: string): KubeObject {
  const copy = structuredClone(object)
  const template = templateOf(copy)
  if (template === undefined) return copy
  template.metadata = { ...template.metadata, annotations: { ...template.metadata?.annotations, [SECRETS_REVISION]: mark } }
  return copy
}

/**
 * Refuses a new password for a role of a database that exists: its pods would be rejected at their next start.
 * @param before objects that hold the values which the database was made with
 * @throws BadInput that names Secret, key and readers, never a value
 */
export function refuseRolePasswords(objects: readonly RenderedObject[], before: readonly KubeObject[]): void {
  const given = valuesOf(objects.map(({ object }) => object))
  const known = valuesOf(before)
  const changed = [...given].flatMap(([path, value]) => (ROLE_PASSWORD.test(path) && known.has(path) && known.get(path) !== value ? [path] : []))
  if (changed.length === 0) return
  const readers = (path: string): string => objects.filter(({ object }) => readBy(object).has(path)).map(({ object }) => nameOf(refOf(object))).join(', ')
  throw new BadInput(`the database keeps the password that it has, so a new value would lock its readers out:\n${changed.map((path) => `  Secret ${path.replace('/', ', key ')} (read by ${readers(path)})`).join('\n')}`, {
    next: 'give the value that is in place; or change the role in the database first (ALTER ROLE … PASSWORD) and deploy with --allow role-password',
  })
}
