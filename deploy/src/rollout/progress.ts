/** What a run tells while it goes on, and how it is written as lines. The CLI prints, the report records. */
import { formatDuration } from '../_duration.ts'
import type { Clock } from '../_poll.ts'
import type { Counts } from '../kinds/assessment.ts'
import { type ObjectRef, keyOf, nameOf } from '../release/objects.ts'
import type { Action } from '../plan/plan.ts'

/** Lines of what has not changed are repeated so often, in ms. */
const REMINDER = 30_000

/** One watched object at one moment. */
export interface WorkloadRow {
  ref: ObjectRef
  state: 'current' | 'progressing' | 'doomed'
  reason: string
  message: string
  /** For kinds that own pods. */
  counts?: Counts
  /** Since the object was applied in this run, in ms. */
  ageMs: number
  /** The newest event about the object or its new pods. */
  lastEvent?: string
}

export type ProgressEvent =
  | { type: 'phase'; name: string; detail: string }
  | { type: 'operation'; action: Action; ref: ObjectRef; reason: string }
  | { type: 'workloads'; rows: readonly WorkloadRow[] }
  | { type: 'note'; text: string }
  | { type: 'trouble'; text: string }

export type Progress = (event: ProgressEvent) => void

/** The lines of an event, without colour. */
export function progressLines(event: ProgressEvent): string[] {
  switch (event.type) {
    case 'phase':
      return [`▸ ${event.name}${event.detail === '' ? '' : `: ${event.detail}`}`]
    case 'operation':
      return [`  ${event.action.padEnd(9)} ${nameOf(event.ref)}  (${event.reason})`]
    case 'workloads':
      return event.rows.map(rowLine)
    case 'note':
      return [`  ${event.text}`]
    case 'trouble':
      return [`! ${event.text}`]
  }
}

const SIGNS = { current: '✓', progressing: '…', doomed: '✗' } as const

function rowLine({ ref, state, message, counts, ageMs, lastEvent }: WorkloadRow): string {
  const pods = counts === undefined ? '' : `  new ${counts.updated}/${counts.desired}  ready ${counts.ready}  old ${counts.old}${counts.restarts > 0 ? `  restarts ${counts.restarts}` : ''}`
  const event = lastEvent === undefined || state === 'current' || message.includes(lastEvent) ? '' : `  · ${lastEvent}`
  return `  ${SIGNS[state]} ${nameOf(ref).padEnd(24)}${pods}  ${formatDuration(ageMs).padStart(7)}  ${message}${event}`
}

/** Tells only rows that changed, and all that are not done every 30 s. */
export function changePrinter(run: { progress: Progress; clock: Clock }): (rows: readonly WorkloadRow[]) => void {
  const told = new Map<string, string>()
  let reminded = run.clock.now()
  return (rows) => {
    const remind = run.clock.now() - reminded >= REMINDER
    if (remind) reminded = run.clock.now()
    const news = rows.filter((row) => {
      const text = JSON.stringify([row.state, row.message, row.counts])
      const changed = told.get(keyOf(row.ref)) !== text
      told.set(keyOf(row.ref), text)
      return changed || (remind && row.state !== 'current')
    })
    if (news.length > 0) run.progress({ type: 'workloads', rows: news })
  }
}
