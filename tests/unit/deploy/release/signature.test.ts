import { createHash, generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { type Signature, isSigned, signImage, signatureArtifact, signatureReference, signingKey, unsignedImages, verificationKeys } from '../../../../deploy/src/release/signature.ts'

const IMAGE = `r.example:5000/app/backend@sha256:${'a'.repeat(64)}`
const OTHER = `r.example:5000/app/backend@sha256:${'b'.repeat(64)}`

const pair = (curve = 'P-256'): { private: string; public: string } => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: curve })
  return { private: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), public: publicKey.export({ type: 'spki', format: 'pem' }).toString() }
}
const [OURS, THEIRS] = [pair(), pair()]
const key = signingKey(OURS.private, 'key')
const [ours, theirs] = [verificationKeys(OURS.public, 'keys'), verificationKeys(THEIRS.public, 'keys')]

function changed(change: Partial<Signature>): Signature[] {
  return [{ ...signImage(IMAGE, key), ...change }]
}

describe('a signature', () => {
  it('lies beside the image, under its digest', () => {
    expect(signatureReference(IMAGE)).toBe(`r.example:5000/app/backend:sha256-${'a'.repeat(64)}.sig`)
    expect(signatureReference(`r.example:5000/app/backend:1@sha256:${'a'.repeat(64)}`)).toBe(signatureReference(IMAGE))
  })

  it('holds for the image and the key that it was made with, in whatever repository', () => {
    expect(isSigned(IMAGE, [signImage(IMAGE, key)], ours)).toBe(true)
    expect(isSigned(IMAGE.replace('r.example:5000', 'mirror.example'), [signImage(IMAGE, key)], ours)).toBe(true)
    expect(isSigned(IMAGE, [signImage(IMAGE, key)], [...theirs, ...ours])).toBe(true)
  })

  it.each<readonly [what: string, image: string, signatures: Signature[]]>([
    ['of another image', IMAGE, [signImage(OTHER, key)]],
    ['of another key', IMAGE, [signImage(IMAGE, signingKey(THEIRS.private, 'key'))]],
    ['whose text was changed afterwards', OTHER, changed({ payload: Buffer.from(signImage(IMAGE, key).payload.toString().replaceAll('a'.repeat(64), 'b'.repeat(64))) })],
    ['whose text is no JSON', IMAGE, changed({ payload: Buffer.from('{') })],
    ['without a value', IMAGE, changed({ annotations: {} })],
    ['of another form', IMAGE, changed({ mediaType: 'application/json' })],
    ['that is not there', IMAGE, []],
  ])('%s does not count', (_what, image, signatures) => {
    expect(isSigned(image, signatures, ours)).toBe(false)
  })

  it('is an artifact whose parts are named by their digests, others’ signatures among them', () => {
    const signatures = [signImage(IMAGE, signingKey(THEIRS.private, 'key')), signImage(IMAGE, key)]
    const { blobs, index } = signatureArtifact(signatures)
    for (const [digest, bytes] of blobs) expect(digest).toBe(`sha256:${createHash('sha256').update(bytes).digest('hex')}`)
    const { manifests } = JSON.parse(index.toString()) as { manifests: { digest: string }[] }
    const manifest = JSON.parse(blobs.get(manifests[0]?.digest ?? '')?.toString() ?? '') as { config: { digest: string }; layers: { digest: string; size: number; mediaType: string; annotations: Record<string, string> }[] }
    expect(blobs.has(manifest.config.digest)).toBe(true)
    const read = manifest.layers.map(({ digest, mediaType, annotations }) => ({ mediaType, annotations, payload: blobs.get(digest) }))
    expect(read).toEqual(signatures)
    expect(manifest.layers.map(({ size }) => size)).toEqual(signatures.map(({ payload }) => payload.length))
  })
})

describe('keys', () => {
  it('of two who may sign are read from one text', () => {
    expect(verificationKeys(`${OURS.public}\n${THEIRS.public}`, 'keys')).toHaveLength(2)
  })

  it.each([
    ['nothing', 'hello', /keys: holds no public key/],
    ['a private key', OURS.private, /keys: block 1 is no PUBLIC KEY/],
    ['another curve', OURS.public + pair('P-384').public, /keys: block 2 is a key of type ec, where an EC key of the curve P-256/],
    ['a broken one', OURS.public.replace(/\n.{20}/, '\n'), /keys: block 1 is malformed/],
  ])('%s is refused', (_what, text, message) => {
    expect(() => verificationKeys(text, 'keys')).toThrow(message)
  })

  it.each([
    ['no key', 'hello', /key: no private key in PEM/],
    ['another curve', pair('P-384').private, /key: a key of type ec, where an EC key of the curve P-256/],
    ['RSA', generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), /key: a key of type rsa/],
    ['one with a password', generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' }).toString(), /without a password/],
  ])('to sign with: %s is refused, and not quoted', (_what, text, message) => {
    const refusal = ((): Error => {
      try {
        signingKey(text, 'key')
      } catch (error) {
        return error as Error
      }
      return expect.unreachable('it was accepted')
    })()
    expect(refusal.message).toMatch(message)
    expect(refusal.message).not.toContain(text.split('\n')[1] ?? text)
  })
})

describe('unsigned images', () => {
  const store: Record<string, Signature[]> = { [IMAGE]: [signImage(IMAGE, key)], [OTHER]: [signImage(OTHER, signingKey(THEIRS.private, 'key'))] }
  const ask = async (reference: string): Promise<Signature[]> => store[reference] ?? []

  it.each([
    [{ backend: IMAGE }, []],
    [{ backend: IMAGE, mcp: OTHER }, ['mcp is signed by somebody else']],
    [{ agent: `r.example/agent@sha256:${'c'.repeat(64)}` }, ['agent is not signed']],
    [{ agent: 'r.example/agent:1' }, ['agent has no digest that could be signed']],
    [{ agent: `r.example/agent@sha256:${'0'.repeat(64)}` }, []],
  ])('of %j', async (images, told) => {
    expect(await unsignedImages(images, ours, ask)).toEqual(told)
  })

  it('are those whose registry does not answer', async () => {
    expect(await unsignedImages({ backend: IMAGE }, ours, async () => Promise.reject(new Error('timeout: no answer within 8 s')))).toEqual(['backend: its signatures cannot be had: timeout: no answer within 8 s'])
  })
})
