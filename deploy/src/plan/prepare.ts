/** Rendered objects + secrets + what the cluster has → the desired objects and the plan. Shared by plan and deploy; writes nothing. */
import type { Cluster } from '../cluster/client.ts'
import { BadInput, ClusterError, DeployError } from '../errors.ts'
import type { Gate } from '../release/gates.ts'
import { nextRevision, readHistory, readNewestGood } from '../cluster/history.ts'
import { MANAGER } from '../release/identity.ts'
import { type Inventory, readInventory } from '../cluster/inventory.ts'
import { type Live, type LiveState, readLive } from '../cluster/live.ts'
import { type KubeObject, type RenderedObject, keyOf, refOf } from '../release/objects.ts'
import { type Plan, type PlanOptions, type Problem, buildPlan, managersOf } from './plan.ts'
import { refuseRolePasswords, withSecretRolls } from './secretroll.ts'
import { type SecretObjects, secretNeeds, secretObjects } from '../release/secrets.ts'

export interface ReleaseInput extends PlanOptions {
  /** Without Secrets. */
  rendered: readonly RenderedObject[]
  /** Key → bytes, from `--secrets-dir`. */
  secretFiles: ReadonlyMap<string, Buffer>
  /** Make up missing passwords and keys. */
  generateSecrets: boolean
  /** Take over fields that other managers own. */
  force?: boolean
  /** Refusals that the person has lifted. */
  allowed?: ReadonlySet<Gate>
}

export interface Release {
  /** Rendered objects and Secrets. */
  desired: RenderedObject[]
  /** `Secret/key` that got a made-up value. */
  generated: string[]
  inventory: Inventory
  live: Live
  plan: Plan
}

/** The Secrets of a release, and those of ours that the cluster has. */
export type GatheredSecrets = SecretObjects & { present: KubeObject[] }

type SecretInput = Pick<ReleaseInput, 'rendered' | 'secretFiles' | 'generateSecrets'>

/**
 * The Secrets of a release: given values, else those of the cluster.
 * @param exists false while the namespace is not there, so that it holds no values
 */
export async function gatherSecrets(cluster: Cluster, namespace: string, exists: boolean, { rendered, secretFiles, generateSecrets }: SecretInput): Promise<GatheredSecrets> {
  const stored = exists ? await cluster.list({ apiVersion: 'v1', kind: 'Secret' }, namespace) : []
  const isOurs = (secret: KubeObject): boolean => managersOf(secret).includes(MANAGER)
  // A service account's token has keys of the cluster, such as ca.crt, which are not the application's.
  const values = stored.filter((secret) => isOurs(secret) && secret['type'] !== 'kubernetes.io/service-account-token')
  const foreign = new Set(stored.filter((secret) => !isOurs(secret)).map(({ metadata }) => metadata.name))
  const needs = secretNeeds(rendered.map(({ object }) => object))
  const given = needs.filter(({ keys }) => [...keys.keys()].some((key) => secretFiles.has(key))).map(({ name }) => name)
  // A foreign Secret for which values are given stays in the plan, where it is refused as foreign.
  for (const name of given) foreign.delete(name)
  return { ...secretObjects(needs, namespace, secretFiles, values, foreign, { generate: generateSecrets }), present: values }
}

/**
 * @throws BadInput when the namespace is being deleted
 * @throws ClusterError
 */
export async function prepareRelease(cluster: Cluster, namespace: string, input: ReleaseInput): Promise<Release> {
  const existing = await cluster.get({ apiVersion: 'v1', kind: 'Namespace', name: namespace })
  if (existing?.metadata.deletionTimestamp !== undefined) {
    throw new BadInput(`namespace ${namespace} is being deleted`, { next: 'wait until it is gone, then run this again' })
  }
  const secrets = await gatherSecrets(cluster, namespace, existing !== undefined, input)
  const history = existing === undefined ? [] : await readHistory(cluster, namespace)
  const before = await readNewestGood(cluster, namespace, history)
  const whole = [...input.rendered, ...secrets.objects]
  if (input.allowed?.has('role-password') !== true) refuseRolePasswords(whole, before?.objects.map(({ object }) => object) ?? secrets.present)
  const desired = before === undefined ? whole : withSecretRolls(whole, before.objects, await nextRevision(cluster, namespace), 'before')
  const inventory = existing === undefined ? { revision: 0, fence: 0, objects: [] } : await readInventory(cluster, namespace)
  const found = await readLive(cluster, namespace, desired, inventory, input.force)
  const live = found.namespaceExists ? found : { ...found, states: new Map([...found.states, ...(await judgeElsewhere(cluster, desired))]) }
  return { desired, generated: secrets.generated, inventory, live, plan: buildPlan(desired, live, inventory, input) }
}

/** A namespace that every cluster has. */
const ELSEWHERE = 'default'

/**
 * Without its namespace an object cannot be dry-run. Whether the server knows its kind and fields is asked by a dry run under
 * another name in a namespace that is there; everything else is found out under the lock.
 */
async function judgeElsewhere(cluster: Cluster, desired: readonly RenderedObject[]): Promise<[string, LiveState][]> {
  const judged: [string, LiveState][] = []
  for (const { object } of desired.filter(({ object }) => object.metadata.namespace !== undefined)) {
    const { name, labels, annotations } = object.metadata
    try {
      await cluster.apply({ ...object, metadata: { name: `check-${name}`, namespace: ELSEWHERE, ...(labels && { labels }), ...(annotations && { annotations }) } }, { dryRun: true })
    } catch (error) {
      if (!(error instanceof ClusterError) || error.transient) throw error
      if (error.code === 'invalid' || error.code === 'unknown-kind') judged.push([keyOf(refOf(object)), { refusal: error }])
    }
  }
  return judged
}

/**
 * Refuses a plan with problems; all are told at once.
 * @throws BadInput when the manifests or permissions are wrong, DeployError when other managers or objects are in the way
 */
export function refuseProblems({ problems }: Plan): void {
  if (problems.length === 0) return
  const text = `nothing was changed; ${problems.length === 1 ? 'one object is' : `${problems.length} objects are`} in the way:\n${problems.map(problemText).join('\n')}`
  const isInput = problems.every(({ code }) => code === 'invalid' || code === 'forbidden')
  const [first] = problems
  const details = first === undefined ? {} : { object: first.ref, next: [...new Set(problems.map(({ next }) => next))].join('; ') }
  throw isInput ? new BadInput(text, details) : new DeployError(text, details)
}

/** A problem with its source and fields, over several lines. */
export function problemText({ message, source, fields }: Problem): string {
  const lines = [`  ${message}  [${source}]`]
  for (const { field, message, manager } of fields) lines.push(manager === undefined ? `    ${field}: ${message}` : `    ${field}: owned by ${manager}`)
  return lines.join('\n')
}
