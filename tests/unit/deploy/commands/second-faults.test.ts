/** Two things are wrong at once: the deployer must not make it worse. */
import { describe, expect, it } from 'vitest'
import { status } from '../../../../deploy/src/commands/status.ts'
import { ClusterError, DeployError } from '../../../../deploy/src/errors.ts'
import { readInventory } from '../../../../deploy/src/cluster/inventory.ts'
import type { KubeObject, RenderedObject } from '../../../../deploy/src/release/objects.ts'
import { MANAGER } from '../../../../deploy/src/release/identity.ts'
import { NAMESPACE, Scene, release } from '../_release.ts'

function ref(kind: string, name: string, apiVersion = 'apps/v1') {
  return { apiVersion, kind, namespace: NAMESPACE, name }
}

async function imageOf(scene: Scene, name: string, kind = 'Deployment'): Promise<string | undefined> {
  const object = await scene.cluster.get(ref(kind, name))
  return (object?.['spec'] as { template: { spec: { containers: { image: string }[] } } } | undefined)?.template.spec.containers[0]?.image
}

function configMap(name: string, extra: object = {}): RenderedObject {
  return { object: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: NAMESPACE }, data: { a: '1' }, ...extra }, source: `${name}.yaml` }
}

const SECRET = ref('Secret', 'todo-chat-jwt', 'v1')

describe('a database image that does not exist', () => {
  it('is undone: the stuck pod is removed, and PostgreSQL is back within 30 s', async () => {
    const scene = new Scene()
    await scene.deploy(release())
    const report = await scene.deploy(release({ database: 'missing' }))
    expect(report).toMatchObject({ result: 'rolled-back', failure: { diagnosis: { ref: { name: 'postgres' }, reason: 'ErrImagePull' } } })
    expect(report.rollback?.durationMs).toBeLessThan(30_000)
    expect((await status(scene.context())).healthy).toBe(true)
    expect(scene.cluster.writes.filter((write) => write === 'delete Pod postgres-0')).toHaveLength(1)
  })

  it('that was left in place does not stop the good release', async () => {
    const scene = new Scene()
    await scene.deploy(release())
    expect(await scene.deploy(release({ database: 'missing' }), { rollBack: false })).toMatchObject({ result: 'failed' })
    expect(await scene.deploy(release())).toMatchObject({ result: 'succeeded' })
  })

  it('is not helped by removing pods that would have been ready', async () => {
    const scene = new Scene()
    await scene.deploy(release())
    await scene.deploy(release({ database: '2' }))
    expect(scene.cluster.writes.filter((write) => write.startsWith('delete Pod'))).toEqual([])
  })
})

describe('on the way back', () => {
  it('what was broken before is named and not judged, and every tier goes back', async () => {
    const scene = new Scene()
    await scene.deploy(release())
    scene.cluster.sabotage('agent', 'crash')
    const report = await scene.deploy(release({ backend: 'crash', migrate: '1' }))
    expect(report).toMatchObject({ result: 'rolled-back', failure: { diagnosis: { ref: { name: 'backend' } } } })
    expect(await imageOf(scene, 'backend')).toBe('todo-chat/backend:1')
    expect(report.notes).toContainEqual(expect.stringMatching(/Deployment agent is not healthy, and this release did not touch it/))
  })

  it('a question that was answered wrongly before is not judged either, and one that was not is', async () => {
    const scene = new Scene()
    await scene.deploy(release())
    scene.cluster.sabotage('agent', 'crash')
    scene.cluster.answers.set('pod backend /api/info', { status: 200, headers: {}, body: '{"agent":"unreachable"}' })
    const report = await scene.deploy(release({ backend: 'crash', migrate: '1' }))
    expect(report).toMatchObject({ result: 'rolled-back' })
    expect(report.notes).toContainEqual(expect.stringMatching(/before this run: information from a pod: the backend says that its agent is unreachable/))
    const running = scene.deploy(release({ backend: 'crash', migrate: '1' }))
    await scene.cluster.written('apply Deployment backend')
    scene.cluster.answers.set('pod frontend /', { status: 503, headers: {}, body: '' })
    expect(await running).toMatchObject({ result: 'rollback-failed', rollback: { failure: { message: expect.stringMatching(/^page from a pod/) } } })
  })

  it('a tier that breaks meanwhile does not keep the others from going back', async () => {
    const scene = new Scene()
    await scene.deploy(release())
    const running = scene.deploy(release({ mcp: '2', backend: 'crash', migrate: '1' }))
    await scene.clock.sleep(1_000)
    scene.cluster.sabotage('agent', 'crash')
    expect(await running).toMatchObject({ result: 'rollback-failed' })
    expect([await imageOf(scene, 'mcp'), await imageOf(scene, 'backend')]).toEqual(['todo-chat/mcp:1', 'todo-chat/backend:1'])
  })

  it('a write that is refused does not keep the others from going back, and is told', async () => {
    const scene = new Scene()
    await scene.deploy(release())
    const running = scene.deploy(release({ mcp: '2', backend: 'crash', migrate: '1' }))
    await scene.cluster.written('apply Deployment backend')
    const refused = new ClusterError('forbidden', 'patch Deployment mcp: denied by a policy', { verb: 'patch', resource: 'Deployment' })
    scene.cluster.refusals.set('patch Deployment mcp', refused)
    const report = await running
    expect(report).toMatchObject({ result: 'rollback-failed', rollback: { failure: { message: expect.stringMatching(/denied by a policy/) } } })
    expect(await imageOf(scene, 'backend')).toBe('todo-chat/backend:1')
  })

  it('a pod that suffered from the bad release may get over it', async () => {
    const scene = new Scene()
    await scene.deploy(release())
    const running = scene.deploy(release({ backend: 'crash', migrate: '1' }))
    await scene.clock.sleep(1_000)
    scene.cluster.sabotage('mcp', 'crash')
    await scene.clock.sleep(20_000)
    scene.cluster.sabotage('mcp', 'slow')
    expect(await running).toMatchObject({ result: 'rolled-back' })
  })

  it('its proof is bounded', async () => {
    const scene = new Scene()
    await scene.deploy(release())
    const running = scene.deploy(release({ database: 'missing' }))
    await scene.clock.sleep(1_500)
    scene.cluster.refusals.set('delete Pod postgres-0', new ClusterError('forbidden', 'delete Pod postgres-0: not allowed', { verb: 'delete', resource: 'pods' }))
    const report = await running
    expect(report).toMatchObject({ result: 'rollback-failed' })
    expect(report.rollback?.durationMs).toBeLessThanOrEqual(6 * 60_000)
  })
})

describe('the limit of the way forward', () => {
  it('has a diagnosis of what was waited for', async () => {
    const scene = new Scene()
    await scene.deploy(release())
    const report = await scene.deploy(release({ backend: 'never-ready', migrate: '1' }), { timeoutMs: 30_000 })
    expect(report.failure).toMatchObject({ message: expect.stringMatching(/longer than 30.0 s.*; it waited for Deployment backend/s), diagnosis: { ref: { name: 'backend' } } })
  })
})

describe('a migration whose image does not exist', () => {
  it('leaves no Job behind, and the application healthy', async () => {
    const scene = new Scene()
    await scene.deploy(release())
    const report = await scene.deploy(release({ migrate: 'missing', backend: '2' }))
    expect(report).toMatchObject({ result: 'rolled-back', failure: { phase: 'migration' } })
    expect(await scene.cluster.get(ref('Job', 'migrate', 'batch/v1'))).toBeUndefined()
    expect(await status(scene.context())).toMatchObject({ healthy: true })
    expect(report.notes).toContainEqual(expect.stringMatching(/Job migrate had not ended well and was removed/))
  })
})

describe('what is no longer wanted', () => {
  const prunes = async (change: (scene: Scene) => void): Promise<{ scene: Scene; report: Awaited<ReturnType<Scene['deploy']>> }> => {
    const scene = new Scene()
    await scene.deploy([...release(), configMap('old')])
    change(scene)
    return { scene, report: await scene.deploy(release({ frontend: '2' })) }
  }
  const owned = async (scene: Scene): Promise<string[]> => (await readInventory(scene.cluster, NAMESPACE)).objects.map(({ name }) => name)

  it('is left alone when somebody else has made it again, with our labels', async () => {
    const { scene, report } = await prunes(({ cluster }) => {
      void cluster.remove(ref('ConfigMap', 'old', 'v1'))
      cluster.applyAs('helm', { ...configMap('old').object, metadata: { name: 'old', namespace: NAMESPACE, labels: { 'app.kubernetes.io/managed-by': MANAGER } } })
    })
    expect(report.result).toBe('succeeded')
    expect(await scene.cluster.get(ref('ConfigMap', 'old', 'v1'))).toBeDefined()
    expect(await owned(scene)).not.toContain('old')
  })

  it('is checked at the moment of its deletion', async () => {
    const scene = new Scene()
    await scene.deploy([...release(), configMap('old')])
    const running = scene.deploy(release({ frontend: '2' }))
    await scene.clock.sleep(3_000)
    await scene.cluster.remove(ref('ConfigMap', 'old', 'v1'))
    scene.cluster.applyAs('helm', configMap('old').object)
    const report = await running
    expect(report.notes).toContainEqual('ConfigMap old was not removed: it was made again by helm, and is no longer ours')
    expect(await scene.cluster.get(ref('ConfigMap', 'old', 'v1'))).toBeDefined()
  })

  it('is waited for, names its finalizers, and stays in the inventory while it is there', async () => {
    const { scene, report } = await prunes(({ cluster }) => cluster.patch(ref('ConfigMap', 'old', 'v1'), (object) => void (object.metadata.finalizers = ['example.org/hold'])))
    expect(report.result).toBe('succeeded')
    expect(report.notes).toContainEqual(expect.stringMatching(/ConfigMap old is still there 1 m 00 s after its deletion \(finalizers: example.org\/hold\)/))
    expect(await owned(scene)).toContain('old')
    const again = await scene.deploy(release({ frontend: '2' }))
    expect(again).toMatchObject({ result: 'unchanged' })
    expect(again.operations).toContainEqual(expect.objectContaining({ action: 'keep', reason: expect.stringMatching(/example.org\/hold/) }))
  })

  it('that may not be removed warns, and rolls nothing back', async () => {
    const { scene, report } = await prunes(({ cluster }) => cluster.refusals.set('delete ConfigMap old', new ClusterError('forbidden', 'delete ConfigMap old: denied by a policy', { verb: 'delete', resource: 'ConfigMap' })))
    expect(report.result).toBe('succeeded')
    expect(report.notes).toContainEqual(expect.stringMatching(/ConfigMap old was not removed: .*denied by a policy; the next deployment tries again/))
    expect(await owned(scene)).toContain('old')
    scene.cluster.refusals.clear()
    await scene.deploy(release({ frontend: '3' }))
    expect(await scene.cluster.get(ref('ConfigMap', 'old', 'v1'))).toBeUndefined()
  })

  it('that defines other objects is held like data', async () => {
    const scene = new Scene()
    const crd: RenderedObject = { object: { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: 'things.example.org' }, spec: {} }, source: 'crd.yaml' }
    await scene.deploy([...release(), crd])
    const report = await scene.deploy(release({ frontend: '2' }))
    expect(report.operations).toContainEqual(expect.objectContaining({ action: 'keep', ref: expect.objectContaining({ name: 'things.example.org' }) }))
    expect(scene.cluster.writes).not.toContain('delete CustomResourceDefinition things.example.org')
  })
})

describe('the Secret of the signing key, made again by another manager with our label', () => {
  const adopted = async (): Promise<{ scene: Scene; theirs: KubeObject }> => {
    const scene = new Scene()
    await scene.deploy(release())
    const ours = await scene.cluster.get(SECRET)
    await scene.cluster.remove(SECRET)
    const data = { 'jwt-key': Buffer.from('a key that another manager keeps').toString('base64') }
    const theirs = scene.cluster.applyAs('external-secrets', { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'todo-chat-jwt', namespace: NAMESPACE, labels: ours?.metadata.labels ?? {} }, data })
    return { scene, theirs }
  }

  it('is not pruned, and its key is the one that questions are signed with', async () => {
    const { scene, theirs } = await adopted()
    const report = await scene.deploy(release({ frontend: '2' }))
    expect(report.result).toBe('succeeded')
    expect((await scene.cluster.get(SECRET))?.metadata.uid).toBe(theirs.metadata.uid)
    expect(report.checks.filter(({ result }) => result === 'passed').map(({ name }) => name)).toContain('chat adds a task with a tool')
  })

  it('that may not be read leaves questions unasked, which is no success unless it is allowed', async () => {
    const { scene } = await adopted()
    scene.cluster.patch(SECRET, (object) => void (object['data'] = {}))
    const report = await scene.deploy(release({ frontend: '2' }))
    expect(report).toMatchObject({ result: 'rolled-back', failure: { phase: 'verify', message: expect.stringMatching(/could not be asked: the key that signs tokens is not known/) } })
    const allowed = await scene.deploy(release({ frontend: '3' }), { allowed: new Set(['unasked' as const]) })
    expect(allowed.result).toBe('succeeded')
    expect(allowed.notes).toContainEqual(expect.stringMatching(/^not asked: chat adds a task with a tool/))
  })
})

describe('a run that is stopped in the middle', () => {
  it('by lost credentials is reported with its failure, and the next run goes on', async () => {
    const scene = new Scene()
    await scene.deploy(release())
    const expired = new ClusterError('unauthorized', 'patch Deployment backend: the API server rejects the credentials', { verb: 'patch', resource: 'Deployment' })
    const running = scene.deploy(release({ mcp: '2', backend: '2', migrate: '1' }))
    await scene.clock.sleep(1_500)
    scene.cluster.failAll(expired)
    const report = await running
    expect(report).toMatchObject({ result: 'interrupted', failure: { message: expect.stringMatching(/rejects the credentials/) } })
    scene.cluster.failAll(undefined)
    expect(await scene.deploy(release({ mcp: '2', backend: '2', migrate: '1' }))).toMatchObject({ result: 'succeeded' })
  })

  it('by a bug still shows where it is', async () => {
    const scene = new Scene()
    await scene.deploy(release())
    const running = scene.deploy(release({ mcp: '2' }))
    const ended = expect(running).rejects.toThrow()
    await scene.clock.sleep(1_500)
    scene.cluster.failAll(new TypeError('a bug') as unknown as DeployError)
    await ended
  })
})
