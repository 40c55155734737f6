import { describe, expect, it } from 'vitest'
import { plan } from '../../../../deploy/src/commands/plan.ts'
import { rollback } from '../../../../deploy/src/commands/rollback.ts'
import type { KubeObject, RenderedObject } from '../../../../deploy/src/release/objects.ts'
import { SECRETS_REVISION } from '../../../../deploy/src/release/identity.ts'
import { NAMESPACE, Scene, release } from '../_release.ts'

const RUN = { rate: 0, soakMs: 5_000, lockWaitMs: 10_000, timeoutMs: 600_000 }

function key(text: string): Map<string, Buffer> {
  return new Map([['jwt-key', Buffer.from(text)]])
}

const FIRST = key('the first signing key of 32 bytes')
const SECOND = key('another signing key of 32 bytes..')

/** The release with a database whose reader needs a password. */
function withPassword(objects: RenderedObject[]): RenderedObject[] {
  return objects.map(({ object, source }) => {
    if (object.metadata.name !== 'mcp') return { object, source }
    const copy = structuredClone(object)
    const { template } = copy['spec'] as { template: { spec: Record<string, unknown> } }
    template.spec['volumes'] = [{ name: 'db', secret: { secretName: 'todo-chat-mcp', items: [{ key: 'mcp-password', path: 'p' }] } }]
    return { object: copy, source }
  })
}

async function markOf(scene: Scene, name: string): Promise<string | undefined> {
  const object = await scene.cluster.get({ apiVersion: 'apps/v1', kind: 'Deployment', namespace: NAMESPACE, name })
  return (object?.['spec'] as { template: { metadata: { annotations?: Record<string, string> } } }).template.metadata.annotations?.[SECRETS_REVISION]
}

async function podsOf(scene: Scene, name: string): Promise<(string | undefined)[]> {
  const pods = await scene.cluster.list({ apiVersion: 'v1', kind: 'Pod' }, NAMESPACE)
  return pods.filter((pod: KubeObject) => pod.metadata.labels?.['app.kubernetes.io/name'] === name && pod.metadata.deletionTimestamp === undefined).map(({ metadata }) => metadata.uid).sort()
}

async function deployed(secretFiles: Map<string, Buffer> = FIRST): Promise<Scene> {
  const scene = new Scene()
  expect(await scene.deploy(release(), { secretFiles })).toMatchObject({ result: 'succeeded' })
  return scene
}

describe('a changed signing key', () => {
  it('rolls the pods that read it and no others', async () => {
    const scene = await deployed()
    const [backend, mcp] = [await podsOf(scene, 'backend'), await podsOf(scene, 'mcp')]
    const report = await scene.deploy(release(), { secretFiles: SECOND })
    expect(report).toMatchObject({ result: 'succeeded', revision: 2 })
    expect(await markOf(scene, 'backend')).toBe('2')
    expect(await podsOf(scene, 'mcp')).toEqual(mcp)
    for (const uid of await podsOf(scene, 'backend')) expect(backend).not.toContain(uid)
  })

  it('is rolled once: the same value again, or none, changes nothing', async () => {
    const scene = await deployed()
    await scene.deploy(release(), { secretFiles: SECOND })
    expect(await scene.deploy(release(), { secretFiles: SECOND })).toMatchObject({ result: 'unchanged' })
    expect(await scene.deploy(release())).toMatchObject({ result: 'unchanged' })
    expect(await scene.deploy(release({ frontend: '2' }))).toMatchObject({ result: 'succeeded' })
    expect(await markOf(scene, 'backend')).toBe('2')
  })

  it('that is not new leaves no mark on a first release, nor on one of an older deployer', async () => {
    const scene = await deployed()
    expect(await markOf(scene, 'backend')).toBeUndefined()
    expect(await scene.deploy(release(), { secretFiles: FIRST })).toMatchObject({ result: 'unchanged' })
  })

  it('reaches the pods although the deployer was killed after it had written the Secret', async () => {
    const scene = await deployed()
    scene.cluster.killDeployerAfter('apply Secret todo-chat-jwt')
    await scene.deploy(release(), { secretFiles: SECOND })
    scene.cluster.revive()
    const backend = await podsOf(scene, 'backend')
    expect(await scene.deploy(release())).toMatchObject({ result: 'succeeded' })
    for (const uid of await podsOf(scene, 'backend')) expect(backend).not.toContain(uid)
  })

  it('of a release that fails goes back with it, and the way back is questioned with the old one', async () => {
    const scene = await deployed()
    const asked: string[] = []
    scene.cluster.onRequest = (name, request) => void asked.push(`${name} ${request.headers?.['authorization'] ?? ''}`)
    const report = await scene.deploy(release({ frontend: 'crash' }), { secretFiles: SECOND })
    expect(report).toMatchObject({ result: 'rolled-back' })
    expect(await markOf(scene, 'backend')).toBeUndefined()
    const { createHmac } = await import('node:crypto')
    const token = /Bearer (\S+)\.(\S+)\.(\S+)/.exec(asked.filter((line) => line.includes('Bearer')).at(-1) ?? '')
    const signature = createHmac('sha256', 'the first signing key of 32 bytes').update(`${token?.[1]}.${token?.[2]}`).digest('base64url')
    expect(token?.[3]).toBe(signature)
  })

  it('that a rollback restores rolls the pods again', async () => {
    const scene = await deployed()
    await scene.deploy(release(), { secretFiles: SECOND })
    await scene.deploy(release(), { secretFiles: FIRST })
    const backend = await podsOf(scene, 'backend')
    expect(await rollback(scene.context(), { ...RUN, to: 2, restoreSecrets: true })).toMatchObject({ result: 'succeeded' })
    for (const uid of await podsOf(scene, 'backend')) expect(backend).not.toContain(uid)
  })

  it('is in the plan as a roll, without a value or anything made of one', async () => {
    const scene = await deployed()
    const { plan: planned, saved } = await plan(scene.context(), scene.input(release(), { secretFiles: SECOND }))
    expect(planned.operations.find(({ ref }) => ref.name === 'backend')).toMatchObject({ action: 'update', changes: [{ path: `spec.template.metadata.annotations."${SECRETS_REVISION}"`, after: '2' }] })
    expect(await scene.deploy([], { savedPlan: saved, secretFiles: SECOND })).toMatchObject({ result: 'succeeded' })
  })
})

describe('a new password of a database role', () => {
  const first = new Map([['mcp-password', Buffer.from('first')]])
  const second = new Map([['mcp-password', Buffer.from('second')]])

  it('is refused with its Secret, key and readers, and nothing is changed', async () => {
    const scene = new Scene()
    await scene.deploy(withPassword(release()), { secretFiles: first })
    const writes = scene.cluster.writes.length
    const refusal = scene.deploy(withPassword(release()), { secretFiles: second })
    await expect(refusal).rejects.toMatchObject({ name: 'BadInput', message: expect.stringMatching(/Secret todo-chat-mcp, key mcp-password \(read by Deployment mcp\)/) })
    await expect(refusal).rejects.not.toMatchObject({ message: expect.stringMatching(/second/) })
    expect(scene.cluster.writes.slice(writes)).toEqual([])
  })

  it('is rolled out when the role was changed before, and does not go back with a release that fails', async () => {
    const scene = new Scene()
    await scene.deploy(withPassword(release()), { secretFiles: first })
    const allowed = new Set(['role-password' as const])
    expect(await scene.deploy(withPassword(release({ frontend: 'crash' })), { secretFiles: second, allowed })).toMatchObject({ result: 'rolled-back' })
    const secret = await scene.cluster.get({ apiVersion: 'v1', kind: 'Secret', namespace: NAMESPACE, name: 'todo-chat-mcp' })
    expect(secret?.['data']).toEqual({ 'mcp-password': Buffer.from('second').toString('base64') })
  })
})
