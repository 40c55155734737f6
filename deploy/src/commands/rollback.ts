import { type IngressAddress, openEntrances } from '../proof/entrances.ts'
import { BadInput, DeployError } from '../errors.ts'
import { type Revision, beginRevision, currentRevision, nextRevision, readNewestGood, readRevision, trimHistory } from '../cluster/history.ts'
import { startMeasurement } from '../proof/measure.ts'
import { proberFor } from '../proof/prober.ts'
import type { RunReport } from '../report/report.ts'
import { rollBack, withPresentSecrets, withoutForeignSecrets } from '../rollout/rollback.ts'
import { withSecretRolls } from '../plan/secretroll.ts'
import { type Context, type SessionOptions, newReport, openSession } from '../session.ts'
import { addFigures, ended, finishRecord, headline, interruptedBy, newRecord } from './_recorded.ts'

export interface RollbackCommandInput extends SessionOptions {
  /** The revision to bring back; the good one before the current one when it is not given. */
  to?: number
  /** Bring back the values of the revision's Secrets too (default: they keep the values they have). */
  restoreSecrets?: boolean
  ingress?: IngressAddress
  rate: number
  soakMs: number
}

/**
 * Brings a kept revision back and proves it. It becomes the newest revision.
 * @throws BadInput when there is no such revision, LockHeld
 */
export async function rollback(context: Context, input: RollbackCommandInput): Promise<RunReport> {
  const { cluster, namespace, clock } = context
  await using session = await openSession(context, input)
  const stored = await withoutForeignSecrets(cluster, namespace, await readRevision(cluster, namespace, input.to ?? previousGood(session.history, namespace)))
  const { objects: present, kept } = input.restoreSecrets === true ? { ...stored, kept: [] } : await withPresentSecrets(cluster, stored.objects)
  // Restored values reach only pods that are rolled.
  const before = await readNewestGood(cluster, namespace, session.history)
  const to = { ...stored, objects: before === undefined ? present : withSecretRolls(present, before.objects, await nextRevision(cluster, namespace), 'own') }
  const objects = to.objects.map(({ object }) => object)
  await using entrances = openEntrances(context.application.proof, cluster, namespace, objects, input.ingress, clock)
  const prober = await proberFor(entrances.proof.tokens, cluster, namespace, objects, clock.now())
  const report = await newReport(context, session, 'rollback')
  report.images = to.images
  if (kept.length > 0) report.notes.push(`Secrets keep the values they have, which are not those of revision ${to.revision}: ${kept.join(', ')}; --restore-secrets brings those back`)
  await using measurement = await startMeasurement(clock, entrances, prober, input.rate)
  const { commit, images } = to
  const facts = { action: 'rollback', ...(commit === undefined ? {} : { commit }), images, summary: `rollback to revision ${to.revision}`, rollbackTo: to.revision } as const
  const record = await beginRevision(cluster, namespace, await newRecord(context, session, facts), to.objects)
  report.revision = record.revision
  try {
    const { failure, checks, operations, notes } = await rollBack(session.run, {
      to,
      revision: record.revision,
      entrances,
      prober,
      soakMs: input.soakMs,
      lock: session.lock,
      beforeFirstChange: () => measurement.rolloutStarts(),
      onOldPodsGone: () => measurement.rolloutEnds(),
    })
    report.operations = operations.map(({ action, ref, reason }) => ({ action, ref, reason }))
    report.notes.push(...notes)
    await addFigures(report, measurement)
    const summary = failure === undefined ? `revision ${to.revision} is back and verified` : `revision ${to.revision} could not be brought back`
    await finishRecord(context, record, { result: failure === undefined ? 'succeeded' : 'failed', summary })
    await trimHistory(cluster, namespace)
    return ended(report, { result: failure === undefined ? 'succeeded' : 'rollback-failed', summary, checks, ...(failure && { failure }) }, clock)
  } catch (error) {
    if (!(error instanceof DeployError)) throw error
    await finishRecord(context, record, { result: 'interrupted', summary: headline(error) }).catch(() => undefined)
    return ended(report, interruptedBy(error, report, 'what was written stays'), clock)
  }
}

function previousGood(history: readonly Revision[], namespace: string): number {
  const current = currentRevision(history)?.revision
  const target = history.find(({ result, revision }) => result === 'succeeded' && revision !== current)
  if (target === undefined) throw new BadInput(`namespace ${namespace} has no earlier good revision`, { next: 'see what is kept with history, and name a revision with --to' })
  return target.revision
}
