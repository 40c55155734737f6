import { type KeyObject, createPublicKey } from 'node:crypto'
import pMap from 'p-map'
import { BadInput, DeployError } from '../errors.ts'
import { type Images, hasDigest } from '../release/images.ts'
import { type Signature, isSigned, signImage } from '../release/signature.ts'

/** Where signatures are kept. */
export interface SignatureStore {
  read(reference: string): Promise<Signature[]>
  /** In the place of those that are there. */
  write(reference: string, signatures: readonly Signature[]): Promise<void>
}

/** How many images are signed at once. */
const CONCURRENCY = 4

/**
 * Signs images; one that this key has signed before stays as it is, and signatures of other keys stay.
 * @returns names of the images that were signed now
 * @throws BadInput for an image without a digest, before anything is written
 * @throws DeployError naming the image whose signature could not be kept
 */
export async function sign(images: Images, key: KeyObject, store: SignatureStore): Promise<string[]> {
  const tagged = Object.values(images).filter((reference) => !hasDigest(reference))
  if (tagged.length > 0) throw new BadInput(`without a digest nothing can be signed: ${tagged.join(', ')}`, { next: 'give images.json as publish writes it' })
  const own = [createPublicKey(key)]
  const signed = await pMap(
    Object.entries(images),
    async ([name, reference]) => {
      try {
        const there = await store.read(reference)
        if (isSigned(reference, there, own)) return []
        await store.write(reference, [...there, signImage(reference, key)])
        return [name]
      } catch (cause) {
        throw new DeployError(`${reference}: its signature cannot be kept: ${(cause as Error).message}`, { cause, next: 'check that the credentials of the registry may read and write there, then publish again: what is signed stays' })
      }
    },
    { concurrency: CONCURRENCY },
  )
  return signed.flat()
}
