import { describe, expect, it } from 'vitest'
import type { Budget } from '../../../../deploy/src/proof/availability.ts'
import { history } from '../../../../deploy/src/commands/history.ts'
import { ClusterError, DeployError, LockHeld } from '../../../../deploy/src/errors.ts'
import { deploy } from '../../../../deploy/src/commands/deploy.ts'
import { plan } from '../../../../deploy/src/commands/plan.ts'
import type { KubeObject } from '../../../../deploy/src/release/objects.ts'
import type { RunReport } from '../../../../deploy/src/report/report.ts'
import { START } from '../../../fakes/clock.ts'
import { NAMESPACE, Scene, deployment, release } from '../_release.ts'

function names(writes: readonly string[], verb: string): string[] {
  return writes.filter((write) => write.startsWith(verb)).map((write) => write.slice(verb.length + 1))
}

function imageOf(object: KubeObject | undefined): string | undefined {
  return (object?.['spec'] as { template: { spec: { containers: { image: string }[] } } } | undefined)?.template.spec.containers[0]?.image
}

const BACKEND = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: NAMESPACE, name: 'backend' }

describe('a first release', () => {
  it('is put in place wave by wave', async () => {
    const scene = new Scene()
    const report = await scene.deploy(release())
    expect(report).toMatchObject({ result: 'succeeded', revision: 1 })
    expect(names(scene.cluster.writes, 'apply')).toEqual([
      'Namespace todo-chat-dev', 'ConfigMap environment', 'Secret todo-chat-jwt', 'StatefulSet postgres', 'CronJob backup', 'Job migrate',
      'Deployment mcp', 'Deployment agent', 'Deployment backend', 'Deployment frontend', 'Ingress todo-chat',
    ])
  })

  it('migrates without a backup, since there is nothing to back up, and says so', async () => {
    const report = await new Scene().deploy(release())
    expect(report.notes).toContain('no backup before the migration: there was no database yet')
  })

  it('that fails has nothing to go back to, and says so', async () => {
    const report = await new Scene().deploy(release({ backend: 'crash', migrate: '1' }))
    expect(report).toMatchObject({ result: 'failed', summary: 'revision 1 failed; there is no earlier revision to go back to' })
    expect(report.rollback).toBeUndefined()
  })
})

describe('the same release again', () => {
  it('changes nothing and makes no revision', async () => {
    const scene = new Scene()
    await scene.deploy(release())
    const writes = scene.cluster.writes.length
    const report = await scene.deploy(release())
    expect(report).toMatchObject({ result: 'unchanged', revision: 1 })
    expect(scene.cluster.writes.slice(writes)).toEqual([])
  })

  it('is proven anew after a run that failed: the same objects are no proof', async () => {
    const scene = new Scene()
    scene.cluster.answers.set('pod backend /api/info', { status: 503, headers: {}, body: '' })
    expect(await scene.deploy(release())).toMatchObject({ result: 'failed' })
    expect(await scene.deploy(release())).toMatchObject({ result: 'failed' })
    scene.cluster.answers.clear()
    expect(await scene.deploy(release())).toMatchObject({ result: 'succeeded', revision: 3 })
    expect(await scene.deploy(release())).toMatchObject({ result: 'unchanged' })
  })

  it('fails when what runs has become unhealthy', async () => {
    const scene = new Scene()
    await scene.deploy(release())
    scene.cluster.sabotage('backend', 'crash')
    const report = await scene.deploy(release())
    expect(report).toMatchObject({ result: 'failed', summary: 'nothing had to be changed, but what runs is not healthy' })
  })
})

describe('an upgrade', () => {
  it('changes only what differs, after a backup when it migrates', async () => {
    const scene = new Scene()
    await scene.deploy(release())
    const writes = scene.cluster.writes.length
    const report = await scene.deploy(release({ backend: '2' }))
    expect(report).toMatchObject({ result: 'succeeded', revision: 2, previousRevision: 1 })
    expect(scene.cluster.writes.slice(writes).filter((write) => !/ConfigMap todo-chat-|Secret todo-chat-rev/.test(write))).toEqual([
      'apply Job backup-before-2', 'delete Job migrate', 'apply Job migrate', 'apply Deployment backend',
    ])
  })

  it('does not migrate when the backup fails, and goes back', async () => {
    const scene = new Scene()
    await scene.deploy(release())
    const next = release({ backend: '2' }).map(({ object, source }) => ({
      object: object.kind === 'CronJob' ? { ...object, spec: { jobTemplate: { spec: { template: { spec: { containers: [{ name: 'backup', image: 'todo-chat/database:fails' }] } } } } } } : object,
      source,
    }))
    const writes = scene.cluster.writes.length
    const report = await scene.deploy(next)
    expect(report).toMatchObject({ result: 'rolled-back' })
    expect(report.failure?.message).toMatch(/the backup failed, so nothing was migrated/)
    expect(scene.cluster.writes.slice(writes)).not.toContain('delete Job migrate')
  })

  it('sends load for 2 s before the first change, and to the end of the soak time, in which the 2 s after the last old pod pass', async () => {
    const scene = new Scene()
    await scene.deploy(release())
    const { timeline, availability, startedAt, durationMs } = await scene.deploy(release({ frontend: '2' }), { rate: 10 })
    const [plan, frontend, verify] = ['plan', 'frontend', 'verify'].map((name) => timeline.phases.find((phase) => phase.name === name))
    const before = (frontend?.startedAt ?? 0) - (plan?.endedAt ?? 0)
    expect(before).toBeGreaterThanOrEqual(2_000)
    expect(before).toBeLessThan(2_500)
    expect(Date.parse(startedAt) + durationMs - (verify?.endedAt ?? 0)).toBeLessThan(500)
    expect(availability?.failures).toBe(0)
    expect(availability?.outside.requests).toBeGreaterThanOrEqual(40)
    expect(availability?.inside.requests).toBeGreaterThanOrEqual(20)
  })

  it('backs up while the load runs in front of the first change', async () => {
    const scene = new Scene()
    await scene.deploy(release())
    const { timeline } = await scene.deploy(release({ backend: '2' }), { rate: 10 })
    const at = (name: string): number => timeline.phases.find((phase) => phase.name === name)?.startedAt ?? 0
    expect(at('backup') - at('plan')).toBeLessThan(1_000)
    expect(at('migration') - at('backup')).toBeLessThan(3_000)
  })

  it('waits until no old pod is left', async () => {
    const scene = new Scene()
    await scene.deploy(release())
    const report = await scene.deploy(release({ frontend: '2' }))
    expect(report.timeline.pods.some(({ workload, old }) => workload === 'frontend' && old > 0)).toBe(true)
    expect(report.timeline.pods.filter(({ workload }) => workload === 'frontend').at(-1)).toMatchObject({ old: 0, ready: 2 })
  })

  it('removes what is no longer in the manifests, after the new version is proven', async () => {
    const scene = new Scene()
    const extra = { object: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'old', namespace: NAMESPACE }, data: { a: '1' } }, source: 'old.yaml' }
    await scene.deploy([...release(), extra])
    const report = await scene.deploy(release({ frontend: '2' }))
    expect(report.operations).toContainEqual(expect.objectContaining({ action: 'prune', ref: expect.objectContaining({ name: 'old' }) }))
    expect(scene.cluster.writes.indexOf('delete ConfigMap old')).toBeGreaterThan(scene.cluster.writes.lastIndexOf('apply Deployment frontend'))
  })

  it('keeps a volume that is no longer in the manifests, and still owns it', async () => {
    const scene = new Scene()
    const volume = { object: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'data', namespace: NAMESPACE }, spec: {} }, source: 'data.yaml' }
    await scene.deploy([...release(), volume])
    await scene.deploy(release({ frontend: '2' }))
    const report = await scene.deploy(release({ frontend: '3' }))
    expect(report.operations).toContainEqual(expect.objectContaining({ action: 'keep', ref: expect.objectContaining({ name: 'data' }) }))
    expect(scene.cluster.writes).not.toContain('delete PersistentVolumeClaim data')
    await scene.deploy(release({ frontend: '4' }), { pruneData: true })
    expect(scene.cluster.writes).toContain('delete PersistentVolumeClaim data')
  })
})

describe('a doomed release', () => {
  const CASES: readonly [name: string, tag: string, reason: string, seconds: number][] = [
    ['crashes at start', 'crash', 'CrashLoopBackOff', 10],
    ['has no image', 'missing', 'ErrImagePull', 10],
    ['is killed for memory', 'oom', 'OOMKilled', 10],
    ['never becomes ready', 'never-ready', 'ProgressDeadlineExceeded', 75],
    ['crashes after it was ready', 'crash-later', 'RestartedAfterReady', 20],
  ]
  it.each(CASES)('that %s is told by its reason and rolled back as a whole', async (_name, tag, reason, seconds) => {
    const scene = new Scene()
    await scene.deploy(release())
    const started = scene.clock.now()
    const report = await scene.deploy(release({ mcp: '2', backend: tag, migrate: '1' }))
    expect(report).toMatchObject({ result: 'rolled-back', revision: 2, rollback: { to: 1, succeeded: true } })
    expect(report.failure?.diagnosis).toMatchObject({ ref: { kind: 'Deployment', name: 'backend' }, reason, hint: expect.any(String) })
    expect(imageOf(await scene.cluster.get(BACKEND))).toBe('todo-chat/backend:1')
    expect(imageOf(await scene.cluster.get({ ...BACKEND, name: 'mcp' }))).toBe('todo-chat/mcp:1')
    const failedAt = report.timeline.phases.find(({ outcome, name }) => outcome === 'failed' || name === 'rollback')?.startedAt ?? 0
    expect(failedAt - started).toBeLessThan(seconds * 1000)
    expect((await history(scene.context()))[0]).toMatchObject({ revision: 2, result: 'rolled-back' })
  })

  it('is diagnosed before anything is undone, without secrets', async () => {
    const scene = new Scene()
    await scene.deploy(release(), { secretFiles: new Map([['jwt-key', Buffer.from('a very secret signing key of 32 b')]]) })
    scene.cluster.logsOf.set('backend/backend/previous', 'fatal: key a very secret signing key of 32 b is bad\npassword=hunter2')
    const report = await scene.deploy(release({ backend: 'crash', migrate: '1' }))
    const log = report.failure?.diagnosis?.pods[0]?.containers[0]?.previousLog
    expect(log).toBe('fatal: key *** is bad\npassword=***')
    expect(JSON.stringify(report)).not.toMatch(/very secret|hunter2/)
  })

  it('leaves a later tier untouched', async () => {
    const scene = new Scene()
    await scene.deploy(release())
    const writes = scene.cluster.writes.length
    await scene.deploy(release({ mcp: 'crash', frontend: '2' }))
    expect(scene.cluster.writes.slice(writes)).not.toContain('apply Deployment frontend')
  })

  it('of a migration keeps every workload as it was, and does not run the old migration', async () => {
    const scene = new Scene()
    await scene.deploy(release())
    const writes = scene.cluster.writes.length
    const report = await scene.deploy(release({ migrate: 'fails', backend: '2' }))
    expect(report).toMatchObject({ result: 'rolled-back', failure: { phase: 'migration' } })
    expect(scene.cluster.writes.slice(writes).filter((write) => /Deployment|Job migrate/.test(write))).toEqual(['delete Job migrate', 'apply Job migrate', 'delete Job migrate'])
    expect(await scene.deploy(release({ backend: '2' }))).toMatchObject({ result: 'succeeded' })
  })

  it('stays in place with rollBack off', async () => {
    const scene = new Scene()
    await scene.deploy(release())
    const report = await scene.deploy(release({ backend: 'crash', migrate: '1' }), { rollBack: false })
    expect(report).toMatchObject({ result: 'failed' })
    expect(imageOf(await scene.cluster.get(BACKEND))).toBe('todo-chat/backend:crash')
  })

  it('whose way back is broken too is not called rolled back', async () => {
    const scene = new Scene()
    await scene.deploy(release())
    const running = scene.deploy(release({ backend: 'crash', migrate: '1' }))
    await scene.clock.sleep(1_000)
    scene.cluster.sabotage('agent', 'crash')
    const report = await running
    expect(report).toMatchObject({ result: 'rollback-failed', rollback: { succeeded: false, failure: { diagnosis: { ref: { name: 'agent' } } } } })
    expect((await history(scene.context()))[0]).toMatchObject({ result: 'failed' })
  })

  it('that answers wrongly fails in verification, with the question', async () => {
    const scene = new Scene()
    await scene.deploy(release())
    scene.cluster.answers.set('pod mcp /mcp', { status: 200, headers: {}, body: '{"result":{"tools":[]}}' })
    const report = await scene.deploy(release({ mcp: '2' }))
    expect(report.failure).toMatchObject({ phase: 'verify', message: expect.stringMatching(/the MCP server lists its tools: the tools are none/) })
    expect(report.result).toBe('rollback-failed')
  })
})

describe('a release under which too many requests fail', () => {
  /** The page is not served for a second in the middle of the rollout. */
  const outage = async (maxFailed: Budget | undefined): Promise<RunReport> => {
    const scene = new Scene()
    await scene.deploy(release())
    let since: number | undefined
    scene.cluster.onRequest = (name, { path }) => {
      if (!name.endsWith(' frontend') || path !== '/') return
      if (scene.cluster.writes.slice(writes).includes('apply Deployment frontend')) since ??= scene.clock.now()
      if (since !== undefined && scene.clock.now() < since + 1_000) throw Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })
    }
    const writes = scene.cluster.writes.length
    return scene.deploy(release({ frontend: '2' }), { rate: 20, ...(maxFailed && { maxFailed }) })
  }

  it('is stopped in the middle and undone', async () => {
    const report = await outage({ failed: 0 })
    expect(report).toMatchObject({ result: 'rolled-back', failure: { message: expect.stringMatching(/1 of \d+ requests failed during the rollout, more than --max-failed allows/) } })
  })

  it('is good where they may, and the report has them', async () => {
    const report = await outage({ failed: 100 })
    expect(report.result).toBe('succeeded')
    expect(report.availability?.failures).toBeGreaterThan(1)
    expect((await outage(undefined)).result).toBe('succeeded')
  })

  it('is undone at its end where only the share of all of them is too high', async () => {
    expect(await outage({ share: 0.000_01 })).toMatchObject({ result: 'rolled-back', failure: { phase: 'verify' } })
  })
})

describe('pods that were broken before', () => {
  it('are not blamed on the release that mends them', async () => {
    const scene = new Scene()
    await scene.deploy(release())
    scene.cluster.sabotage('backend', 'crash')
    expect(await scene.deploy(release({ backend: '2', migrate: '1' }))).toMatchObject({ result: 'succeeded' })
  })

  it('of another part do not fail a release that leaves them as they are', async () => {
    const scene = new Scene()
    await scene.deploy(release())
    scene.cluster.sabotage('agent', 'crash')
    const report = await scene.deploy(release({ frontend: '2' }))
    expect(report).toMatchObject({ result: 'succeeded' })
    expect(report.notes).toContainEqual(expect.stringMatching(/Deployment agent is not healthy, and this release did not touch it/))
  })
})

describe('what is in the way', () => {
  it('another field manager is named, and nothing is changed', async () => {
    const scene = new Scene()
    await scene.deploy(release())
    scene.cluster.applyAs('hand', deployment('backend', 'todo-chat/backend:hot'), { force: true })
    const writes = scene.cluster.writes.length
    await expect(scene.deploy(release({ backend: '2' }))).rejects.toThrow(/owned by hand/)
    expect(scene.cluster.writes.slice(writes)).toEqual([])
    expect(await scene.deploy(release({ backend: '2' }), { force: true })).toMatchObject({ result: 'succeeded' })
  })

  it('an object of our name that somebody else made is named, with its maker', async () => {
    const scene = new Scene()
    scene.cluster.applyAs('helm', deployment('backend', 'other/app:1'))
    await expect(scene.deploy(release())).rejects.toThrow(/Deployment backend exists already and was made by helm/)
    expect(names(scene.cluster.writes, 'apply')).not.toContain('Deployment mcp')
  })

  it('a refusal of the API names object, source and field', async () => {
    const scene = new Scene()
    scene.cluster.refusals.set('patch Deployment mcp', new ClusterError('invalid', 'patch Deployment mcp: unknown field', { verb: 'patch', resource: 'Deployment', fields: [{ field: 'spec.replicsa', message: 'unknown field' }] }))
    const error: DeployError = await scene.deploy(release()).then(() => expect.unreachable('it was accepted'), (error: DeployError) => error)
    expect(error.name).toBe('BadInput')
    expect(error.message).toMatch(/Deployment mcp.*\[manifests\/mcp.yaml\]\n {4}spec.replicsa: unknown field/)
  })
})

describe('the lock', () => {
  it('lets a second deployer wait, and refuse when the first one lives', async () => {
    const scene = new Scene()
    await scene.deploy(release())
    const [first, second] = await Promise.allSettled([
      deploy(scene.context({ who: 'first' }), scene.input(release({ backend: 'slow', migrate: '1' }))),
      deploy(scene.context({ who: 'second' }), scene.input(release({ backend: '3', migrate: '1' }), { lockWaitMs: 10_000 })),
    ])
    expect(first).toMatchObject({ status: 'fulfilled', value: { result: 'succeeded' } })
    expect(second).toMatchObject({ status: 'rejected', reason: expect.any(LockHeld) })
    expect((second as PromiseRejectedResult).reason).toMatchObject({ message: expect.stringMatching(/first holds the lock/) })
  })

  it('of a killed deployer is taken over after 15 s, and its revision is marked', async () => {
    const scene = new Scene()
    await scene.deploy(release())
    scene.cluster.killDeployerAfter('apply Deployment mcp')
    expect(await scene.deploy(release({ mcp: '2', backend: '2', migrate: '1' }))).toMatchObject({ result: 'interrupted', failure: { message: expect.stringMatching(/killed/) } })
    scene.cluster.revive()
    const started = scene.clock.now()
    const report = await scene.deploy(release({ mcp: '2', backend: '2', migrate: '1' }))
    expect(report).toMatchObject({ result: 'succeeded', revision: 3 })
    expect(report.notes).toContainEqual(expect.stringMatching(/revision 2 by tester was interrupted/))
    const locked = report.timeline.phases.find(({ name }) => name === 'lock')
    expect((locked?.endedAt ?? 0) - started).toBeGreaterThanOrEqual(15_000)
    expect((locked?.endedAt ?? 0) - started).toBeLessThan(20_000)
  })

  it('is given back at the end', async () => {
    const scene = new Scene()
    await scene.deploy(release())
    const lease = await scene.cluster.get({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', namespace: NAMESPACE, name: 'todo-chat-deploy' })
    expect(lease?.['spec']).toMatchObject({ holderIdentity: '' })
  })
})

describe('a saved plan', () => {
  it('is carried out as it was reviewed', async () => {
    const scene = new Scene()
    await scene.deploy(release())
    const { saved, exitCode } = await plan(scene.context(), scene.input(release({ backend: '2', migrate: '1' })))
    expect(exitCode).toBe(2)
    const report = await scene.deploy([], { savedPlan: saved })
    expect(report).toMatchObject({ result: 'succeeded', images: { backend: 'todo-chat/backend:2' } })
  })

  it('is refused when the cluster has changed since, and nothing is changed', async () => {
    const scene = new Scene()
    await scene.deploy(release())
    const { saved } = await plan(scene.context(), scene.input(release({ backend: '2', migrate: '1' })))
    await scene.deploy(release({ backend: '3', migrate: '1' }))
    const writes = scene.cluster.writes.length
    await expect(scene.deploy([], { savedPlan: saved })).rejects.toThrow(/the cluster has changed since the plan was made/)
    expect(scene.cluster.writes.slice(writes)).toEqual([])
  })

  it.each([
    ['environment', { environment: 'staging' }, /the plan is for environment staging, not dev$/],
    ['namespace', { namespace: 'elsewhere' }, /the plan is for namespace elsewhere, not todo-chat-dev$/],
    ['server', { server: 'https://other.example:6443' }, /the plan is for server https:\/\/other\.example:6443, not /],
    ['commit', { commit: 'abc' }, /the plan is for commit abc, not def$/],
  ])('of another %s is refused, and nothing is changed', async (_what, change, message) => {
    const scene = new Scene()
    const { saved } = await plan(scene.context({ commit: 'def' }), scene.input(release()))
    const writes = scene.cluster.writes.length
    await expect(scene.deployAs({ commit: 'def' }, [], { savedPlan: { ...saved, ...change } })).rejects.toThrow(message)
    expect(scene.cluster.writes.slice(writes)).toEqual([])
  })

  it('is refused with other secret values, and holds none', async () => {
    const scene = new Scene()
    const secretFiles = new Map([['jwt-key', Buffer.from('the planned signing key of 32 byte')]])
    const { saved } = await plan(scene.context(), scene.input(release(), { secretFiles }))
    expect(JSON.stringify(saved)).not.toMatch(/planned signing|dGhlIHBsYW5uZWQ/)
    const other = new Map([['jwt-key', Buffer.from('quite another signing key, 32 byte')]])
    await expect(scene.deploy([], { savedPlan: saved, secretFiles: other })).rejects.toThrow(/the secret values are not those of the plan/)
  })
})

describe('limits', () => {
  it('the time limit of the way forward ends in a rollback', async () => {
    const scene = new Scene()
    await scene.deploy(release())
    const report = await scene.deploy(release({ backend: 'never-ready', migrate: '1' }), { timeoutMs: 30_000 })
    expect(report).toMatchObject({ result: 'rolled-back', failure: { message: expect.stringMatching(/longer than 30.0 s/) } })
    expect(scene.clock.now() - START).toBeLessThan(120_000)
  })

  it('Ctrl-C leaves the release where it is and says so in the history', async () => {
    const scene = new Scene()
    await scene.deploy(release())
    const interrupt = new AbortController()
    const running = deploy(scene.context({ interrupt: interrupt.signal }), scene.input(release({ backend: 'slow', migrate: '1' })))
    await scene.clock.sleep(10_000)
    interrupt.abort(new DeployError('stopped by SIGINT'))
    expect(await running).toMatchObject({ result: 'interrupted', summary: expect.stringMatching(/stopped by SIGINT; what was written stays/) })
    expect((await history(scene.context()))[0]).toMatchObject({ revision: 2, result: 'interrupted' })
  })
})
