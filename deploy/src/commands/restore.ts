import { open } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { type PodContainer, databaseContainer, findBackupCronJob, restorerPod, runInside, withPod } from '../database/pod.ts'
import { BadInput, DeployError } from '../errors.ts'
import { type Run, phase } from '../rollout/run.ts'
import { type Context, type SessionOptions, openSession } from '../session.ts'

/** What a restored database holds, by the manifest of its backup. */
export interface RestoredManifest {
  created_at: string
  database: string
  schema_revision: string
  rows: Record<string, number>
  /** Of all rows; archives of earlier versions have none of this kind. */
  content_hash?: string
}

/** Exit code with which the image's `restore` refuses. */
const REFUSED = 3

/**
 * Puts a backup in place of the database's content, which is put aside. No deployment may run meanwhile.
 * @param force replace rows that are there
 * @throws BadInput when the database is not empty, or the archive is no backup; nothing was changed then
 */
export async function restore(context: Context, input: SessionOptions & { file: string; force: boolean }): Promise<RestoredManifest> {
  await using session = await openSession(context, input)
  const { run } = session
  // Awaited here: the lock is given back when this function is left.
  return await phase(run, 'restore', input.file, () => besideDatabase(run, (container) => restoreInto(run, container, input.file, input.force)))
}

/** What can be done with the content that restores have put aside: bring the newest back in the place of what is there, or drop all of it. */
export type AsideAction = 'undo' | 'forget'

/**
 * @returns what was done
 * @throws BadInput when nothing was put aside that could come back
 */
export async function restoreAside(context: Context, input: SessionOptions & { action: AsideAction }): Promise<string> {
  await using session = await openSession(context, input)
  const { run } = session
  return await phase(run, 'restore', input.action, () => besideDatabase(run, async (container) => (await runRestore(run, container, [`--${input.action}`], 'restore an archive')).said))
}

/** Runs `work` where the database's commands reach it: beside it, or in a pod that may leave the cluster for it. */
async function besideDatabase<Value>(run: Run, work: (container: PodContainer) => Promise<Value>): Promise<Value> {
  const container = await databaseContainer(run)
  return container === undefined ? withPod(run, restorerPod(await findBackupCronJob(run), `restore-${run.clock.now().toString(36)}`), work) : work(container)
}

/** Feeds an archive to the `restore` of the database's image, which also compares what came back. */
export async function restoreInto(run: Run, container: PodContainer, file: string, force: boolean): Promise<RestoredManifest> {
  const archive = await open(file).catch((cause: NodeJS.ErrnoException) => {
    throw new BadInput(`--from ${file}: cannot be read (${cause.code ?? 'unknown reason'})`, { cause, next: 'give an archive made by backup' })
  })
  const next = force ? 'give an archive made by backup' : 'restore into an empty database, or replace what is there with --force'
  return JSON.parse((await runRestore(run, container, force ? ['--force'] : [], next, archive.createReadStream())).stdout) as RestoredManifest
}

/** @param next what to do about a refusal */
async function runRestore(run: Run, container: PodContainer, args: readonly string[], next: string, archive?: Readable): Promise<{ stdout: string; said: string }> {
  const { exitCode, stdout, said } = await runInside(run, container, ['restore', ...args], archive)
  if (exitCode === REFUSED) throw new BadInput(said, { next })
  if (exitCode !== 0) throw new DeployError(`restore ended with exit code ${exitCode}: ${said}`)
  return { stdout, said }
}
