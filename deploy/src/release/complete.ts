/** Everything that a release still needs from the person, and everything that its environment refuses, told at once. Pure. */
import { BadInput } from '../errors.ts'
import type { Environment } from './gates.ts'
import { type Images, isPlaceholder } from './images.ts'
import type { MissingSecret } from './secrets.ts'
import { type MissingSetting, SETTINGS } from './settings.ts'

export interface Lacks {
  /** The images of the release, placeholders among them. */
  images: Images
  settings: readonly MissingSetting[]
  secrets: readonly MissingSecret[]
  /** Refusals of the environment, each with how to lift it. */
  refusals: readonly string[]
}

function settingLine({ name, placeholder, carrier }: MissingSetting): string {
  if (name === undefined) return `placeholder ${placeholder} in ${carrier}: replace it in the objects`
  return `setting ${name} (${SETTINGS[name].meaning}): --set ${name}=…, or --settings`
}

function secretLine({ secret, key, readers }: MissingSecret): string {
  return `secret ${key} (Secret ${secret}, read by ${readers.join(', ')}): --secrets-file, or a file of that name in --secrets-dir`
}

/**
 * @throws BadInput that lists every missing image, setting and secret with where to give it, and every refusal
 */
export function checkComplete(environment: Environment, { images, settings, secrets, refusals }: Lacks): void {
  const missing = [
    ...Object.keys(images).filter((name) => isPlaceholder(images[name] ?? '')).map((name) => `image ${name}: --images, as publish writes it`),
    ...settings.map(settingLine),
    ...secrets.map(secretLine),
  ]
  const parts = [
    ...(missing.length === 0 ? [] : [`${environment} lacks ${missing.length === 1 ? 'one input' : `${missing.length} inputs`}:\n  ${missing.join('\n  ')}`]),
    ...(refusals.length === 0 ? [] : [`${environment} refuses this release:\n  ${refusals.join('\n  ')}`]),
  ]
  if (parts.length === 0) return
  const next = [...(missing.length === 0 ? [] : ['give what is missing']), ...(refusals.length === 0 ? [] : ['mend the cause, or lift a refusal on purpose with the option beside it'])].join('; ')
  throw new BadInput(`nothing was changed; ${parts.join('\n')}`, { next })
}
