import { dag, type Directory } from '@dagger.io/dagger'
import { BOOKKEEPING, type Check, type CheckRun, runCheck } from './checks.ts'
import { html, json, junitFiles, type RunInfo } from './summary.ts'

/**
 * Runs all checks at the same time, and those that need the machine to themselves after them; none stops the others.
 * @param skip names of checks to leave out
 * @throws Error that lists the checks when a name is none of theirs
 */
export async function runAll(checks: Check[], skip: string[] = []): Promise<{ runs: CheckRun[]; info: RunInfo }> {
  const unknown = skip.filter((name) => !checks.some((check) => check.name === name))
  if (unknown.length > 0) throw new Error(`no check is named ${unknown.join(', ')}; the checks are ${checks.map(({ name }) => name).join(', ')}`)
  const begun = Date.now()
  const chosen = checks.filter(({ name }) => !skip.includes(name))
  const last = chosen.filter(({ alone }) => alone)
  // What cannot be made now cannot be made then either, and the check tells why.
  const preparations = Promise.allSettled(last.map(({ prepare }) => prepare?.()))
  const runs = await Promise.all(chosen.filter(({ alone }) => !alone).map(runCheck))
  await preparations
  for (const check of last) runs.push(await runCheck(check))
  const standIns = await Promise.all(chosen.map((check) => check.standIns?.().catch(() => []) ?? []))
  return { runs, info: { finished: new Date().toISOString(), seconds: (Date.now() - begun) / 1000, standIns: [...new Set(standIns.flat())], leftOut: skip } }
}

/** @returns index.html, report.json, junit/<check>.xml, and a folder of each check that left more than that */
export function reportDirectory(runs: CheckRun[], info: RunInfo): Directory {
  const results = runs.map(({ result }) => result)
  const summary = dag.directory().withNewFile('index.html', html(results, info)).withNewFile('report.json', json(results, info))
  const junit = Object.entries(junitFiles(results)).reduce((folder, [name, text]) => folder.withNewFile(`junit/${name}`, text), summary)
  return runs.reduce(
    (folder, { result, report }) => (report !== undefined && result.outcome !== 'broken' && result.files?.length ? folder.withDirectory(result.name, report, { exclude: BOOKKEEPING }) : folder),
    junit,
  )
}
