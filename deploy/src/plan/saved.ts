/** A reviewed plan as a file: what is in it is what `deploy --plan` applies, or it refuses. Holds no secret value. */
import { randomBytes, scryptSync, timingSafeEqual } from 'node:crypto'
import { canonicalJson } from '../release/digest.ts'
import { BadInput, DeployError } from '../errors.ts'
import type { Images } from '../release/images.ts'
import type { RenderedObject } from '../release/objects.ts'
import type { Operation, Plan } from './plan.ts'
import { isSecret } from '../release/redact.ts'

const FORMAT = 1

export interface SavedPlan {
  format: typeof FORMAT
  environment: string
  namespace: string
  server: string
  createdAt: string
  commit?: string
  images: Images
  fingerprint: string
  operations: Operation[]
  /** Without Secrets. */
  rendered: RenderedObject[]
  /** Of the Secrets that were planned, by a slow hash: tells whether they are the same and nothing else. */
  secrets: { salt: string; hash: string }
}

function hashSecrets(desired: readonly RenderedObject[], salt: string): Buffer {
  const secrets = desired.filter(({ object }) => isSecret(object)).map(({ object }) => object)
  return scryptSync(canonicalJson(secrets), Buffer.from(salt, 'hex'), 32)
}

/** @param desired every object of the release, Secrets included */
export function savePlan(facts: Pick<SavedPlan, 'environment' | 'namespace' | 'server' | 'createdAt' | 'commit' | 'images'>, plan: Plan, desired: readonly RenderedObject[]): SavedPlan {
  const salt = randomBytes(16).toString('hex')
  return {
    format: FORMAT,
    ...facts,
    fingerprint: plan.fingerprint,
    operations: plan.operations,
    rendered: desired.filter(({ object }) => !isSecret(object)),
    secrets: { salt, hash: hashSecrets(desired, salt).toString('hex') },
  }
}

/** @throws BadInput when the text is no plan of this deployer */
export function parsePlan(text: string, source: string): SavedPlan {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new BadInput(`${source}: not JSON`, { cause, next: 'give a file written by plan --out' })
  }
  const plan = value as Partial<SavedPlan> | null
  if (plan?.format !== FORMAT || !Array.isArray(plan.rendered) || typeof plan.fingerprint !== 'string') {
    throw new BadInput(`${source}: not a plan of format ${FORMAT}`, { next: 'give a file written by plan --out' })
  }
  return plan as SavedPlan
}

/** Where a plan was made, or is to be carried out. */
export type PlanPlace = Pick<SavedPlan, 'environment' | 'namespace' | 'server' | 'commit'>

/**
 * Refuses a plan that was made for another place or another commit.
 * @throws BadInput that names what differs
 */
export function checkPlace(saved: SavedPlan, here: PlanPlace): void {
  const places = ['environment', 'namespace', 'server'] as const
  const differing = places.filter((name) => saved[name] !== here[name]).map((name) => `${name} ${saved[name]}, not ${here[name]}`)
  if (saved.commit !== undefined && here.commit !== undefined && saved.commit !== here.commit) differing.push(`commit ${saved.commit}, not ${here.commit}`)
  if (differing.length > 0) throw new BadInput(`the plan is for ${differing.join('; ')}`, { next: 'carry it out where it was made for, or make a new plan' })
}

/**
 * Refuses when carrying out would do something else than what was reviewed.
 * @param generated secret keys made up anew, whose values differ by nature
 * @throws DeployError
 */
export function checkAgainst(saved: SavedPlan, plan: Plan, desired: readonly RenderedObject[], generated: readonly string[]): void {
  if (plan.fingerprint !== saved.fingerprint) {
    const before = new Set(saved.operations.map(operationKey))
    const after = new Set(plan.operations.map(operationKey))
    const news = [...after].filter((key) => !before.has(key))
    const gone = [...before].filter((key) => !after.has(key))
    const lines = [...news.map((key) => `  now: ${key}`), ...gone.map((key) => `  planned: ${key}`)]
    throw new DeployError(`the cluster has changed since the plan was made on ${saved.createdAt}; nothing was changed${lines.length > 0 ? `\n${lines.join('\n')}` : ''}`, { next: 'make a new plan and review it' })
  }
  if (generated.length === 0 && !timingSafeEqual(hashSecrets(desired, saved.secrets.salt), Buffer.from(saved.secrets.hash, 'hex'))) {
    throw new DeployError('the secret values are not those of the plan; nothing was changed', { next: 'give the same --secrets-dir, or make a new plan' })
  }
}

function operationKey({ action, ref, ...rest }: Operation): string {
  const paths = 'changes' in rest ? rest.changes.map(({ path }) => path).slice(0, 5) : []
  return `${action} ${ref.kind} ${ref.name}${paths.length > 0 && action !== 'create' ? ` (${paths.join(', ')})` : ''}`
}
