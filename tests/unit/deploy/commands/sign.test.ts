import { type KeyObject, createPublicKey, generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { type SignatureStore, sign } from '../../../../deploy/src/commands/sign.ts'
import { BadInput, DeployError } from '../../../../deploy/src/errors.ts'
import { type Signature, isSigned } from '../../../../deploy/src/release/signature.ts'

const image = (name: string, digit: string): string => `r.example/app/${name}@sha256:${digit.repeat(64)}`
const IMAGES = { backend: image('backend', 'a'), mcp: image('mcp', 'b') }
const newKey = (): KeyObject => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey

class Registry implements SignatureStore {
  readonly kept = new Map<string, readonly Signature[]>()
  refused = ''

  async read(reference: string): Promise<Signature[]> {
    return [...(this.kept.get(reference) ?? [])]
  }

  async write(reference: string, signatures: readonly Signature[]): Promise<void> {
    if (reference === this.refused) throw new Error('DENIED: requested access to the resource is denied')
    this.kept.set(reference, signatures)
  }
}

describe('signing', () => {
  it('signs each image once', async () => {
    const [registry, key] = [new Registry(), newKey()]
    expect((await sign(IMAGES, key, registry)).sort()).toEqual(['backend', 'mcp'])
    for (const reference of Object.values(IMAGES)) expect(isSigned(reference, registry.kept.get(reference) ?? [], [createPublicKey(key)])).toBe(true)
    expect(await sign(IMAGES, key, registry)).toEqual([])
    expect([...registry.kept.values()].map(({ length }) => length)).toEqual([1, 1])
  })

  it('keeps the signatures of others', async () => {
    const [registry, before, key] = [new Registry(), newKey(), newKey()]
    await sign(IMAGES, before, registry)
    await sign(IMAGES, key, registry)
    for (const each of [before, key]) expect(isSigned(IMAGES.mcp, registry.kept.get(IMAGES.mcp) ?? [], [createPublicKey(each)])).toBe(true)
  })

  it('goes on where it was refused before', async () => {
    const [registry, key] = [new Registry(), newKey()]
    registry.refused = IMAGES.mcp
    await expect(sign(IMAGES, key, registry)).rejects.toThrow(/mcp@sha256:b+: its signature cannot be kept: DENIED/)
    await expect(sign(IMAGES, key, registry)).rejects.toBeInstanceOf(DeployError)
    registry.refused = ''
    expect(await sign(IMAGES, key, registry)).toEqual(['mcp'])
  })

  it('refuses an image without a digest before it writes anything', async () => {
    const registry = new Registry()
    await expect(sign({ ...IMAGES, agent: 'r.example/app/agent:1' }, newKey(), registry)).rejects.toBeInstanceOf(BadInput)
    expect(registry.kept.size).toBe(0)
  })
})
