import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { PassThrough } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { runBackup } from '../database/backup.ts'
import { type PodContainer, findBackupCronJob, readerPod, runInside, withPod } from '../database/pod.ts'
import { DeployError } from '../errors.ts'
import { type Run, newTimeline, phase } from '../rollout/run.ts'
import type { Context } from '../session.ts'

export interface BackupReport {
  /** The archive on this machine. */
  file: string
  bytes: number
  sha256: string
  /** The folder on the backup volume: `/backup/20260101T031700Z`. */
  folder: string
}

/** A run without the lock: a backup disturbs no deployment. */
export function lockless({ cluster, clock, namespace, progress, interrupt }: Context): Run {
  return { cluster, clock, namespace, progress, signal: interrupt, timeline: newTimeline() }
}

/**
 * Backs the database up, keeps the backup on its volume, and brings a copy here as one archive. The file appears when it is complete.
 * @throws BadInput when the database is not in the cluster, DeployError when the backup or the copy fails
 */
export async function backup(context: Context, file: string): Promise<BackupReport> {
  const run = lockless(context)
  const cronJob = await findBackupCronJob(run)
  const stamp = new Date(run.clock.now()).toISOString().replace(/[-:]|\.\d+/g, '').toLowerCase()
  const log = await phase(run, 'backup', '', () => runBackup(run, cronJob, `backup-${stamp}`))
  const folder = /^backup: (\/\S+)$/.exec(log.at(-1) ?? '')?.[1]
  if (folder === undefined) throw new DeployError(`the backup Job backup-${stamp} did not say where its backup is`, { next: `read its log: kubectl logs job/backup-${stamp}` })
  return phase(run, 'copy', folder, () =>
    withPod(run, readerPod(cronJob, `backup-reader-${stamp}`), async (container) => {
      const copied = await copy(run, container, folder, file)
      return { file, folder, ...copied }
    }),
  )
}

async function copy(run: Run, container: PodContainer, folder: string, file: string): Promise<{ bytes: number; sha256: string }> {
  const slash = folder.lastIndexOf('/')
  const archive = ['tar', '--create', `--directory=${folder.slice(0, slash)}`, folder.slice(slash + 1)]
  const hash = createHash('sha256')
  let bytes = 0
  const counted = new PassThrough()
  counted.on('data', (chunk: Buffer) => {
    hash.update(chunk)
    bytes += chunk.length
  })
  const partial = `${file}.partial`
  try {
    const writing = pipeline(counted, createWriteStream(partial, { mode: 0o600 }))
    const { exitCode, stderr } = await run.cluster.exec(container, archive, counted)
    await writing
    if (exitCode !== 0) throw new DeployError(`the backup could not be read: ${stderr.trim()}`)
    const sha256 = hash.digest('hex')
    const expected = await textOf(run, container, ['sh', '-c', '"$@" | sha256sum', 'sh', ...archive])
    if (!expected.startsWith(sha256)) throw new DeployError('the copy differs from the backup on its volume', { next: 'run backup again' })
    await rename(partial, file)
    return { bytes, sha256 }
  } catch (error) {
    await rm(partial, { force: true })
    throw error
  }
}

/** Standard output of a command in a container. */
export async function textOf(run: Run, container: PodContainer, command: readonly string[]): Promise<string> {
  const { exitCode, stdout, said } = await runInside(run, container, command)
  if (exitCode !== 0) throw new DeployError(`${command[0]} in pod ${container.name} ended with exit code ${exitCode}: ${said}`)
  return stdout
}
