/** The rehearsal's one page: the way of a commit, step by step. Pure. */

/** One step of the way. */
export interface Step {
  /** What it belongs to: `first commit`, `second commit`, `way back`, `operations`, `refusals`. */
  chapter: string
  title: string
  /** The call as the workflow has it, or what was done in its place. */
  call: string
  seconds: number
  ok: boolean
  /** One sentence: what was seen. */
  verdict: string
  /** Folder with the log and the reports. */
  folder?: string
}

export interface Page {
  commits: string[]
  startedAt: string
  /** Whole duration. */
  seconds: number
  /** What stands in for something else, and what was left out. */
  notes: string[]
  steps: Step[]
}

const mark = (ok: boolean): string => (ok ? '✓' : '✗')
const duration = (seconds: number): string => (seconds < 100 ? `${seconds.toFixed(1)} s` : `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`)

/** @returns true when every step was as it should be, and there were some */
export function isGreen({ steps }: Page): boolean {
  return steps.length > 0 && steps.every(({ ok }) => ok)
}

/** The last line of a run. */
export function verdictLine(page: Page): string {
  const failed = page.steps.filter(({ ok }) => !ok)
  return isGreen(page)
    ? `rehearsal: all ${page.steps.length} steps as they should be, in ${duration(page.seconds)}`
    : `rehearsal: ${failed.length} of ${page.steps.length} steps failed (${failed.map(({ title }) => title).join(', ') || 'none was made'}), after ${duration(page.seconds)}`
}

export function stepLine({ ok, title, seconds, verdict }: Step): string {
  return `${mark(ok)} ${title.padEnd(44)} ${duration(seconds).padStart(10)}  ${verdict}`
}

/** The page as text. */
export function toText(page: Page): string {
  const chapters = [...new Set(page.steps.map(({ chapter }) => chapter))]
  return [
    `Rehearsal of ${page.startedAt}; commits ${page.commits.map((commit) => commit.slice(0, 12)).join(', ')}`,
    ...page.notes.map((note) => `  ${note}`),
    ...chapters.flatMap((chapter) => ['', chapter, ...page.steps.filter((step) => step.chapter === chapter).map(stepLine)]),
    '',
    verdictLine(page),
    '',
  ].join('\n')
}

const escape = (text: string): string => text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)

function row({ ok, title, call, seconds, verdict, folder }: Step): string {
  const link = folder === undefined ? '' : `<a href="${escape(folder)}/log.txt">log</a> <a href="${escape(folder)}/">files</a>`
  return `<tr class="${ok ? 'good' : 'bad'}"><td>${mark(ok)}</td><td>${escape(title)}<br><code>${escape(call)}</code></td><td class="number">${duration(seconds)}</td><td>${escape(verdict)}</td><td>${link}</td></tr>`
}

/** The page as HTML, with links to logs and reports beside it. */
export function toHtml(page: Page): string {
  const chapters = [...new Set(page.steps.map(({ chapter }) => chapter))]
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Rehearsal</title>
<style>body{font:15px system-ui;margin:2rem;max-width:75rem}table{border-collapse:collapse;width:100%}td{border-top:1px solid #ccc;padding:.4rem;vertical-align:top}code{font-size:12px;color:#555;overflow-wrap:anywhere}.number{white-space:nowrap;text-align:right}.bad{background:#fee}</style>
<h1>${escape(verdictLine(page))}</h1>
<p>${escape(page.startedAt)}; commits ${page.commits.map((commit) => `<code>${escape(commit)}</code>`).join(', ')}</p>
<ul>${page.notes.map((note) => `<li>${escape(note)}</li>`).join('')}</ul>
${chapters.map((chapter) => `<h2>${escape(chapter)}</h2>\n<table>${page.steps.filter((step) => step.chapter === chapter).map(row).join('\n')}</table>`).join('\n')}
</html>
`
}
