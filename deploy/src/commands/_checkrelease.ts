/** What plan and deploy find out before anything is written: wrong objects, a wrong namespace, missing inputs, gates. */
import { checkComplete } from '../release/complete.ts'
import { type Gate, checkRendered, gateRefusals } from '../release/gates.ts'
import { type Images, imagesOf, unusedImages } from '../release/images.ts'
import type { RenderedObject } from '../release/objects.ts'
import { checkQuota } from '../release/quota.ts'
import { type ReleaseInput, gatherSecrets } from '../plan/prepare.ts'
import { type Context, type NamespaceFacts, checkNamespace } from '../session.ts'
import { missingSettings } from '../release/settings.ts'

export interface CheckedInput extends Pick<ReleaseInput, 'secretFiles' | 'generateSecrets'> {
  /** Images in place of those of the manifests. */
  images: Images
  /** The images of each release that staging verified. */
  verified: readonly Images[] | undefined
  allowed: ReadonlySet<Gate>
  /** Why images count as not signed, a line each; absent where nobody said who may sign. */
  unsigned?: (images: Images) => Promise<string[]>
}

/**
 * Writes nothing.
 * @param rendered with the given images
 * @throws BadInput
 */
export async function checkRelease(context: Context, input: CheckedInput, rendered: readonly RenderedObject[]): Promise<NamespaceFacts> {
  const { cluster, environment, namespace, commit } = context
  const objects = rendered.map(({ object }) => object)
  checkRendered(rendered, namespace)
  checkQuota(objects)
  const { exists, notes } = await checkNamespace(context)
  const { missing } = await gatherSecrets(cluster, namespace, exists, { ...input, rendered })
  const unsigned = input.allowed.has('unsigned') ? undefined : await input.unsigned?.(imagesOf(objects))
  const refusals = gateRefusals(environment, { objects, commit, verified: input.verified, ...(unsigned && { unsigned }) }, input.allowed)
  checkComplete(environment, { images: imagesOf(objects), settings: missingSettings(objects), secrets: missing, refusals })
  return { exists, notes: [...notes, ...unusedImages(rendered, input.images).map((name) => `left aside: image ${name}, which ${environment} does not use`)] }
}
