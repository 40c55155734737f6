import { dag, type Directory } from '@dagger.io/dagger'
import { annotations, markdown } from './annotations.ts'
import { BOOKKEEPING, type Check, type CheckRun, runCheck } from './checks.ts'
import { html } from './page.ts'
import { select } from './select.ts'
import { allPassed, detail, failureText, json, junitFiles, progressLine, type RunInfo, table } from './summary.ts'

/** Checks to run alone, and to leave out, by name. */
export type Choice = { only?: string[]; skip?: string[] }

/**
 * Runs the chosen checks at the same time, and those that need the machine to themselves after them; none stops the others.
 * @throws Error that lists the checks when a name is none of theirs
 */
export async function runAll(checks: Check[], { only = [], skip = [] }: Choice = {}): Promise<{ runs: CheckRun[]; info: RunInfo }> {
  const names = checks.map(({ name }) => name)
  const wanted = select(names, only, skip)
  const begun = Date.now() / 1000
  const chosen = checks.filter(({ name }) => wanted.includes(name))
  const run = async (check: Check): Promise<CheckRun> => {
    const done = await runCheck(check, begun)
    // A run that is cut off later has told this much: the launcher reads these lines.
    console.log(progressLine(done.result))
    return done
  }
  const last = chosen.filter(({ alone }) => alone)
  // What cannot be made now cannot be made then either, and the check tells why.
  const preparations = Promise.allSettled(last.map(({ prepare }) => prepare?.()))
  const runs = await Promise.all(chosen.filter(({ alone }) => !alone).map(run))
  await preparations
  for (const check of last) runs.push(await run(check))
  const standIns = await Promise.all(chosen.map((check) => check.standIns?.().catch(() => []) ?? []))
  return { runs, info: { finished: new Date().toISOString(), seconds: Date.now() / 1000 - begun, standIns: [...new Set(standIns.flat())], leftOut: names.filter((name) => !wanted.includes(name)) } }
}

/**
 * Everything that a run says, as files: index.html, report.json, summary.txt (what `ci` prints), summary.md and annotations.txt for
 * GitHub, junit/<check>.xml, and of each check a folder with its whole output and what else it left.
 */
export function reportDirectory(runs: CheckRun[], info: RunInfo): Directory {
  const results = runs.map(({ result }) => result)
  const texts: Record<string, string> = {
    'index.html': html(results, info),
    'report.json': json(results, info),
    'summary.txt': `${(allPassed(results) ? table : failureText)(results, info)}\n`,
    'summary.md': markdown(results, info),
    'annotations.txt': annotations(results),
    ...Object.fromEntries(Object.entries(junitFiles(results)).map(([name, text]) => [`junit/${name}`, text])),
    ...Object.fromEntries(results.map((result) => [`${result.name}/output.txt`, `${detail(result)}\n`])),
  }
  const left = runs.reduce(
    (folder, { result, report }) => (report !== undefined && result.outcome !== 'broken' && result.files?.length ? folder.withDirectory(result.name, report, { exclude: BOOKKEEPING }) : folder),
    dag.directory(),
  )
  return Object.entries(texts).reduce((folder, [path, text]) => folder.withNewFile(path, text), left)
}

/** @returns what a report of `ci-report` says @throws Error with the same, unless every check passed */
export async function judgeReport(report: Directory): Promise<string> {
  const missing = (await Promise.all(['report.json', 'summary.txt'].map(async (name) => ((await report.exists(name)) ? [] : [name])))).flat()
  if (missing.length > 0) throw new Error(`this is no report of ci-report: it has no ${missing.join(' and no ')}; name the folder that \`ci-report export --path=…\` wrote`)
  const { passed } = JSON.parse(await report.file('report.json').contents()) as { passed?: unknown }
  const text = await report.file('summary.txt').contents()
  if (passed !== true) throw new Error(text.trimEnd())
  return text
}
