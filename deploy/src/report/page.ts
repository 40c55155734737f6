/** The report as one HTML page with a timeline picture. Pure, self-contained: no script, no font, no address. */
import { formatDuration } from '../_duration.ts'
import { type RunReport, availabilityLines, countLine, diagnosisLines } from './report.ts'
import type { Check } from '../proof/verify.ts'

/** Text as HTML. */
function esc(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}

const STYLE = `
:root{color-scheme:light dark;--ink:#1a1d21;--soft:#5c6570;--line:#d9dee4;--back:#fff;--card:#f6f8fa;--good:#1a7f4b;--bad:#c4342d;--old:#b9c2cc;--new:#2f6fd0;--ready:#1a7f4b}
@media(prefers-color-scheme:dark){:root{--ink:#e6e9ed;--soft:#98a2ad;--line:#343b43;--back:#14171a;--card:#1d2126;--good:#4cc487;--bad:#ff7a70;--old:#59636e;--new:#6ea3f5;--ready:#4cc487}}
*{box-sizing:border-box}body{margin:0;background:var(--back);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
main{max-width:1000px;margin:0 auto;padding:24px 16px 64px}h1{font-size:1.5rem;margin:0 0 4px}h2{font-size:1.1rem;margin:32px 0 8px}
.badge{display:inline-block;padding:2px 10px;border-radius:99px;color:#fff;font-size:.9rem;vertical-align:middle;margin-left:8px}.good{background:#1a7f4b}.bad{background:#c4342d}
.why{border-left:4px solid var(--bad);background:var(--card);padding:8px 12px;white-space:pre-line;overflow-wrap:anywhere}.wrong{color:var(--bad);font-weight:600}
.soft{color:var(--soft)}table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:5px 10px 5px 0;border-bottom:1px solid var(--line);vertical-align:top}
pre{background:var(--card);border:1px solid var(--line);border-radius:6px;padding:12px;white-space:pre-wrap;overflow-wrap:anywhere;font-size:13px}code{font-size:13px;overflow-wrap:anywhere}
svg{width:100%;height:auto;display:block;background:var(--card);border:1px solid var(--line);border-radius:6px}svg text{fill:var(--soft);font:11px system-ui,sans-serif}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(140px,1fr));gap:12px;margin:16px 0}.figures div{background:var(--card);border:1px solid var(--line);border-radius:6px;padding:10px 12px}.figures b{display:block;font-size:1.25rem}
.legend span{margin-right:16px}.legend i{display:inline-block;width:12px;height:12px;border-radius:2px;margin-right:5px;vertical-align:-1px}`

/** A longer list of objects is folded. */
const LONG = 12
const WIDTH = 960
const LEFT = 110
const RIGHT = 12
const ROW = 40
const HEAD = 46

/** The whole page. */
export function toHtml(report: RunReport): string {
  const good = report.result === 'succeeded' || report.result === 'unchanged'
  const parts = [
    `<h1>${esc(`${report.action} ${report.environment}`)}<span class="badge ${good ? 'good' : 'bad'}">${report.result}</span></h1>`,
    `<p>${esc(report.summary)}</p>`,
    `<p class="soft">Namespace ${esc(report.namespace)}, revision ${report.revision || 'none'}${report.previousRevision === undefined ? '' : `, before: ${report.previousRevision}`}, Kubernetes ${esc(report.kubernetes)}, commit ${esc(shortCommit(report.commit))}, ${esc(report.startedAt.slice(0, 19).replace('T', ' '))} UTC by ${esc(report.who)}</p>`,
    ...(report.failure ? [`<p class="why">Phase <b>${esc(report.failure.phase)}</b>: ${esc(report.failure.message)}</p>`] : []),
    figures(report),
    '<h2>Timeline</h2>',
    timeline(report),
    legend(report),
  ]
  if (report.failure?.diagnosis) parts.push('<h2>Diagnosis</h2>', `<pre>${esc(diagnosisLines(report.failure.diagnosis).join('\n'))}</pre>`)
  if (report.rollback) {
    const { to, succeeded, durationMs, failure, checks } = report.rollback
    parts.push('<h2>Rollback</h2>', `<p>To revision ${to}: ${succeeded ? 'done and verified' : 'failed'}, ${formatDuration(durationMs)}. ${esc(failure?.message ?? '')}</p>`)
    if (failure?.diagnosis) parts.push(`<pre>${esc(diagnosisLines(failure.diagnosis).join('\n'))}</pre>`)
    if (checks.length > 0) parts.push(questions(checks))
  }
  if (report.availability) {
    parts.push('<h2>Availability</h2>', `<ul>${availabilityLines(report.availability).map((line) => `<li>${esc(line)}</li>`).join('')}</ul>`)
    parts.push(table(['Way in', 'Route', 'Requests', 'Failed', 'p50', 'p99'], report.availability.routes.map(({ target, route, requests, failures, p50Ms, p99Ms }) => [target, route, String(requests), String(failures), `${p50Ms.toFixed(0)} ms`, `${p99Ms.toFixed(0)} ms`])))
  }
  if (report.checks.length > 0) parts.push('<h2>Questions</h2>', questions(report.checks))
  parts.push('<h2>Images</h2>', table(['Image', 'Reference'], Object.entries(report.images)))
  const changed = report.operations.filter(({ action }) => action !== 'unchanged')
  const objects = table(['Action', 'Object', 'Reason'], changed.map(({ action, ref, reason }) => [action, `${ref.kind} ${ref.name}`, reason]))
  parts.push('<h2>Objects</h2>', `<details${changed.length <= LONG ? ' open' : ''}><summary>${esc(countLine(report.operations))}</summary>${changed.length === 0 ? '' : objects}</details>`)
  if (report.notes.length > 0) parts.push('<h2>Notes</h2>', `<ul>${report.notes.map((note) => `<li>${esc(note)}</li>`).join('')}</ul>`)
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>${esc(`${report.action} ${report.environment}: ${report.result}`)}</title><style>${STYLE}</style><main>${parts.join('\n')}</main></html>`
}

function shortCommit(commit = 'not known'): string {
  return commit.replace(/^([0-9a-f]{12})[0-9a-f]{28}/, '$1')
}

function figures({ durationMs, availability, checks, operations, rollback }: RunReport): string {
  const passed = checks.filter(({ result }) => result === 'passed').length
  const entries: [string, string][] = [
    ['Took', formatDuration(durationMs)],
    ['Objects changed', String(operations.filter(({ action }) => action !== 'unchanged' && action !== 'keep').length)],
  ]
  if (checks.length > 0) entries.push(['Questions answered', `${passed} of ${checks.length}`])
  if (availability) entries.push(['Failed requests', `${availability.failures} of ${availability.requests}`], ['Longest outage', formatDuration(availability.longestOutageMs)])
  if (rollback) entries.push(['Rollback', rollback.succeeded ? formatDuration(rollback.durationMs) : 'failed'])
  return `<div class="figures">${entries.map(([name, value]) => `<div><b>${esc(value)}</b><span class="soft">${esc(name)}</span></div>`).join('')}</div>`
}

function questions(checks: readonly Check[]): string {
  return table(['Question', 'Result', 'Answer', 'Took'], checks.map(({ name, result, detail, ms }) => [name, result, detail, formatDuration(ms)]))
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return `<table><thead><tr>${head.map((text) => `<th>${esc(text)}</th>`).join('')}</tr></thead><tbody>${rows.map((row) => `<tr>${row.map((text) => `<td><code${text === 'failed' ? ' class="wrong"' : ''}>${esc(text)}</code></td>`).join('')}</tr>`).join('')}</tbody></table>`
}

function legend({ availability }: RunReport): string {
  const entries = [['--old', 'old pods'], ['--new', 'new pods, not ready'], ['--ready', 'new pods, ready'], ...(availability ? [['--bad', 'failed requests']] : [])]
  return `<p class="legend soft">${entries.map(([color, name]) => `<span><i style="background:var(${color})"></i>${name}</span>`).join('')}</p>`
}

/** Phases on top, then one row of stacked pods per workload, then requests per second with failures in front. */
function timeline({ timeline: { phases, pods }, availability, startedAt, durationMs }: RunReport): string {
  const start = Date.parse(startedAt)
  const span = Math.max(1, durationMs)
  const x = (at: number): number => LEFT + (Math.min(Math.max(0, at - start), span) / span) * (WIDTH - LEFT - RIGHT)
  const workloads = [...new Set(pods.map(({ workload }) => workload))]
  const rows = workloads.length + (availability ? 1 : 0)
  const height = HEAD + rows * (ROW + 10) + 24
  const parts: string[] = []
  for (const { name, startedAt: from, endedAt = start + span, outcome } of phases) {
    const width = Math.max(1, x(endedAt) - x(from))
    parts.push(`<rect x="${x(from).toFixed(1)}" y="18" width="${width.toFixed(1)}" height="14" rx="2" fill="var(${outcome === 'failed' ? '--bad' : '--new'})" stroke="var(--card)" opacity=".35"><title>${esc(`${name}: ${formatDuration(endedAt - from)}`)}</title></rect>`)
    if (width > name.length * 6) parts.push(`<text x="${(x(from) + 3).toFixed(1)}" y="29">${esc(name)}</text>`)
  }
  parts.push(`<text x="8" y="29">phases</text>`)
  workloads.forEach((workload, index) => {
    const base = HEAD + index * (ROW + 10) + ROW
    const samples = pods.filter((sample) => sample.workload === workload)
    const most = Math.max(1, ...samples.map(({ old, updated }) => old + updated))
    parts.push(`<text x="8" y="${base - 4}">${esc(workload)}</text>`, `<line x1="${LEFT}" y1="${base}" x2="${WIDTH - RIGHT}" y2="${base}" stroke="var(--line)"/>`)
    samples.forEach(({ at, old, updated, ready }, position) => {
      const next = samples[position + 1]?.at ?? at + 1000
      const width = Math.max(1, x(next) - x(at))
      let top = base
      for (const [count, color] of [[ready, '--ready'], [updated - ready, '--new'], [old, '--old']] as const) {
        const tall = (Math.max(0, count) / most) * ROW
        if (tall === 0) continue
        top -= tall
        parts.push(`<rect x="${x(at).toFixed(1)}" y="${top.toFixed(1)}" width="${(width + 0.3).toFixed(1)}" height="${tall.toFixed(1)}" fill="var(${color})"><title>${esc(`${workload}: ${ready} ready, ${updated} new, ${old} old`)}</title></rect>`)
      }
    })
  })
  if (availability) {
    const base = HEAD + workloads.length * (ROW + 10) + ROW
    const most = Math.max(1, ...availability.seconds.map(({ requests }) => requests))
    parts.push(`<text x="8" y="${base - 4}">requests/s</text>`, `<line x1="${LEFT}" y1="${base}" x2="${WIDTH - RIGHT}" y2="${base}" stroke="var(--line)"/>`)
    for (const { at, requests, failures } of availability.seconds) {
      const width = Math.max(1, x(at + 1000) - x(at) - 0.5)
      for (const [count, color, opacity] of [[requests, '--new', 0.3], [failures, '--bad', 1]] as const) {
        if (count === 0) continue
        const tall = Math.max(color === '--bad' ? 3 : 0, (count / most) * ROW)
        parts.push(`<rect x="${x(at).toFixed(1)}" y="${(base - tall).toFixed(1)}" width="${width.toFixed(1)}" height="${tall.toFixed(1)}" fill="var(${color})" opacity="${opacity}"><title>${esc(`${requests} requests, ${failures} failed`)}</title></rect>`)
      }
    }
  }
  for (const mark of marks(span)) {
    parts.push(`<line x1="${x(start + mark).toFixed(1)}" y1="14" x2="${x(start + mark).toFixed(1)}" y2="${height - 18}" stroke="var(--line)" stroke-dasharray="2 3"/>`, `<text x="${x(start + mark).toFixed(1)}" y="${height - 5}" text-anchor="middle">${formatDuration(mark)}</text>`)
  }
  return `<svg viewBox="0 0 ${WIDTH} ${height}" shape-rendering="crispEdges" role="img" aria-label="Phases, pods and requests over time">${parts.join('')}</svg>`
}

/** Round times at which the axis is labelled, in ms: at most ten. */
function marks(span: number): number[] {
  const step = [1000, 2000, 5000, 10_000, 30_000, 60_000, 120_000, 300_000, 600_000].find((step) => span / step <= 10) ?? 1_800_000
  return Array.from({ length: Math.floor(span / step) + 1 }, (_, index) => index * step)
}
