/** What a run's report says to GitHub: annotations at lines of files, and the summary of a job. Pure. */
import { again, type CheckResult, failedParts, inShort, notes, placesOf, type RunInfo, stateOf, SYMBOL, verdict } from './summary.ts'

/** GitHub shows ten errors of a step; one check must not take the place of all others. */
const PER_CHECK = 5

/**
 * Workflow commands, one a line: an error for each place that a failed check names, and a warning for each check that is unsteady.
 * https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#setting-an-error-message
 */
export function annotations(results: CheckResult[]): string {
  return results.flatMap(annotationsOf).map((line) => `${line}\n`).join('')
}

function annotationsOf(result: CheckResult): string[] {
  if (stateOf(result) === 'unsteady') return [command('warning', { title: result.name }, 'failed before it passed, with nothing changed in between')]
  if (result.outcome === 'passed') return []
  const failed = failedParts(result)
  if (failed.length > 0) return failed.map(({ name, title, text }) => command('error', { title: `${name} ${title}` }, `${text.split('\n')[0]}\nagain: ${again(result)}`))
  const places = placesOf(result).slice(0, PER_CHECK)
  if (places.length === 0) return [command('error', { title: result.name }, `${inShort(result)}\nagain: ${again(result)}`)]
  return places.map(({ file, line, message }) => command('error', { file, line: String(line), title: result.name }, `${message || result.title}\nagain: ${again(result)}`))
}

function command(kind: 'error' | 'warning', properties: Record<string, string>, message: string): string {
  const value = (text: string): string => data(text).replace(/:/g, '%3A').replace(/,/g, '%2C')
  return `::${kind} ${Object.entries(properties).map(([name, text]) => `${name}=${value(text)}`).join(',')}::${data(message)}`
}

const data = (text: string): string => text.replace(/%/g, '%25').replace(/\r/g, '%0D').replace(/\n/g, '%0A')

/** The table and what did not pass, in Markdown. */
export function markdown(results: CheckResult[], info: RunInfo): string {
  const rows = results.map((result) => `| ${SYMBOL[stateOf(result)]} ${result.name} | ${stateOf(result)} | ${result.outcome === 'broken' ? '–' : result.seconds.toFixed(1)} | ${result.cached ? 'cached' : 'run'} |`)
  const bad = results.filter(({ outcome }) => outcome !== 'passed')
  // More backticks than any output has in a row would need to be counted; four are more than tools print.
  const details = bad.map((result) => `<details open><summary>${result.name}</summary>\n\n\`\`\`\`text\n${inShort(result)}\n\`\`\`\`\n\nAgain: \`${again(result)}\`\n\n</details>\n`)
  return [`**${verdict(results, info)}**`, '', ...notes(info).map((note) => `- ${note}`), '', '| check | result | seconds | source |', '|---|---|--:|---|', ...rows, '', ...details].join('\n')
}
