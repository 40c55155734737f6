/** The way of one commit: the calls of the four workflows in the order in which a team starts them. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import type { RunReport } from '../../deploy/src/report/report.ts'
import { call, freshCheckout, type Outcome } from './calls.ts'
import type { Cluster } from './clusters.ts'
import type { EnvironmentName } from './environments.ts'
import type { Journal } from './journal.ts'
import type { Counts, Prober } from './prober.ts'
import { type Call, callsOf, type Contexts } from './workflows.ts'

/** What the calls of a workflow need. */
export interface Way {
  checkout: string
  contexts: (environment: string | undefined, sha: string) => Contexts
  /** Asks an environment from outside while it is deployed to. */
  probe: (environment: EnvironmentName) => Prober
  /** Checks left out of `ci`. */
  leftOut: readonly string[]
}

export interface World extends Way {
  clusters: Record<EnvironmentName, Cluster>
}

/** The workflow that needs no cluster. */
export const CI = ['ci.yml']
export const DELIVERY = ['cd-dev.yml', 'cd-staging.yml', 'cd-production.yml']

/** The calls of a workflow for a commit. */
export async function workflowCalls({ checkout, contexts, leftOut }: Pick<Way, 'checkout' | 'contexts' | 'leftOut'>, file: string, sha: string): Promise<Call[]> {
  const text = await readFile(join(checkout, '.github/workflows', file), 'utf8')
  return callsOf(file, text, (environment) => contexts(environment, sha)).map((each) => ({ ...each, line: withoutChecks(each.line, leftOut) }))
}

/** The one thing that is added to a line: checks that `ci` runs anyway. */
function withoutChecks(line: string, leftOut: readonly string[]): string {
  return leftOut.length === 0 ? line : line.replace(/^(ci|ci-report)(?= |$)/, `$1 --skip=${leftOut.join(',')}`)
}

/**
 * Makes every call; stops after the first that fails, as the workflows do.
 * @returns whether all of them went well
 */
export async function wayOf(world: Way, journal: Journal, chapter: string, sha: string, workflows: readonly string[]): Promise<boolean> {
  const again = chapter !== 'first commit'
  for (const file of workflows) {
    await freshCheckout(world.checkout)
    for (const each of await workflowCalls(world, file, sha)) {
      const ok = await oneCall(world, journal, chapter, each, again)
      if (!ok) return false
    }
  }
  return true
}

async function oneCall(world: Way, journal: Journal, chapter: string, each: Call, again: boolean): Promise<boolean> {
  const title = `${each.workflow}: ${each.step}`
  const { path, name } = journal.folderFor(title)
  const environment = each.environment as EnvironmentName | undefined
  // A first deployment has nothing to ask yet.
  const prober = again && environment !== undefined && each.line.startsWith('deploy-report') ? world.probe(environment) : undefined
  const outcome = await call(each.line, each.env, world.checkout, path)
  const seen = await prober?.stop()
  const { ok, verdict } = await judged(each, outcome, world.checkout, again, seen)
  return journal.add({ chapter, title, call: `dagger call ${each.line}`, seconds: outcome.seconds, ok, verdict, folder: name })
}

/** What a call gave: its exit code, and for a deployment what its report says. */
export async function judged(each: Call, outcome: Outcome, checkout: string, again: boolean, seen?: Counts): Promise<{ ok: boolean; verdict: string }> {
  if (outcome.exitCode !== 0) return { ok: false, verdict: lastLines(outcome.stderr) }
  if (each.line.startsWith('doctor ')) return { ok: true, verdict: doctorVerdict(outcome.stdout) }
  if (!each.line.startsWith('deploy-report')) return { ok: true, verdict: 'exit code 0' }
  const text = await readFile(join(checkout, 'report/report.json'), 'utf8').catch(() => undefined)
  if (text === undefined) return { ok: false, verdict: lastLines(await readFile(join(checkout, 'report/stderr.txt'), 'utf8')) }
  return judgedReport(JSON.parse(text) as RunReport, again, seen)
}

/** How many rows the doctor found well, and those that it could not ask. */
export function doctorVerdict(text: string): string {
  const lines = stripVTControlCharacters(text).split('\n')
  const rows = (mark: string): string[] => lines.filter((line) => line.startsWith(`${mark} `)).map((line) => line.slice(2).trim().replace(/ {2,}/, ': '))
  return [`${rows('✓').length} rows well`, ...rows('–').map((row) => `not asked: ${row}`)].join('; ')
}

/**
 * A deployment of a rehearsal has to succeed with every question asked, and from the second on without one failed request, by the deployer's
 * own count and by that of the prober beside it.
 */
export function judgedReport(report: RunReport, again: boolean, seen?: Counts): { ok: boolean; verdict: string } {
  const { result, summary, checks, availability, durationMs } = report
  const said = [`${result} in ${(durationMs / 1000).toFixed(1)} s: ${summary}`, `${checks.filter(({ result }) => result === 'passed').length} of ${checks.length} questions answered`]
  if (report.failure !== undefined) said.push(...reasonOf(report.failure))
  const unasked = checks.filter(({ result }) => result !== 'passed')
  if (unasked.length > 0) said.push(unasked.map(({ name, result, detail }) => `${name}: ${result} (${detail})`).join('; '))
  let ok = result === 'succeeded' && checks.length > 0 && unasked.length === 0
  if (again) {
    const failures = seen === undefined ? 1 : Object.values(seen.failures).reduce((sum, count) => sum + count, 0)
    said.push(availability === undefined ? 'availability was not measured' : `${availability.requests} requests, ${availability.failures} failed`)
    said.push(seen === undefined ? 'no prober ran' : `beside it ${seen.requests} requests, ${failures} failed${failures > 0 ? ` (${JSON.stringify(seen.failures)})` : ''}`)
    ok &&= availability !== undefined && availability.failures === 0 && availability.requests > 0 && failures === 0
  }
  return { ok, verdict: said.join('; ') }
}

/** Why a deployment failed: its message, and the last words of each container. */
function reasonOf({ message, diagnosis }: NonNullable<RunReport['failure']>): string[] {
  const logs = (diagnosis?.pods ?? []).flatMap(({ containers }) => containers.flatMap(({ log }) => log?.trim().split('\n').at(-1) ?? []))
  return [message, ...new Set(logs)]
}

/** The end of what a failed call said, without the engine's progress. */
export function lastLines(text: string): string {
  const lines = stripVTControlCharacters(text).trim().split('\n').filter((line) => line.trim() !== '')
  const error = lines.findLastIndex((line) => /^Error: /.test(line))
  return (error >= 0 ? lines.slice(error) : lines.slice(-8)).join(' | ').slice(0, 1200)
}
