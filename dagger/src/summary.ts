/** What the checks of a run gave, and its three faces: a table, JUnit per suite, and one HTML page. Pure; imports nothing. */

/**
 * Result of one check. `seconds` is how long the command itself ran; `cached` says that this run did not run it again, because
 * nothing it sees has changed since it passed. `files` are what its report holds beside JUnit, as paths in a folder of its name.
 */
export type CheckResult = {
  name: string
  title: string
  seconds: number
  cached: boolean
} & (
  | { outcome: 'passed'; output: string; junit?: string; files?: string[] }
  | { outcome: 'failed'; exitCode: number; output: string; junit?: string; files?: string[] }
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

const SYMBOL = { passed: '✓', failed: '✗', broken: '!' } as const
const WORD = { passed: 'passed', failed: 'FAILED', broken: 'BROKEN' } as const

/** @returns whether every check passed; a run without checks has not passed */
export function allPassed(results: CheckResult[]): boolean {
  return results.length > 0 && results.every((result) => result.outcome === 'passed')
}

/** @returns a plain-text table, one row a check, and a closing line */
export function table(results: CheckResult[], info: RunInfo): string {
  const rows = results.map((result) => [
    `${SYMBOL[result.outcome]} ${result.name}`,
    WORD[result.outcome],
    result.outcome === 'broken' ? '–' : result.seconds.toFixed(1),
    result.cached ? 'cached' : 'run',
  ])
  const head = ['check', 'result', 'seconds', 'source']
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)))
  const line = (cells: string[]): string => cells.map((cell, column) => (column === 2 ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0))).join('  ').trimEnd()
  return [line(head), line(widths.map((width) => '─'.repeat(width))), ...rows.map(line), '', closingLine(results, info), ...info.standIns.map((name) => `stand-in: ${name}`), ...info.leftOut.map((name) => `left out: ${name}`)].join('\n')
}

function closingLine(results: CheckResult[], info: RunInfo): string {
  const bad = results.filter((result) => result.outcome !== 'passed')
  const verdict = bad.length === 0 ? `all ${results.length} checks passed` : `${bad.length} of ${results.length} checks did not pass: ${bad.map((result) => result.name).join(', ')}`
  return `${verdict} in ${info.seconds.toFixed(1)} s`
}

/** @returns the table, and below it the output of each check that did not pass */
export function failureText(results: CheckResult[], info: RunInfo): string {
  const details = results.filter((result) => result.outcome !== 'passed').map((result) => [`── ${result.name} (${result.title}) ──`, detail(result)].join('\n'))
  return [table(results, info), ...details].join('\n\n')
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
  return Object.fromEntries(results.map((result) => [`${result.name}.xml`, junit(result)]))
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
    const { name, title, outcome, seconds, cached } = result
    return { name, title, outcome, seconds, cached, ...(result.outcome === 'failed' ? { exitCode: result.exitCode } : {}), detail: detail(result) }
  })
  return `${JSON.stringify({ passed: allPassed(results), ...info, checks }, undefined, 2)}\n`
}

// Terminal colours in a tool's output.
const ANSI = new RegExp(`${String.fromCharCode(27)}\\[[0-9;?]*[A-Za-z]`, 'g')

function escape(text: string): string {
  const plain = text.replace(ANSI, '').replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd]/g, '')
  return plain.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;')
}

const STYLE = `
:root { color-scheme: light dark; --bg: #f6f7f9; --card: #fff; --ink: #17202b; --soft: #5c6b7a; --line: #dfe4ea; --ok: #1a7f4b; --bad: #c0352b; --warn: #a15c00; --cached: #7c8fa6; }
@media (prefers-color-scheme: dark) { :root { --bg: #10151b; --card: #182029; --ink: #e6ebf1; --soft: #94a3b3; --line: #2b3642; --ok: #4cc38a; --bad: #ff7b6e; --warn: #f0b35c; --cached: #5f7186; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--bg); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { margin: 0; font-size: 1.6rem; letter-spacing: -0.01em; }
.verdict { display: flex; gap: .9rem; align-items: baseline; flex-wrap: wrap; }
.badge { font-weight: 650; padding: .1rem .7rem; border-radius: 1rem; color: #fff; background: var(--ok); }
.badge.bad { background: var(--bad); }
.meta { color: var(--soft); margin: .4rem 0 1.8rem; }
.note { border-left: 3px solid var(--warn); padding: .2rem .8rem; margin: 0 0 1.2rem; color: var(--soft); }
section { background: var(--card); border: 1px solid var(--line); border-radius: .7rem; overflow: hidden; }
details { border-top: 1px solid var(--line); }
details:first-child { border-top: 0; }
summary { display: grid; grid-template-columns: 1.4rem 12rem 1fr 8rem 6rem; gap: .8rem; align-items: center; padding: .65rem 1rem; cursor: pointer; list-style: none; }
summary::-webkit-details-marker { display: none; }
summary:hover { background: color-mix(in srgb, var(--line) 35%, transparent); }
.passed { color: var(--ok); } .failed { color: var(--bad); } .broken { color: var(--warn); }
.name { font-weight: 600; } .title { color: var(--soft); }
.bar { height: .5rem; border-radius: .25rem; background: var(--line); overflow: hidden; }
.bar i { display: block; height: 100%; background: var(--ok); } .bar i.cached { background: var(--cached); } .bar i.failed { background: var(--bad); }
.time { text-align: right; font-variant-numeric: tabular-nums; color: var(--soft); }
pre { margin: 0; padding: 1rem; overflow: auto; max-height: 32rem; font: 12.5px/1.45 ui-monospace, monospace; background: color-mix(in srgb, var(--bg) 70%, transparent); border-top: 1px solid var(--line); }
.files { margin: 0; padding: .5rem 1rem; border-top: 1px solid var(--line); } .files a { color: inherit; margin-right: .8rem; }
@media (max-width: 44rem) { summary { grid-template-columns: 1.4rem 1fr 5rem; } .title, .bar { display: none; } }
`

/** @returns one self-contained page: no script, nothing loaded from elsewhere */
export function html(results: CheckResult[], info: RunInfo): string {
  const passed = allPassed(results)
  const longest = Math.max(0.001, ...results.map((result) => result.seconds))
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>todo-chat: ${passed ? 'all checks passed' : 'checks failed'}</title><style>${STYLE}</style></head>
<body><main>
<div class="verdict"><h1>todo-chat pipeline</h1><span class="badge${passed ? '' : ' bad'}">${passed ? 'passed' : 'not passed'}</span></div>
<p class="meta">${escape(closingLine(results, info))} · ${escape(info.finished)}</p>
${[...info.standIns.map((name) => `Stand-in: ${name}`), ...info.leftOut.map((name) => `Left out: ${name}`)].map((text) => `<p class="note">${escape(text)}</p>`).join('\n')}
<section>
${results.map((result) => row(result, longest)).join('\n')}
</section>
</main></body></html>
`
}

function row(result: CheckResult, longest: number): string {
  const width = Math.max(1, Math.round((result.seconds / longest) * 100))
  const colour = result.outcome !== 'passed' ? 'failed' : result.cached ? 'cached' : ''
  const time = result.outcome === 'broken' ? '–' : `${result.seconds.toFixed(1)} s${result.cached ? ' ⟲' : ''}`
  return `<details${result.outcome === 'passed' ? '' : ' open'}><summary><span class="${result.outcome}" role="img" aria-label="${result.outcome}">${SYMBOL[result.outcome]}</span><span class="name">${escape(result.name)}</span><span class="title">${escape(result.title)}</span><span class="bar" aria-hidden="true"><i class="${colour}" style="width:${width}%"></i></span><span class="time"${result.cached ? ' title="not run again: nothing it sees has changed"' : ''}>${time}</span></summary>${links(result)}<pre>${escape(detail(result)) || '(no output)'}</pre></details>`
}

function links(result: CheckResult): string {
  const files = result.outcome === 'broken' ? [] : (result.files ?? []).filter((file) => /\.(html|png|md)$/.test(file))
  if (files.length === 0) return ''
  return `<p class="files">${files.map((file) => `<a href="${encodeURI(`${result.name}/${file}`)}">${escape(file)}</a>`).join(' ')}</p>`
}
