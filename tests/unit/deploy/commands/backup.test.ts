import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { V1PodSpec } from '@kubernetes/client-node'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { backup } from '../../../../deploy/src/commands/backup.ts'
import { restoreDrill } from '../../../../deploy/src/commands/restore-drill.ts'
import { restore, restoreAside } from '../../../../deploy/src/commands/restore.ts'
import { drillPod } from '../../../../deploy/src/database/pod.ts'
import { BadInput } from '../../../../deploy/src/errors.ts'
import { lockHolder } from '../../../../deploy/src/cluster/lock.ts'
import type { KubeObject } from '../../../../deploy/src/release/objects.ts'
import { NAMESPACE, Scene, release } from '../_release.ts'

const FOLDER = mkdtempSync(join(tmpdir(), 'backup-test-'))
const MANIFEST = { created_at: '2026-01-01T00:00:00Z', database: 'todo', schema_revision: '0001', rows: { 'public.tasks': 3 }, content_hash: 'c0ffee' }
/** A backup of a database outside the cluster, as it is rendered. */
const CRON_JOB: KubeObject = {
  apiVersion: 'batch/v1',
  kind: 'CronJob',
  metadata: { name: 'backup', namespace: NAMESPACE, labels: { 'app.kubernetes.io/name': 'backup', 'app.kubernetes.io/component': 'backup' } },
  spec: {
    jobTemplate: {
      spec: {
        template: {
          metadata: { labels: { 'app.kubernetes.io/name': 'backup', 'app.kubernetes.io/component': 'backup' } },
          spec: {
            containers: [{ name: 'backup', image: 'todo-chat/backup:1', command: ['backup', '/backup'], envFrom: [{ configMapRef: { name: 'database' } }], volumeMounts: ['tmp', 'backup', 'database'].map((name) => ({ name, mountPath: `/${name}` })) }],
            volumes: [
              { name: 'tmp', emptyDir: {} },
              { name: 'backup', persistentVolumeClaim: { claimName: 'postgres-backup' } },
              { name: 'database', secret: { secretName: 'todo-chat-database', defaultMode: 288, items: [{ key: 'backup-password', path: 'backup-password' }] } },
            ],
          },
        },
      },
    },
  },
}
const RUN = { lockWaitMs: 10_000, timeoutMs: 600_000 }

afterAll(() => rmSync(FOLDER, { recursive: true }))

let scene: Scene
let file: string

beforeEach(async () => {
  scene = new Scene()
  await scene.deploy(release())
  file = join(mkdtempSync(join(FOLDER, 'run-')), 'backup.tar')
  scene.cluster.logsOf.set('backup/backup', `${JSON.stringify(MANIFEST)}\nbackup: /backup/20260101T000000Z\n`)
  scene.cluster.execs.set('tar', { output: 'an archive' })
  scene.cluster.execs.set('sh', { output: `${createHash('sha256').update('an archive').digest('hex')}  -\n` })
  scene.cluster.execs.set('restore', { output: JSON.stringify(MANIFEST) })
})

/** Pods that were made for one command. */
function helpers(): Promise<string[]> {
  return scene.cluster.list({ apiVersion: 'v1', kind: 'Pod' }, NAMESPACE).then((pods) => pods.map(({ metadata }) => metadata.name).filter((name) => /^(backup-reader|restore-drill)/.test(name)))
}

describe('backup', () => {
  it('brings a copy of what the backup Job wrote, readable by nobody else', async () => {
    expect(await backup(scene.context(), file)).toMatchObject({ folder: '/backup/20260101T000000Z', bytes: 10 })
    expect(readFileSync(file, 'utf8')).toBe('an archive')
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(await helpers()).toEqual([])
  })

  it('leaves no file behind when the copy is not what is on the volume', async () => {
    scene.cluster.execs.set('sh', { output: 'another sum' })
    await expect(backup(scene.context(), file)).rejects.toThrow(/the copy differs from the backup on its volume/)
    expect(readdirSync(join(file, '..'))).toEqual([])
    expect(await helpers()).toEqual([])
  })

  it('is no success when the Job does not say where the backup is', async () => {
    scene.cluster.logsOf.set('backup/backup', 'done\n')
    await expect(backup(scene.context(), file)).rejects.toThrow(/did not say where its backup is/)
  })

  it('is refused where nothing was deployed', async () => {
    const empty = new Scene()
    await expect(backup(empty.context(), file)).rejects.toMatchObject({ name: 'BadInput', message: expect.stringMatching(/no CronJob of component backup/) })
  })
})

describe('restore', () => {
  beforeEach(() => writeFileSync(file, 'an archive'))

  it('holds the lock until the database is back', async () => {
    const holders: (string | undefined)[] = []
    const { exec } = scene.cluster
    scene.cluster.exec = async (...args) => {
      await scene.clock.sleep(20_000)
      holders.push(await lockHolder(scene.cluster, NAMESPACE, scene.clock.now()))
      return exec.apply(scene.cluster, args)
    }
    expect(await restore(scene.context(), { ...RUN, file, force: false })).toEqual(MANIFEST)
    expect(holders).toEqual(['tester'])
    expect(await lockHolder(scene.cluster, NAMESPACE, scene.clock.now())).toBeUndefined()
  })

  it('into a database with rows is bad input, and says how to replace them', async () => {
    scene.cluster.execs.set('restore', { exitCode: 3, stderr: 'restore: the database has 66 rows; nothing was changed.' })
    const refusal = restore(scene.context(), { ...RUN, file, force: false })
    await expect(refusal).rejects.toBeInstanceOf(BadInput)
    await expect(refusal).rejects.toMatchObject({ message: expect.stringMatching(/66 rows/), next: expect.stringMatching(/--force/) })
  })

  it('goes into a database outside the cluster from a pod of its own, which reaches it as a backup does', async () => {
    const outside = new Scene()
    await outside.cluster.apply(CRON_JOB)
    outside.cluster.execs.set('restore', { output: JSON.stringify(MANIFEST) })
    const applied: KubeObject[] = []
    const { apply } = outside.cluster
    outside.cluster.apply = async (object, ...rest) => {
      applied.push(object)
      return apply.call(outside.cluster, object, ...rest)
    }
    expect(await restore(outside.context(), { ...RUN, file, force: true })).toEqual(MANIFEST)
    const pod = applied.find(({ kind, metadata }) => kind === 'Pod' && metadata.name.startsWith('restore-'))
    // The network policy of the backup lets it out.
    expect(pod?.metadata.labels).toMatchObject({ 'app.kubernetes.io/name': 'backup', 'app.kubernetes.io/component': 'backup' })
    const { containers, volumes = [] } = pod?.['spec'] as V1PodSpec
    expect(containers[0]).toMatchObject({ envFrom: [{ configMapRef: { name: 'database' } }], env: [{ name: 'TMPDIR', value: '/backup' }] })
    expect(volumes.find(({ name }) => name === 'database')?.secret?.items?.map(({ key }) => key)).toEqual(['backup-password', 'migrator-password'])
    expect(outside.cluster.writes.filter((write) => write.includes('Pod restore-')).map((write) => write.split(' ')[0])).toEqual(['apply', 'delete'])
  })

  it.each(['undo', 'forget'] as const)('%s is asked of the database’s own command, and its words are the answer', async (action) => {
    const asked: (readonly string[])[] = []
    const { exec } = scene.cluster
    scene.cluster.exec = async (...args) => {
      asked.push(args[1])
      return exec.apply(scene.cluster, args)
    }
    scene.cluster.execs.set('restore', { stderr: 'restore: before_restore_1 is back' })
    expect(await restoreAside(scene.context(), { ...RUN, action })).toBe('restore: before_restore_1 is back')
    expect(asked).toEqual([['restore', `--${action}`]])
    scene.cluster.execs.set('restore', { exitCode: 3, stderr: 'restore: nothing was put aside' })
    await expect(restoreAside(scene.context(), { ...RUN, action })).rejects.toMatchObject({ name: 'BadInput', message: 'restore: nothing was put aside' })
    scene.cluster.execs.set('restore', { exitCode: 1, stderr: 'restore: nothing was changed' })
    await expect(restoreAside(scene.context(), { ...RUN, action })).rejects.toThrow(/exit code 1: restore: nothing was changed/)
  })

  it('of a file that is not there is bad input, and gives the lock back', async () => {
    await expect(restore(scene.context(), { ...RUN, file: '/does/not/exist', force: false })).rejects.toMatchObject({ name: 'BadInput', message: expect.stringMatching(/--from \/does\/not\/exist: cannot be read \(ENOENT\)/) })
    expect(await lockHolder(scene.cluster, NAMESPACE, scene.clock.now())).toBeUndefined()
  })
})

describe('restore-drill', () => {
  it('restores into a PostgreSQL of its own, and removes it', async () => {
    writeFileSync(file, 'an archive')
    expect(await restoreDrill(scene.context(), file)).toMatchObject({ manifest: MANIFEST })
    expect(scene.cluster.writes.filter((write) => write.includes('restore-drill')).map((write) => write.split(' ')[0])).toEqual(['apply', 'delete'])
  })

  it('makes a backup first when none is given', async () => {
    await restoreDrill(scene.context())
    expect(scene.cluster.writes).toContainEqual(expect.stringMatching(/^apply Job backup-2026/))
    expect(await helpers()).toEqual([])
  })

  it('that fails is no success, and removes its PostgreSQL as well', async () => {
    writeFileSync(file, 'an archive')
    scene.cluster.execs.set('restore', { exitCode: 1, stderr: 'restore: public.tasks has 2 rows, the manifest says 3' })
    await expect(restoreDrill(scene.context(), file)).rejects.toThrow(/public.tasks has 2 rows/)
    expect(await helpers()).toEqual([])
  })

  it('has every password, storage that goes with it, no settings of the release and no claim', () => {
    const { spec } = drillPod(CRON_JOB, 'restore-drill-1') as unknown as { spec: V1PodSpec }
    expect(spec.volumes).toEqual([{ name: 'tmp', emptyDir: {} }, { name: 'database', secret: { secretName: 'todo-chat-database', defaultMode: 288 } }, { name: 'data', emptyDir: {} }, { name: 'run', emptyDir: {} }])
    expect(spec.containers).toMatchObject([{ image: 'todo-chat/backup:1', command: ['database-entrypoint'], volumeMounts: [{ name: 'tmp' }, { name: 'database' }, { name: 'data' }, { name: 'run' }] }])
    expect(spec.containers[0]?.envFrom).toBeUndefined()
  })
})
