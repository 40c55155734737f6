import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { drillPod, findBackupCronJob, withPod } from '../database/pod.ts'
import { phase } from '../rollout/run.ts'
import type { Context } from '../session.ts'
import { backup, lockless } from './backup.ts'
import { type RestoredManifest, restoreInto } from './restore.ts'

export interface DrillReport {
  manifest: RestoredManifest
  durationMs: number
}

/**
 * Proves that a backup can be restored: into a fresh PostgreSQL of its own, which is compared (rows, content hash, schema revision) and
 * removed. The application and its database are not touched.
 * @param file the archive; a new backup is made when it is not given
 */
export async function restoreDrill(context: Context, file?: string): Promise<DrillReport> {
  const run = lockless(context)
  const started = run.clock.now()
  const folder = await mkdtemp(join(tmpdir(), 'restore-drill-'))
  try {
    const archive = file ?? (await backup(context, join(folder, 'backup.tar'))).file
    const name = `restore-drill-${run.clock.now().toString(36)}`
    const manifest = await phase(run, 'restore', `into pod ${name}`, async () => withPod(run, drillPod(await findBackupCronJob(run), name), (container) => restoreInto(run, container, archive, false)))
    return { manifest, durationMs: run.clock.now() - started }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
