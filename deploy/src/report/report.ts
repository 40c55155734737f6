/** What a run was, as data, and as text, Markdown and JSON. Pure. The page is made in page.ts. */
import { formatDuration } from '../_duration.ts'
import type { Availability } from '../proof/availability.ts'
import type { Diagnosis } from '../rollout/diagnose.ts'
import type { Images } from '../release/images.ts'
import { nameOf, type ObjectRef } from '../release/objects.ts'
import type { Action } from '../plan/plan.ts'
import type { Failure } from '../rollout/rollout.ts'
import type { Timeline } from '../rollout/run.ts'
import type { Check } from '../proof/verify.ts'

export type RunResult =
  | 'succeeded' // the release is in place and proven
  | 'unchanged' // nothing had to be done, and what runs is healthy
  | 'rolled-back' // failed; the revision before is back and proven
  | 'rollback-failed' // failed, and so did the way back
  | 'failed' // failed; nothing was rolled back
  | 'interrupted' // stopped by a signal or by another deployer

export interface RollbackReport {
  /** The revision that was brought back. */
  to: number
  succeeded: boolean
  durationMs: number
  failure?: Failure
  checks: Check[]
}

export interface RunReport {
  format: 1
  action: 'deploy' | 'rollback'
  environment: string
  namespace: string
  server: string
  kubernetes: string
  /** 0 when the run ended before it had one. */
  revision: number
  previousRevision?: number
  who: string
  commit?: string
  /** RFC 3339. */
  startedAt: string
  durationMs: number
  result: RunResult
  /** One sentence. */
  summary: string
  images: Images
  operations: { action: Action; ref: ObjectRef; reason: string }[]
  checks: Check[]
  failure?: Failure
  rollback?: RollbackReport
  /** Absent when it was not measured; a note says why. */
  availability?: Availability
  notes: string[]
  timeline: Timeline
}

/** 0 when the release is in place and proven, otherwise 1. */
export function exitCodeOfResult(result: RunResult): 0 | 1 {
  return result === 'succeeded' || result === 'unchanged' ? 0 : 1
}

const MARKS: Record<RunResult, string> = { succeeded: '✓', unchanged: '✓', 'rolled-back': '↩', 'rollback-failed': '✗', failed: '✗', interrupted: '✗' }

/** A line such as `2 create, 1 update, 40 unchanged`. */
export function countLine(operations: readonly { action: Action }[]): string {
  const counts = new Map<Action, number>()
  for (const { action } of operations) counts.set(action, (counts.get(action) ?? 0) + 1)
  return [...counts].map(([action, count]) => `${count} ${action}`).join(', ') || 'nothing'
}

/** The lines of a diagnosis, indented by depth. */
export function diagnosisLines({ ref, reason, message, hint, conditions, events, pods }: Diagnosis): string[] {
  const lines = [`${nameOf(ref)}: ${reason}`, `  ${message}`]
  if (hint !== undefined) lines.push(`  Next: ${hint}`)
  for (const condition of conditions) lines.push(`  condition ${condition}`)
  for (const event of events) lines.push(`  event ${event}`)
  for (const pod of pods) {
    lines.push(`  pod ${pod.name}${pod.ready ? ' (ready)' : ''}`)
    for (const event of pod.events) lines.push(`    event ${event}`)
    for (const container of pod.containers) {
      lines.push(`    container ${container.name}: ${container.state}, ${container.restarts} restarts, image ${container.image}`)
      if (container.previousLog !== undefined) lines.push('      log before the last restart:', ...indent(container.previousLog))
      if (container.log !== undefined) lines.push('      log:', ...indent(container.log))
    }
  }
  return lines
}

function indent(text: string): string[] {
  return text.split('\n').map((line) => `        ${line}`)
}

/** The report as plain text, for a terminal. */
export function toText(report: RunReport): string {
  const lines = [`${MARKS[report.result]} ${report.action} ${report.environment}: ${report.result}, ${report.summary}`]
  lines.push(`  revision ${report.revision || 'none'}${report.previousRevision === undefined ? '' : ` (before: ${report.previousRevision})`}, namespace ${report.namespace}, Kubernetes ${report.kubernetes}, ${formatDuration(report.durationMs)}`)
  lines.push(`  ${countLine(report.operations)}`)
  for (const { name, result, detail } of report.checks) lines.push(`  ${result === 'passed' ? '✓' : result === 'failed' ? '✗' : '–'} ${name}: ${detail}`)
  if (report.availability) lines.push(...availabilityLines(report.availability).map((line) => `  ${line}`))
  for (const note of report.notes) lines.push(`  note: ${note}`)
  if (report.failure) {
    lines.push(`Failed in phase ${report.failure.phase}: ${report.failure.message}`)
    if (report.failure.diagnosis) lines.push(...diagnosisLines(report.failure.diagnosis).map((line) => `  ${line}`))
  }
  if (report.rollback) {
    const { to, succeeded, durationMs, failure, checks } = report.rollback
    lines.push(succeeded ? `Rolled back to revision ${to} and verified in ${formatDuration(durationMs)}` : `The rollback to revision ${to} FAILED: ${failure?.message ?? ''}`)
    for (const { name, result, detail } of checks) lines.push(`  ${result === 'passed' ? '✓' : result === 'failed' ? '✗' : '–'} ${name}: ${detail}`)
    if (failure?.diagnosis) lines.push(...diagnosisLines(failure.diagnosis).map((line) => `  ${line}`))
  }
  return lines.join('\n')
}

export function availabilityLines({ rate, requests, failures, failuresByKind, longestOutageMs, inside, outside }: Availability): string[] {
  const kinds = Object.entries(failuresByKind).map(([kind, count]) => `${count} ${kind}`).join(', ')
  return [
    `${requests} requests at ${rate}/s, ${failures} failed${kinds === '' ? '' : ` (${kinds})`}, longest outage ${formatDuration(longestOutageMs)}`,
    `during the rollout: ${inside.requests} requests, ${inside.failures} failed, p50 ${inside.p50Ms.toFixed(0)} ms, p99 ${inside.p99Ms.toFixed(0)} ms`,
    `before and after: ${outside.requests} requests, ${outside.failures} failed, p50 ${outside.p50Ms.toFixed(0)} ms, p99 ${outside.p99Ms.toFixed(0)} ms`,
  ]
}

/** The report as Markdown, for a job summary. */
export function toMarkdown(report: RunReport): string {
  const lines = [`## ${MARKS[report.result]} ${report.action} ${report.environment}: ${report.result}`, '', report.summary, '']
  const rows: [string, string][] = [
    ['Namespace', report.namespace],
    ['Revision', `${report.revision || 'none'}${report.previousRevision === undefined ? '' : `, before: ${report.previousRevision}`}`],
    ['Commit', report.commit ?? 'not known'],
    ['Kubernetes', `${report.kubernetes} at ${report.server}`],
    ['Started', `${report.startedAt} by ${report.who}`],
    ['Took', formatDuration(report.durationMs)],
    ['Objects', countLine(report.operations)],
  ]
  lines.push('| | |', '|---|---|', ...rows.map(([name, value]) => `| ${name} | ${cell(value)} |`), '')
  lines.push('| Phase | Result | Took |', '|---|---|---|', ...report.timeline.phases.map(({ name, outcome, startedAt, endedAt }) => `| ${name} | ${outcome ?? 'not ended'} | ${endedAt === undefined ? '' : formatDuration(endedAt - startedAt)} |`), '')
  if (report.checks.length > 0) lines.push('| Question | Result | Answer |', '|---|---|---|', ...report.checks.map(({ name, result, detail }) => `| ${name} | ${result} | ${cell(detail)} |`), '')
  if (report.availability) lines.push('### Availability', '', ...availabilityLines(report.availability).map((line) => `- ${line}`), '')
  lines.push('| Image | Reference |', '|---|---|', ...Object.entries(report.images).map(([name, reference]) => `| ${name} | \`${reference}\` |`), '')
  if (report.notes.length > 0) lines.push(...report.notes.map((note) => `- ${note}`), '')
  if (report.failure) {
    lines.push(`### Why it failed`, '', `Phase **${report.failure.phase}**: ${report.failure.message}`, '')
    if (report.failure.diagnosis) lines.push('```', ...diagnosisLines(report.failure.diagnosis), '```', '')
  }
  if (report.rollback) {
    const { to, succeeded, durationMs, failure } = report.rollback
    lines.push(`### Rollback to revision ${to}: ${succeeded ? 'done and verified' : 'failed'}`, '', `Took ${formatDuration(durationMs)}.`, '')
    if (failure) lines.push(failure.message, '')
    if (failure?.diagnosis) lines.push('```', ...diagnosisLines(failure.diagnosis), '```', '')
  }
  return lines.join('\n')
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}

/** The report as JSON, one object with every field of {@link RunReport}. */
export function toJson(report: RunReport): string {
  return JSON.stringify(report, null, 2)
}
