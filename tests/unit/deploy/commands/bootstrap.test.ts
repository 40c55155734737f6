import { describe, expect, it } from 'vitest'
import { bootstrapObjects, bootstrapText, deployerToken } from '../../../../deploy/src/commands/bootstrap.ts'
import { type RenderedObject, parseObjects } from '../../../../deploy/src/release/objects.ts'
import { NAMESPACE, Scene } from '../_release.ts'

function part(kind: string, name: string): RenderedObject {
  return { object: { apiVersion: 'v1', kind, metadata: { name, ...(kind === 'Namespace' ? {} : { namespace: NAMESPACE }) } }, source: `${name}.yaml` }
}

const RENDERED = [part('RoleBinding', 'deployer'), part('Role', 'viewer'), part('Role', 'deployer'), part('Deployment', 'backend'), part('ServiceAccount', 'deployer'), part('ServiceAccount', 'backend'), part('Namespace', NAMESPACE)]

describe('bootstrap', () => {
  it('prints what an administrator applies, in an order that can be applied, and nothing else', () => {
    const objects = parseObjects(bootstrapText(RENDERED, 'dev', NAMESPACE), 'bootstrap').map(({ object }) => object)
    expect(objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual([`Namespace ${NAMESPACE}`, 'ServiceAccount deployer', 'Role viewer', 'Role deployer', 'RoleBinding deployer', 'Secret deployer-token'])
    expect(objects.at(-1)).toMatchObject({ type: 'kubernetes.io/service-account-token', metadata: { namespace: NAMESPACE, annotations: { 'kubernetes.io/service-account.name': 'deployer' } } })
  })

  it('says with which field manager, so that the deployer finds its own objects', () => {
    expect(bootstrapText(RENDERED, 'dev', NAMESPACE)).toMatch(/^# .*\n# +kubectl apply --server-side --field-manager=todo-chat-deploy -f/)
  })

  it('refuses manifests without the Role', () => {
    expect(() => bootstrapObjects(RENDERED.filter(({ object }) => object.kind !== 'Role'), NAMESPACE)).toThrow(/the manifests have 3 of Namespace, ServiceAccount deployer, Role deployer/)
  })
})

describe("the deployer's token", () => {
  const secret = (data?: Record<string, string>): Parameters<Scene['cluster']['seed']>[0] => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'deployer-token', namespace: NAMESPACE }, ...(data && { data }) })
  const signal = new AbortController().signal

  it('is waited for', async () => {
    const { cluster, clock } = new Scene()
    cluster.seed(secret())
    const asked = deployerToken(cluster, clock, NAMESPACE, signal)
    await clock.sleep(3_000)
    cluster.seed(secret({ token: Buffer.from('a.b.c').toString('base64') }))
    expect(await asked).toBe('a.b.c')
  })

  it('that does not come is a failure after 30 s', async () => {
    const { cluster, clock } = new Scene()
    cluster.seed(secret())
    await expect(deployerToken(cluster, clock, NAMESPACE, signal)).rejects.toThrow(/got no token within 30 s/)
  })

  it('needs what bootstrap prints', async () => {
    const { cluster, clock } = new Scene()
    await expect(deployerToken(cluster, clock, NAMESPACE, signal)).rejects.toMatchObject({ name: 'BadInput', next: 'apply what `bootstrap` prints' })
  })
})
