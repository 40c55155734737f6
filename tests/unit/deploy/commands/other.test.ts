import { describe, expect, it } from 'vitest'
import { drift } from '../../../../deploy/src/commands/drift.ts'
import { history, historyText } from '../../../../deploy/src/commands/history.ts'
import { plan } from '../../../../deploy/src/commands/plan.ts'
import { rollback } from '../../../../deploy/src/commands/rollback.ts'
import { status, statusText } from '../../../../deploy/src/commands/status.ts'
import { KEPT_REVISIONS, readRevision, verifiedImages } from '../../../../deploy/src/cluster/history.ts'
import { NAMESPACE, Scene, deployment, release } from '../_release.ts'

const RUN = { rate: 0, soakMs: 5_000, lockWaitMs: 10_000, timeoutMs: 600_000 }

describe('plan', () => {
  it('writes nothing and tells what is pending by its exit code', async () => {
    const scene = new Scene()
    expect((await plan(scene.context(), scene.input(release()))).exitCode).toBe(2)
    expect(scene.cluster.writes).toEqual([])
    await scene.deploy(release())
    const writes = scene.cluster.writes.length
    expect((await plan(scene.context(), scene.input(release()))).exitCode).toBe(0)
    expect((await plan(scene.context(), scene.input(release({ mcp: '2' })))).plan.operations.filter(({ action }) => action !== 'unchanged')).toEqual([
      expect.objectContaining({ action: 'update', source: 'manifests/mcp.yaml', changes: [{ path: 'spec.template.spec.containers[mcp].image', before: 'todo-chat/mcp:1', after: 'todo-chat/mcp:2' }] }),
    ])
    expect(scene.cluster.writes.length).toBe(writes)
  })

  it('is no success when something is in the way', async () => {
    const scene = new Scene()
    scene.cluster.applyAs('them', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } })
    scene.cluster.applyAs('them', deployment('mcp', 'theirs:1'))
    expect((await plan(scene.context(), scene.input(release()))).exitCode).toBe(1)
  })
})

describe('rollback', () => {
  it('brings the good revision before the current one back, as a new revision', async () => {
    const scene = new Scene()
    await scene.deploy(release())
    await scene.deploy(release({ mcp: '2', frontend: '2' }))
    const report = await rollback(scene.context(), RUN)
    expect(report).toMatchObject({ result: 'succeeded', revision: 3, images: { mcp: 'todo-chat/mcp:1' } })
    expect(report.operations.filter(({ action }) => action === 'update').map(({ ref }) => ref.name)).toEqual(['mcp', 'frontend'])
    expect((await history(scene.context()))[0]).toMatchObject({ revision: 3, action: 'rollback', rollbackTo: 1, result: 'succeeded' })
    expect(await scene.deploy(release())).toMatchObject({ result: 'unchanged', revision: 3 })
  })

  it('skips revisions that failed', async () => {
    const scene = new Scene()
    await scene.deploy(release())
    await scene.deploy(release({ mcp: 'crash' }))
    await scene.deploy(release({ mcp: '3' }))
    expect(await rollback(scene.context(), RUN)).toMatchObject({ summary: 'revision 1 is back and verified' })
  })

  describe('of a revision whose signing key has been rotated since', () => {
    const secret = { apiVersion: 'v1', kind: 'Secret', namespace: NAMESPACE, name: 'todo-chat-jwt' }
    const rotated = async () => {
      const scene = new Scene()
      const data = async (): Promise<unknown> => (await scene.cluster.get(secret))?.['data']
      await scene.deploy(release(), { secretFiles: new Map([['jwt-key', Buffer.from('the first signing key of 32 bytes')]]) })
      const first = await data()
      await scene.deploy(release({ mcp: '2' }), { secretFiles: new Map([['jwt-key', Buffer.from('another signing key of 32 bytes..')]]) })
      return { scene, data, first, second: await data() }
    }

    it('keeps the key, says so, and records what is in place', async () => {
      const { scene, data, first, second } = await rotated()
      const report = await rollback(scene.context(), RUN)
      expect(report.result).toBe('succeeded')
      expect(await data()).toEqual(second)
      expect(second).not.toEqual(first)
      expect(report.notes).toContain('Secrets keep the values they have, which are not those of revision 1: todo-chat-jwt; --restore-secrets brings those back')
      expect(await drift(scene.context())).toEqual({ revision: 3, drifts: [] })
    })

    it('brings the old key back on demand', async () => {
      const { scene, data, first } = await rotated()
      expect((await rollback(scene.context(), { ...RUN, restoreSecrets: true })).notes.join()).not.toContain('Secrets')
      expect(await data()).toEqual(first)
    })

    it('keeps a value that was added since', async () => {
      const { scene, data } = await rotated()
      const more = { apiVersion: 'v1', kind: 'Secret', metadata: { name: secret.name, namespace: NAMESPACE }, data: { ...((await data()) as Record<string, string>), added: 'YWRkZWQ=' } }
      scene.cluster.applyAs('todo-chat-deploy', more, { force: true })
      await rollback(scene.context(), RUN)
      expect(await data()).toMatchObject({ added: 'YWRkZWQ=' })
    })

    it('brings a Secret back that is gone', async () => {
      const { scene, data, first } = await rotated()
      await scene.cluster.remove(secret)
      await rollback(scene.context(), RUN)
      expect(await data()).toEqual(first)
    })
  })

  it('names the kept revisions when there is none of that number', async () => {
    const scene = new Scene()
    await scene.deploy(release())
    await expect(rollback(scene.context(), { ...RUN, to: 7 })).rejects.toMatchObject({ name: 'BadInput', message: expect.stringMatching(/no revision 7/), next: 'choose one of 1' })
  })

  it('to a revision that does not work any more is no success', async () => {
    const scene = new Scene()
    await scene.deploy(release())
    await scene.deploy(release({ mcp: '2' }))
    scene.cluster.sabotage('agent', 'crash')
    expect(await rollback(scene.context(), RUN)).toMatchObject({ result: 'rollback-failed', failure: { diagnosis: { ref: { name: 'agent' } } } })
  })
})

describe('drift', () => {
  it('is none after a deploy', async () => {
    const scene = new Scene()
    await scene.deploy(release())
    expect(await drift(scene.context())).toEqual({ revision: 1, drifts: [] })
  })

  it('names the changed field, its values and who changed it', async () => {
    const scene = new Scene()
    await scene.deploy(release())
    scene.cluster.applyAs('hand', { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'mcp', namespace: NAMESPACE }, spec: { replicas: 5 } }, { force: true })
    expect((await drift(scene.context())).drifts).toEqual([
      expect.objectContaining({ kind: 'changed', managers: ['hand'], changes: [{ path: 'spec.replicas', before: 5, after: 2 }], source: 'manifests/mcp.yaml' }),
    ])
  })

  it('names objects that are gone', async () => {
    const scene = new Scene()
    await scene.deploy(release())
    await scene.cluster.remove({ apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', namespace: NAMESPACE, name: 'todo-chat' })
    expect((await drift(scene.context())).drifts).toEqual([expect.objectContaining({ kind: 'missing', ref: expect.objectContaining({ kind: 'Ingress' }) })])
  })
})

describe('history', () => {
  it('keeps the newest revisions, and every value that they refer to', async () => {
    const scene = new Scene()
    for (let index = 1; index <= KEPT_REVISIONS + 3; index += 1) await scene.deploy(release({ frontend: String(index) }))
    const kept = (await history(scene.context())).map(({ revision }) => revision)
    expect(kept).toEqual(Array.from({ length: KEPT_REVISIONS }, (_, index) => KEPT_REVISIONS + 3 - index))
    const oldest = await readRevision(scene.cluster, NAMESPACE, kept.at(-1) ?? 0)
    expect(oldest.objects.filter(({ object }) => object.kind === 'Secret')).toHaveLength(1)
  })

  it('holds no secret value outside of Secrets', async () => {
    const scene = new Scene()
    await scene.deploy(release(), { secretFiles: new Map([['jwt-key', Buffer.from('the first signing key of 32 bytes')]]) })
    const maps = await scene.cluster.list({ apiVersion: 'v1', kind: 'ConfigMap' }, NAMESPACE)
    const encoded = Buffer.from('the first signing key of 32 bytes').toString('base64')
    expect(maps.length).toBeGreaterThan(2)
    for (const map of maps) expect(JSON.stringify(map)).not.toContain(encoded)
    const { objects } = await readRevision(scene.cluster, NAMESPACE, 1)
    expect(JSON.stringify(objects.filter(({ object }) => object.kind !== 'Secret'))).not.toContain(encoded)
  })

  it('stores equal values once', async () => {
    const scene = new Scene()
    await scene.deploy(release())
    await scene.deploy(release({ mcp: '2' }))
    const secrets = await scene.cluster.list({ apiVersion: 'v1', kind: 'Secret' }, NAMESPACE)
    expect(secrets.map(({ metadata }) => metadata.name).sort()).toEqual(['todo-chat-jwt', 'todo-chat-revision-1'])
  })

  it('tells which images have been verified', async () => {
    const scene = new Scene()
    await scene.deploy(release())
    await scene.deploy(release({ mcp: 'crash' }))
    expect((await verifiedImages(scene.cluster, NAMESPACE)).map(({ mcp }) => mcp)).toEqual(['todo-chat/mcp:1'])
  })

  it('is one line per revision', async () => {
    const scene = new Scene()
    expect(historyText(await history(scene.context()), NAMESPACE)).toBe('nothing was deployed in namespace todo-chat-dev')
    await scene.deploy(release())
    expect(historyText(await history(scene.context()), NAMESPACE)).toMatch(/^ {3}1 {2}succeeded .* deploy .* tester/)
  })
})

describe('status', () => {
  it('is healthy after a deploy, and says what runs', async () => {
    const scene = new Scene()
    await scene.deploy(release())
    const report = await status(scene.context())
    expect(report).toMatchObject({ healthy: true, revision: 1, who: 'tester' })
    expect(statusText(report)).toMatch(/✓ Deployment backend .* 2\/2 ready .*\n {6}todo-chat\/backend:1/)
  })

  it('is not healthy when a part is not', async () => {
    const scene = new Scene()
    await scene.deploy(release())
    scene.cluster.sabotage('mcp', 'crash')
    const report = await status(scene.context())
    expect(report.healthy).toBe(false)
    expect(statusText(report)).toMatch(/✗ Deployment mcp .*CrashLoopBackOff/)
  })

  it('of nothing says so', async () => {
    const scene = new Scene()
    const report = await status(scene.context())
    expect(report.healthy).toBe(false)
    expect(statusText(report)).toBe('nothing is deployed in namespace todo-chat-dev')
  })
})
