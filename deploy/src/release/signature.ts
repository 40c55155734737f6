/**
 * Signatures of images, in the form that cosign and the policy controllers of clusters read: an artifact beside the image, tagged after its
 * digest. https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md Pure.
 */
import { type KeyObject, createHash, createPrivateKey, createPublicKey, sign, verify } from 'node:crypto'
import { BadInput } from '../errors.ts'
import { type Images, givenImages, hasDigest } from './images.ts'

const SIMPLE_SIGNING = 'application/vnd.dev.cosign.simplesigning.v1+json'
const SIGNATURE = 'dev.cosignproject.cosign/signature'
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
const CONFIG = 'application/vnd.oci.image.config.v1+json'
/** Node's name of NIST P-256, the curve that every reader of the form knows. */
const CURVE = 'prime256v1'

const MAKE_KEYS = 'make one with: openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out signing.key; openssl pkey -in signing.key -pubout -out signing.pub'

/** One signature, and what was signed. */
export interface Signature {
  mediaType: string
  payload: Buffer
  /** The signature in base64, under cosign's name, and whatever another signer added. */
  annotations: Record<string, string>
}

/** Content-addressed files of an OCI image layout, by digest. */
export interface SignatureArtifact {
  blobs: Map<string, Buffer>
  /** index.json of the layout. */
  index: Buffer
}

/** `registry.example/app/backend@sha256:…` → `registry.example/app/backend` and `sha256:…`. */
function parts(reference: string): { repository: string; digest: string } {
  const [repository = '', digest = ''] = reference.split('@')
  return { repository: repository.replace(/:[^:/]*$/, ''), digest }
}

/** Where the signatures of an image lie. @param reference with a digest */
export function signatureReference(reference: string): string {
  const { repository, digest } = parts(reference)
  return `${repository}:${digest.replace(':', '-')}.sig`
}

/**
 * @param pem EC private key of the curve P-256, PKCS #8 or SEC 1, not encrypted
 * @throws BadInput without a word of the key
 */
export function signingKey(pem: string, source: string): KeyObject {
  let key: KeyObject
  try {
    key = createPrivateKey(pem)
  } catch {
    throw new BadInput(`${source}: no private key in PEM that can be read without a password`, { next: MAKE_KEYS })
  }
  if (key.asymmetricKeyDetails?.namedCurve !== CURVE) throw new BadInput(`${source}: a key of type ${key.asymmetricKeyType}, where an EC key of the curve P-256 is expected`, { next: MAKE_KEYS })
  return key
}

/**
 * Keys of those who may sign.
 * @param pem EC public keys of the curve P-256, one PEM block after another: while keys change there are two
 * @throws BadInput naming the block
 */
export function verificationKeys(pem: string, source: string): KeyObject[] {
  const blocks = pem.match(/-----BEGIN ([A-Z ]+)-----[^-]+-----END \1-----/g) ?? []
  if (blocks.length === 0) throw new BadInput(`${source}: holds no public key in PEM`, { next: 'give what `openssl pkey -in signing.key -pubout` prints' })
  return blocks.map((block, index) => {
    if (!block.startsWith('-----BEGIN PUBLIC KEY-----')) throw new BadInput(`${source}: block ${index + 1} is no PUBLIC KEY`, { next: 'give what `openssl pkey -in signing.key -pubout` prints, and keep the private key to the pipeline that publishes' })
    let key: KeyObject
    try {
      key = createPublicKey(block)
    } catch (cause) {
      throw new BadInput(`${source}: block ${index + 1} is malformed`, { cause, next: 'give what `openssl pkey -in signing.key -pubout` prints' })
    }
    if (key.asymmetricKeyDetails?.namedCurve !== CURVE) throw new BadInput(`${source}: block ${index + 1} is a key of type ${key.asymmetricKeyType}, where an EC key of the curve P-256 is expected`, { next: MAKE_KEYS })
    return key
  })
}

/** @param reference with a digest */
export function signImage(reference: string, key: KeyObject): Signature {
  const { repository, digest } = parts(reference)
  const payload = Buffer.from(JSON.stringify({ critical: { identity: { 'docker-reference': repository }, image: { 'docker-manifest-digest': digest }, type: 'cosign container image signature' }, optional: null }))
  return { mediaType: SIMPLE_SIGNING, payload, annotations: { [SIGNATURE]: sign('sha256', payload, key).toString('base64') } }
}

function signedDigest(payload: Buffer): unknown {
  try {
    return (JSON.parse(payload.toString()) as { critical?: { image?: { 'docker-manifest-digest'?: unknown } } }).critical?.image?.['docker-manifest-digest']
  } catch {
    return undefined
  }
}

/**
 * Whether one of the signatures is of one of the keys, and of this image. The name of the repository does not count: who copies an image to
 * another registry copies its signatures, and its digest says what it is.
 */
export function isSigned(reference: string, signatures: readonly Signature[], keys: readonly KeyObject[]): boolean {
  const { digest } = parts(reference)
  return signatures.some(({ mediaType, payload, annotations }) => {
    const value = Buffer.from(annotations[SIGNATURE] ?? '', 'base64')
    return mediaType === SIMPLE_SIGNING && signedDigest(payload) === digest && keys.some((key) => verify('sha256', payload, key, value))
  })
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

/** The artifact that holds signatures of one image. */
export function signatureArtifact(signatures: readonly Signature[]): SignatureArtifact {
  const blobs = new Map<string, Buffer>()
  const add = (bytes: Buffer, mediaType: string): { mediaType: string; digest: string; size: number } => {
    blobs.set(digestOf(bytes), bytes)
    return { mediaType, digest: digestOf(bytes), size: bytes.length }
  }
  const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))
  const layers = signatures.map(({ mediaType, payload, annotations }) => ({ ...add(payload, mediaType), annotations }))
  const config = add(json({ architecture: '', os: '', config: {}, rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) } }), CONFIG)
  const manifest = add(json({ schemaVersion: 2, mediaType: MANIFEST, config, layers }), MANIFEST)
  return { blobs, index: json({ schemaVersion: 2, manifests: [manifest] }) }
}

/**
 * Why images may not run where only signed ones may, one line each; empty when all may.
 * @param ask the signatures of an image; an Error says why they could not be had
 */
export async function unsignedImages(images: Images, keys: readonly KeyObject[], ask: (reference: string) => Promise<readonly Signature[]>): Promise<string[]> {
  const answers = Object.entries(givenImages(images)).map(async ([name, reference]) => {
    if (!hasDigest(reference)) return [`${name} has no digest that could be signed`]
    try {
      const signatures = await ask(reference)
      if (isSigned(reference, signatures, keys)) return []
      return [signatures.length === 0 ? `${name} is not signed` : `${name} is signed by somebody else`]
    } catch (error) {
      return [`${name}: its signatures cannot be had: ${(error as Error).message}`]
    }
  })
  return (await Promise.all(answers)).flat()
}
