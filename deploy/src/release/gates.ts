/** What an environment refuses before anything is read from its cluster. Pure. */
import { isBackup } from './databaseparts.ts'
import { refuseDuplicates } from './duplicates.ts'
import { BadInput } from '../errors.ts'
import { type Images, givenImages, hasDigest, imagesOf } from './images.ts'
import { type KubeObject, isNamespaced } from './objects.ts'

export const ENVIRONMENTS = ['dev', 'staging', 'prod'] as const

export type Environment = (typeof ENVIRONMENTS)[number]

/** Overlay of each environment. */
export const OVERLAYS = { dev: 'development', staging: 'staging', prod: 'production' } as const satisfies Record<Environment, string>

/** Refusals that a person may lift one by one with `--allow`. */
export const GATES = {
  'dirty-tree': 'deploy a tree with uncommitted changes, or one whose state is not known',
  'mutable-tag': 'deploy images by tag, which may mean something else tomorrow',
  'no-backup': 'run a database without a scheduled backup',
  unverified: 'deploy digests that staging has not verified',
  unsigned: 'deploy images that nobody of --image-key has signed',
  'role-password': 'give new passwords of database roles, which were changed in the database before',
  unasked: 'call a release verified although a question could not be asked',
} as const

export type Gate = keyof typeof GATES

/** Gates that stand in an environment. */
const STANDING: Record<Environment, readonly Gate[]> = {
  dev: ['unsigned'],
  staging: ['mutable-tag', 'unsigned'],
  prod: ['dirty-tree', 'mutable-tag', 'no-backup', 'unverified', 'unsigned'],
}

export interface GateFacts {
  objects: readonly KubeObject[]
  /** The commit, ending in `-dirty` when the tree has other changes; `undefined` when it is not known. */
  commit: string | undefined
  /** The images of each release that staging ran and verified; `undefined` when nobody was asked. */
  verified: readonly Images[] | undefined
  /** Why images count as not signed, a line each; absent where nobody said who may sign. */
  unsigned?: readonly string[]
}

/**
 * What the environment refuses about a release, each with the option that lifts it.
 * @param allowed gates lifted by the person
 */
export function gateRefusals(environment: Environment, facts: GateFacts, allowed: ReadonlySet<Gate>): string[] {
  const images = givenImages(imagesOf(facts.objects))
  return STANDING[environment]
    .filter((gate) => !allowed.has(gate))
    .flatMap((gate) => {
      const reason = JUDGES[gate](facts, images)
      return reason === undefined ? [] : [`${reason}  [--allow ${gate}]`]
    })
}

const JUDGES: Record<Gate, (facts: GateFacts, images: Images) => string | undefined> = {
  'dirty-tree'({ commit }) {
    if (commit === undefined) return 'the commit of the tree is not known (--commit)'
    return commit.endsWith('-dirty') ? `the tree has changes that are not in commit ${commit.replace(/-dirty$/, '')}` : undefined
  },
  'mutable-tag'(_facts, images) {
    const tagged = Object.values(images).filter((reference) => !hasDigest(reference))
    return tagged.length === 0 ? undefined : `images without a digest: ${tagged.join(', ')}`
  },
  'no-backup'({ objects }) {
    return objects.some((object) => isBackup(object) && (object['spec'] as { suspend?: boolean }).suspend !== true) ? undefined : 'no backup of the database is scheduled'
  },
  unsigned({ unsigned = [] }) {
    return unsigned.length === 0 ? undefined : `images without a signature of those who may sign: ${unsigned.join('; ')}`
  },
  // Known only later: what prepares the release and what verifies it ask whether these were lifted.
  'role-password': () => undefined,
  unasked: () => undefined,
  unverified({ verified, objects }, all) {
    if (verified === undefined) return 'what staging has verified is not known (--staging-kubeconfig or --verified-by)'
    // Where only the database of production is outside its cluster, staging has no use for what backs such a one up.
    const others = imagesOf(objects.filter((object) => !isBackup(object)))
    const images = Object.fromEntries(Object.entries(all).filter(([name]) => name in others || verified.some((release) => name in release)))
    const missing = verified.map((release) => Object.entries(images).filter(([name, reference]) => digestPart(release[name]) !== digestPart(reference)).map(([name]) => name))
    if (missing.some((names) => names.length === 0)) return undefined
    if (verified.length === 0) return 'staging has verified no release'
    const closest = missing.reduce((best, names) => (names.length < best.length ? names : best), Object.keys(images))
    return `staging has not verified ${closest.join(', ')}`
  },
}

/** What identifies an image whichever registry holds it. */
function digestPart(reference: string | undefined): string | undefined {
  return reference === undefined ? undefined : (/@(sha256:[0-9a-f]{64})$/.exec(reference)?.[1] ?? reference)
}

/**
 * Objects must lie in the namespace of the environment, and there must be some.
 * @throws BadInput naming object and source
 */
export function checkRendered(rendered: readonly { object: KubeObject; source: string }[], namespace: string): void {
  if (rendered.length === 0) throw new BadInput('nothing was rendered', { next: 'check the path of the overlay or chart, or the objects file' })
  for (const { object, source } of rendered) {
    const { name, namespace: own } = object.metadata
    if (object.kind === 'Namespace' ? name !== namespace : own !== undefined && own !== namespace) {
      throw new BadInput(`${object.kind} ${name} is for namespace ${object.kind === 'Namespace' ? name : own}, but this environment is ${namespace} (${source})`, { next: 'render the overlay of this environment, or set --namespace' })
    }
    if (own === undefined && isNamespaced(object.kind)) {
      throw new BadInput(`${object.kind} ${name} has no namespace, so that it would land in the one of the kubeconfig (${source})`, { next: `set metadata.namespace to ${namespace}, or render the overlay of this environment` })
    }
    if (object.kind === 'Secret') throw new BadInput(`Secret ${name} is rendered from ${source}: secret values do not belong into manifests`, { next: 'remove it; the deployer makes Secrets from --secrets-dir' })
  }
  refuseDuplicates(rendered)
}
