import { dag, type Directory } from '@dagger.io/dagger'
import { type Check, runCheck } from './checks.ts'
import { type CheckResult, html, json, junitFiles, type RunInfo } from './summary.ts'

/** Runs all checks at the same time; none stops the others. */
export async function runAll(chosen: Check[]): Promise<{ results: CheckResult[]; info: RunInfo }> {
  const begun = Date.now()
  const results = await Promise.all(chosen.map(runCheck))
  const named = await Promise.all(chosen.map((check) => check.standIns?.().catch(() => []) ?? []))
  return { results, info: { finished: new Date().toISOString(), seconds: (Date.now() - begun) / 1000, standIns: [...new Set(named.flat())] } }
}

/** @returns index.html, report.json and junit/<check>.xml */
export function reportDirectory(results: CheckResult[], info: RunInfo): Directory {
  const files = Object.entries(junitFiles(results)).reduce((folder, [name, text]) => folder.withNewFile(`junit/${name}`, text), dag.directory())
  return files.withNewFile('index.html', html(results, info)).withNewFile('report.json', json(results, info))
}
