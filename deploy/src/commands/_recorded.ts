/** What deploy and rollback have in common: a record that begins and ends, the figures of the load, and how a run ends. */
import type { Clock } from '../_poll.ts'
import { type Revision, finishRevision, nextRevision } from '../cluster/history.ts'
import { type DeployError, describe } from '../errors.ts'
import type { Measurement } from '../proof/measure.ts'
import type { RunReport } from '../report/report.ts'
import type { Context, Session } from '../session.ts'

/** What a run adds to its report at its end. */
export type End = Pick<RunReport, 'result' | 'summary'> & Partial<RunReport>

/** The record of a run that is about to write. Nothing is stored yet. @throws LockLost */
export async function newRecord({ cluster, namespace, clock, who }: Context, { lock }: Session, facts: Pick<Revision, 'action' | 'commit' | 'images' | 'summary' | 'rollbackTo'>): Promise<Revision> {
  await lock.assertHeld()
  return { ...facts, revision: await nextRevision(cluster, namespace), startedAt: new Date(clock.now()).toISOString(), result: 'running', who, fence: lock.fence }
}

/** Writes the end of a run into its record. */
export async function finishRecord({ cluster, namespace, clock }: Context, record: Revision, { result, summary }: Pick<Revision, 'result' | 'summary'>): Promise<void> {
  await finishRevision(cluster, namespace, { ...record, result, finishedAt: new Date(clock.now()).toISOString(), summary })
}

/** Puts the figures of the load into the report, or why there are none. */
export async function addFigures(report: RunReport, measurement: Measurement): Promise<void> {
  const figures = await measurement.finish()
  if (typeof figures === 'string') report.notes.push(figures)
  else report.availability = figures
}

/**
 * The end of a run that was stopped after it had begun to write: told by a report like every other end.
 * @param left what becomes of what was written
 */
export function interruptedBy(error: DeployError, { timeline }: RunReport, left: string): End {
  return { result: 'interrupted', summary: `${headline(error)}; ${left}`, failure: { phase: timeline.phases.at(-1)?.name ?? 'start', message: describe(error) } }
}

/** The first line of what an error says. */
export function headline(error: DeployError): string {
  return describe(error).split('\n')[0] ?? ''
}

/** The whole report. */
export function ended(report: RunReport, end: End, clock: Clock): RunReport {
  return { ...report, ...end, durationMs: clock.now() - Date.parse(report.startedAt) }
}
