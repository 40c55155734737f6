/** The requirement table as JUnit, JSON and one self-contained HTML page. Pure: no clock, no file, no cluster. */
import { type Outcome, failureText } from './outcome.ts'
import { type Evidence, RINGS, type Requirement, type Ring } from './requirement.ts'

export interface ReportRow extends Pick<Requirement, 'id' | 'ring' | 'title' | 'must' | 'why' | 'source'> {
  outcome: Outcome
}

export interface Report {
  /** Which cluster ran, as the caller names it: `k3s`, or a stand-in, named as such. */
  cluster: string
  /** `v1.36.1`, or why it is not known. */
  kubernetes: string
  namespace: string
  /** RFC 3339. */
  startedAt: string
  durationMs: number
  /** From the first change to the deployer's success; absent when nothing was deployed. */
  deployment?: { result: string; summary: string; durationMs: number }
  /** The order in which they were asked, where it was not the usual one. */
  seed?: number
  /** Requirements that the caller did not want asked. */
  leftOut: number
  rows: readonly ReportRow[]
}

/** @returns whether every requirement was asked and kept; a report without rows, or with requirements left out, has not passed */
export function isConformant({ rows, leftOut }: Report): boolean {
  return leftOut === 0 && rows.length > 0 && rows.every(({ outcome }) => outcome.outcome === 'passed')
}

export function count(rows: readonly ReportRow[]): Record<Outcome['outcome'], number> {
  const of = (wanted: Outcome['outcome']): number => rows.filter(({ outcome }) => outcome.outcome === wanted).length
  return { passed: of('passed'), failed: of('failed'), unmet: of('unmet'), 'not run': of('not run') }
}

/** One sentence; requirements that were not asked are never hidden among the others. */
export function verdict(report: Report): string {
  const { passed, failed, unmet, 'not run': notRun } = count(report.rows)
  if (isConformant(report)) return `all ${passed} requirements kept`
  const parts = [`${passed} of ${report.rows.length} requirements kept`, `${failed} broken`, ...(unmet > 0 ? [`${unmet} could not be asked`] : []), ...(notRun > 0 ? [`${notRun} not reached`] : []), ...(report.leftOut > 0 ? [`${report.leftOut} left out by CONFORMANCE_ONLY`] : [])]
  return parts.join(', ')
}

export function toJson(report: Report): string {
  const { rows, ...head } = report
  return `${JSON.stringify({ format: 1, conformant: isConformant(report), verdict: verdict(report), counts: count(rows), ...head, requirements: rows }, null, 2)}\n`
}

const seconds = (ms: number): string => (ms / 1000).toFixed(ms < 10_000 ? 1 : 0)

/** A plain table for a terminal. */
export function toText(report: Report): string {
  const mark = { passed: '✓', failed: '✗', unmet: '✗', 'not run': '✗' } as const
  const lines = report.rows.map(({ id, title, outcome }) => {
    const text = outcome.outcome === 'passed' ? outcome.evidence.summary : failureText(outcome).split('\n')[0]
    return `${mark[outcome.outcome]} ${id}  ${`${seconds(outcome.ms)} s`.padStart(7)}  ${title}: ${text}`
  })
  return [...lines, '', `${verdict(report)} in ${seconds(report.durationMs)} s on ${report.cluster}, Kubernetes ${report.kubernetes}${report.seed === undefined ? '' : `, order ${report.seed}`}`, ''].join('\n')
}

// Characters that XML 1.0 forbids, and terminal colours in a tool's output.
const ANSI = new RegExp(`${String.fromCharCode(27)}\\[[0-9;?]*[A-Za-z]`, 'g')

function escape(text: string): string {
  const plain = text.replace(ANSI, '').replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd]/g, '')
  return plain.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}

export function toJunit(report: Report): string {
  const suites = RINGS.map((ring) => junitSuite(ring, report.rows.filter((row) => row.ring === ring)))
  const broken = report.rows.filter(({ outcome }) => outcome.outcome !== 'passed').length
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="conformance" tests="${report.rows.length}" failures="${broken}" errors="0" skipped="0" time="${(report.durationMs / 1000).toFixed(3)}">\n${suites.join('\n')}\n</testsuites>\n`
}

function junitSuite(ring: Ring, rows: readonly ReportRow[]): string {
  const broken = rows.filter(({ outcome }) => outcome.outcome !== 'passed').length
  const cases = rows.map(({ id, title, outcome }) => {
    const open = `  <testcase classname="conformance.${ring}" name="${escape(`${id} ${title}`)}" time="${(outcome.ms / 1000).toFixed(3)}">`
    if (outcome.outcome === 'passed') return `${open}<system-out>${escape(outcome.evidence.summary)}</system-out></testcase>`
    const text = failureText(outcome)
    const details = outcome.outcome === 'failed' ? `${text}\n\n${outcome.diagnosis}` : text
    return `${open}<failure type="${outcome.outcome}" message="${escape(text.split('\n')[0] ?? '')}">${escape(details)}</failure></testcase>`
  })
  return [`<testsuite name="${ring}" tests="${rows.length}" failures="${broken}" errors="0" skipped="0">`, ...cases, '</testsuite>'].join('\n')
}

const STYLE = `
:root{color-scheme:light dark;--bg:#f6f7f9;--card:#fff;--ink:#17202b;--soft:#5c6b7a;--line:#dfe4ea;--good:#1a7f4b;--bad:#c0352b;--warn:#8a5200}
@media(prefers-color-scheme:dark){:root{--bg:#10151b;--card:#182029;--ink:#e6ebf1;--soft:#94a3b3;--line:#2b3642;--good:#4cc38a;--bad:#ff7b6e;--warn:#f0b35c}}
*{box-sizing:border-box}body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
main{max-width:76rem;margin:0 auto;padding:2.5rem 1.25rem 4rem}h1{margin:0;font-size:1.6rem}h2{font-size:1.1rem;margin:2rem 0 .6rem}
.head{display:flex;gap:.9rem;align-items:baseline;flex-wrap:wrap}.badge{font-weight:650;padding:.1rem .7rem;border-radius:1rem;color:#fff;background:#1a7f4b}.badge.bad{background:#c0352b}
.meta{color:var(--soft);margin:.4rem 0}.standin{border-left:3px solid var(--warn);padding:.2rem .8rem;color:var(--warn)}
section{background:var(--card);border:1px solid var(--line);border-radius:.6rem;overflow:hidden}
details{border-top:1px solid var(--line)}details:first-child{border-top:0}
summary{display:grid;grid-template-columns:5.5rem 7rem minmax(12rem,18rem) 1fr 4.5rem;gap:.8rem;align-items:baseline;padding:.55rem 1rem;cursor:pointer;list-style:none}
summary::-webkit-details-marker{display:none}summary:hover,summary:focus-visible{background:color-mix(in srgb,var(--line) 40%,transparent)}
.id{font-family:ui-monospace,monospace;font-size:.85rem}.passed{color:var(--good)}.failed,.unmet,.not-run{color:var(--bad);font-weight:650}
.said{color:var(--soft);overflow:hidden;text-overflow:ellipsis;white-space:nowrap}.time{text-align:right;font-variant-numeric:tabular-nums;color:var(--soft)}
.body{padding:.2rem 1rem 1rem;border-top:1px solid var(--line)}dl{display:grid;grid-template-columns:5.5rem 1fr;gap:.2rem .8rem;margin:.7rem 0}dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.86rem}td,th{text-align:left;padding:.25rem .8rem .25rem 0;border-bottom:1px solid var(--line);vertical-align:top}
pre{margin:.6rem 0 0;padding:.8rem;overflow:auto;max-height:30rem;font:12.5px/1.45 ui-monospace,monospace;background:var(--bg);border:1px solid var(--line);border-radius:.4rem;white-space:pre-wrap}
@media(max-width:52rem){summary{grid-template-columns:5.5rem 1fr 4rem}.said,.state{display:none}}
`

const WORDS = { passed: 'kept', failed: 'broken', unmet: 'not asked', 'not run': 'not reached' } as const

/** One page: nothing is loaded from elsewhere, no script. What is not kept is open. */
export function toHtml(report: Report): string {
  const good = isConformant(report)
  const { deployment } = report
  const standIn = /stand-in/i.test(report.cluster) ? `<p class="standin">The cluster is a stand-in: ${escape(report.cluster)}.</p>` : ''
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>Conformance: ${escape(verdict(report))}</title><style>${STYLE}</style></head>
<body><main>
<div class="head"><h1>Conformance</h1><span class="badge${good ? '' : ' bad'}">${good ? 'conformant' : 'not conformant'}</span></div>
<p class="meta">${escape(verdict(report))} in ${seconds(report.durationMs)} s · ${escape(report.cluster)}, Kubernetes ${escape(report.kubernetes)} · namespace ${escape(report.namespace)} · ${escape(report.startedAt)}${report.seed === undefined ? '' : ` · order ${report.seed}`}</p>
${standIn}
${deployment === undefined ? '' : `<p class="meta">Deployment: ${escape(deployment.result)} after ${seconds(deployment.durationMs)} s, ${escape(deployment.summary)}</p>`}
${RINGS.map((ring) => htmlRing(ring, report.rows.filter((row) => row.ring === ring))).join('\n')}
</main></body></html>
`
}

function htmlRing(ring: Ring, rows: readonly ReportRow[]): string {
  if (rows.length === 0) return ''
  const { passed } = count(rows)
  return `<h2>${ring[0]?.toUpperCase()}${ring.slice(1)}: ${passed} of ${rows.length} kept</h2>\n<section>\n${rows.map(htmlRow).join('\n')}\n</section>`
}

function htmlRow({ id, title, must, why, source, outcome }: ReportRow): string {
  const state = outcome.outcome
  const said = outcome.outcome === 'passed' ? outcome.evidence.summary : failureText(outcome)
  const evidence = outcome.outcome === 'passed' || outcome.outcome === 'failed' ? outcome.evidence : undefined
  return `<details id="${id}"${state === 'passed' ? '' : ' open'}><summary><span class="id">${id}</span><span class="state ${state.replace(' ', '-')}">${WORDS[state]}</span><span>${escape(title)}</span><span class="said">${escape(said.split('\n')[0] ?? '')}</span><span class="time">${seconds(outcome.ms)} s</span></summary>
<div class="body"><dl><dt>Rule</dt><dd>${escape(must)}</dd><dt>Why</dt><dd>${escape(why)}</dd><dt>Source</dt><dd>${escape(source)}</dd><dt>${state === 'passed' ? 'Seen' : 'Fault'}</dt><dd class="${state.replace(' ', '-')}">${escape(said)}</dd></dl>${htmlTable(evidence)}${outcome.outcome === 'failed' ? `<pre>${escape(outcome.diagnosis)}</pre>` : ''}</div></details>`
}

function htmlTable(evidence: Evidence | undefined): string {
  if (evidence?.table === undefined) return ''
  const { head, rows } = evidence.table
  const cells = (tag: 'th' | 'td', row: readonly string[]): string => `<tr>${row.map((cell) => `<${tag}>${escape(cell)}</${tag}>`).join('')}</tr>`
  return `<div class="scroll"><table><thead>${cells('th', head)}</thead><tbody>${rows.map((row) => cells('td', row)).join('')}</tbody></table></div>`
}
