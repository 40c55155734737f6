/** What the checks of a run gave, as a table, JSON and JUnit. Pure. The page is in page.ts, what GitHub shows in annotations.ts. */
import { excerpt, type Location, locations } from './excerpt.ts'
import type { Part } from './parts.ts'

/** When a check was asked for and answered, and when its command ran in between (absent when its result is an earlier run's); seconds since the run began. */
export type Times = { asked: number; started?: number; finished?: number; answered: number }

/**
 * Result of one check. `seconds` is how long the command itself ran; `cached` says that this run did not run it again, because
 * nothing it sees has changed since it passed. `files` are what its report holds beside JUnit, as paths in a folder of its name.
 * `failedBefore` holds the output of each time that the same content failed before it passed: such a check is unsteady.
 */
export type CheckResult = {
  name: string
  title: string
  seconds: number
  cached: boolean
  times?: Times
  /** Where its command runs in the repository, with a slash at the end; its root when absent. */
  folder?: string
  /** The command that runs it again, where that is not `ci` with its name. */
  again?: string
} & (
  | { outcome: 'passed'; output: string; junit?: string; files?: string[]; parts?: Part[]; failedBefore?: string[] }
  | { outcome: 'failed'; exitCode: number; output: string; junit?: string; files?: string[]; parts?: Part[] }
  | { outcome: 'broken'; message: string }
)

/** What stands around the results. */
export type RunInfo = {
  /** RFC 3339 */
  finished: string
  /** Wall clock of the whole run. */
  seconds: number
  /** Named on every face where a stand-in ran in the place of the real thing. */
  standIns: string[]
  /** Names of checks that the caller left out. */
  leftOut: string[]
}

/** How a result is shown: what failed before it passed is never plain green. */
export type State = CheckResult['outcome'] | 'unsteady'
export const SYMBOL: Readonly<Record<State, string>> = { passed: '✓', unsteady: '~', failed: '✗', broken: '!' }
const WORD: Readonly<Record<State, string>> = { passed: 'passed', unsteady: 'unsteady', failed: 'FAILED', broken: 'BROKEN' }

/** Most lines of a check's output below the table; the report has all of them. */
const OUTPUT_LINES = 60
/** Most places in the repository that are named below it. */
const PLACES = 3

export function stateOf(result: CheckResult): State {
  return result.outcome === 'passed' && (result.failedBefore ?? []).length > 0 ? 'unsteady' : result.outcome
}

/** @returns whether every check passed; a run without checks has not passed */
export function allPassed(results: CheckResult[]): boolean {
  return results.length > 0 && results.every((result) => result.outcome === 'passed')
}

/** @returns a plain-text table, one row a check, what is to be known about the run, and the verdict as its last line */
export function table(results: CheckResult[], info: RunInfo): string {
  const rows = results.map((result) => [
    `${SYMBOL[stateOf(result)]} ${result.name}`,
    WORD[stateOf(result)],
    result.outcome === 'broken' ? '–' : result.seconds.toFixed(1),
    result.cached ? 'cached' : 'run',
  ])
  const head = ['check', 'result', 'seconds', 'source']
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)))
  const line = (cells: string[]): string => cells.map((cell, column) => (column === 2 ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0))).join('  ').trimEnd()
  return [line(head), line(widths.map((width) => '─'.repeat(width))), ...rows.map(line), '', ...notes(info), verdict(results, info)].join('\n')
}

/** @returns a line for each stand-in, and one for what was left out */
export function notes({ standIns, leftOut }: RunInfo): string[] {
  return [...standIns.map((name) => `stand-in: ${name}`), ...(leftOut.length > 0 ? [`left out: ${leftOut.join(', ')}`] : [])]
}

/** @returns the line that a run prints when a check has ended, for whoever watches it */
export function progressLine(result: CheckResult): string {
  return `check ended: ${SYMBOL[stateOf(result)]} ${result.name} ${WORD[stateOf(result)]} ${result.outcome === 'broken' ? '–' : result.seconds.toFixed(1)} ${result.cached ? 'cached' : 'run'}`
}

/** @returns one line: how the run ended, what is to blame, how long it took */
export function verdict(results: CheckResult[], info: RunInfo): string {
  const bad = results.filter((result) => result.outcome !== 'passed')
  const unsteady = results.filter((result) => stateOf(result) === 'unsteady')
  const said = bad.length === 0 ? `all ${results.length} checks passed` : `${bad.length} of ${results.length} checks did not pass: ${bad.map(culprit).join(', ')}`
  const doubt = unsteady.length === 0 ? '' : `, unsteady: ${unsteady.map(({ name }) => name).join(', ')}`
  return `${said}${doubt} in ${info.seconds.toFixed(1)} s`
}

function culprit(result: CheckResult): string {
  const failed = failedParts(result).map(({ name }) => name)
  return failed.length === 0 ? result.name : `${result.name} (${failed.join(', ')})`
}

export function failedParts(result: CheckResult): Part[] {
  return result.outcome === 'failed' ? (result.parts ?? []).filter(({ passed }) => !passed) : []
}

/** @returns the command that runs just this check, or what failed in it, again */
export function again(result: CheckResult): string {
  const failed = failedParts(result)
  return failed.length === 0 ? (result.again ?? `npm run ci -- --only=${result.name}`) : `npm run dagger -- call ${result.name} --only=${failed.map(({ name }) => name).join(',')}`
}

/** @returns what did not pass, once and in few lines, each with the command for it; then the table and the verdict */
export function failureText(results: CheckResult[], info: RunInfo): string {
  const bad = results.filter((result) => result.outcome !== 'passed')
  const details = bad.map((result) => [`── ${result.name} (${result.title}) ──`, inShort(result), ...placesOf(result).slice(0, PLACES).map(({ file, line }) => `at: ${file}:${line}`), `again: ${again(result)}`].join('\n'))
  return [...details, table(results, info)].join('\n\n')
}

/** @returns where a failed command says that something is wrong */
export function placesOf(result: CheckResult): Location[] {
  return result.outcome === 'failed' && failedParts(result).length === 0 ? locations(result.output, result.folder ?? '') : []
}

/** @returns what a person needs first of a result that did not pass */
export function inShort(result: CheckResult): string {
  const failed = failedParts(result)
  if (failed.length === 0) return excerpt(detail(result), OUTPUT_LINES)
  const each = Math.max(10, Math.floor(OUTPUT_LINES / failed.length))
  return excerpt(failed.map(({ name, title, text }) => excerpt(`✗ ${name} ${title}: ${text}`, each)).join('\n'), OUTPUT_LINES)
}

/** @returns what a person needs to see of a result: the output, or why it could not run */
export function detail(result: CheckResult): string {
  switch (result.outcome) {
    case 'passed':
      return result.output.trim()
    case 'failed':
      return `exit code ${result.exitCode}\n${result.output.trim()}`
    case 'broken':
      return `could not run: ${result.message.trim()}`
  }
}

/** @returns name of a file → text: one JUnit document per check, its own where its runner wrote one */
export function junitFiles(results: CheckResult[]): Record<string, string> {
  const unsteady = results.filter((result) => stateOf(result) === 'unsteady')
  return Object.fromEntries([...results.map((result) => [`${result.name}.xml`, junit(result)]), ...unsteady.map((result) => [`${result.name}-unsteady.xml`, junitOfUnsteady(result)])])
}

/** A document of its own, since the runner's own knows only its last run. `flakyFailure` is what Maven's reports call it, and what readers of JUnit know. */
function junitOfUnsteady(result: CheckResult): string {
  const failures = result.outcome === 'passed' ? (result.failedBefore ?? []) : []
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites><testsuite name="${escape(result.name)}: unsteady" tests="1" failures="0" errors="0" skipped="0">`,
    `<testcase classname="${escape(result.name)}" name="passes the first time">${failures.map((output) => `<flakyFailure type="unsteady" message="failed before it passed">${escape(output)}</flakyFailure>`).join('')}</testcase>`,
    '</testsuite></testsuites>',
    '',
  ].join('\n')
}

function junit(result: CheckResult): string {
  if (result.outcome !== 'broken' && result.junit?.trim()) return result.junit
  const failed = result.outcome === 'failed' ? 1 : 0
  const broken = result.outcome === 'broken' ? 1 : 0
  const body = failed ? `<failure message="failed">${escape(detail(result))}</failure>` : broken ? `<error message="could not run">${escape(detail(result))}</error>` : ''
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites><testsuite name="${escape(result.name)}" tests="1" failures="${failed}" errors="${broken}" skipped="0" time="${result.seconds.toFixed(3)}">`,
    `<testcase classname="${escape(result.name)}" name="${escape(result.title)}" time="${result.seconds.toFixed(3)}">${body}</testcase>`,
    '</testsuite></testsuites>',
    '',
  ].join('\n')
}

/** @returns the whole run as JSON, for programs */
export function json(results: CheckResult[], info: RunInfo): string {
  const checks = results.map((result) => {
    const { name, title, outcome, seconds, cached, times } = result
    return { name, title, outcome, state: stateOf(result), seconds, cached, ...(times && { times }), ...(result.outcome === 'failed' ? { exitCode: result.exitCode } : {}), ...(outcome === 'passed' ? {} : { again: again(result) }), ...('parts' in result ? { parts: result.parts } : {}), detail: detail(result) }
  })
  return `${JSON.stringify({ passed: allPassed(results), verdict: verdict(results, info), ...info, checks }, undefined, 2)}\n`
}

// Terminal colours in a tool's output.
const ANSI = new RegExp(`${String.fromCharCode(27)}\\[[0-9;?]*[A-Za-z]`, 'g')

/** @returns the text as it may stand in XML and HTML */
export function escape(text: string): string {
  const plain = text.replace(ANSI, '').replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd]/g, '')
  return plain.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;')
}
