/** A run as one HTML page: its verdict, when each check ran, and what each printed. Pure. */
import { again, allPassed, type CheckResult, detail, escape, notes, type RunInfo, stateOf, SYMBOL, verdict } from './summary.ts'
import type { Part } from './parts.ts'

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
.passed { color: var(--ok); } .failed { color: var(--bad); } .broken, .unsteady { color: var(--warn); }
.name { font-weight: 600; } .title { color: var(--soft); }
.bar { height: .5rem; border-radius: .25rem; background: var(--line); overflow: hidden; }
.bar i { display: block; height: 100%; background: var(--ok); } .bar i.cached { background: var(--cached); } .bar i.failed { background: var(--bad); }
.time { text-align: right; font-variant-numeric: tabular-nums; color: var(--soft); }
pre { margin: 0; padding: 1rem; overflow: auto; max-height: 32rem; font: 12.5px/1.45 ui-monospace, monospace; background: color-mix(in srgb, var(--bg) 70%, transparent); border-top: 1px solid var(--line); }
.files { margin: 0; padding: .5rem 1rem; border-top: 1px solid var(--line); } .files a { color: inherit; margin-right: .8rem; }
h2 { font-size: 1.05rem; margin: 1.8rem 0 .5rem; }
.timeline { padding: .8rem 1rem; } .timeline p { margin: .6rem 0 0; color: var(--soft); font-size: .85rem; }
.lane { display: grid; grid-template-columns: 12rem 1fr; gap: .8rem; align-items: center; font-size: .85rem; }
.track { position: relative; height: 1rem; } .track i { position: absolute; top: .2rem; height: .6rem; border-radius: .15rem; }
.waited { background: repeating-linear-gradient(45deg, var(--line) 0 4px, transparent 4px 8px); } .prepared { background: var(--cached); } .ran { background: var(--ok); } .ran.bad { background: var(--bad); }
.again { margin: 0; padding: .5rem 1rem; border-top: 1px solid var(--line); } code { font: 12.5px ui-monospace, monospace; }
.parts { margin: 0; padding: .4rem 1rem; border-top: 1px solid var(--line); list-style: none; } .parts li { padding: .15rem 0; } .parts pre { white-space: pre-wrap; border: 0; padding: .4rem 0 .4rem 1.4rem; } .parts .time { float: right; } .parts a { color: inherit; }
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
<p class="meta">${escape(verdict(results, info))} · ${escape(info.finished)}</p>
${notes(info).map((text) => `<p class="note">${escape(text)}</p>`).join('\n')}
<section>
${results.map((result) => row(result, longest)).join('\n')}
</section>
${timeline(results, info)}
</main></body></html>
`
}

function row(result: CheckResult, longest: number): string {
  const state = stateOf(result)
  const width = Math.max(1, Math.round((result.seconds / longest) * 100))
  const colour = result.outcome !== 'passed' ? 'failed' : result.cached ? 'cached' : ''
  const time = result.outcome === 'broken' ? '–' : `${result.seconds.toFixed(1)} s${result.cached ? ' ⟲' : ''}`
  const head = `<summary><span class="${state}" role="img" aria-label="${state}">${SYMBOL[state]}</span><span class="name">${escape(result.name)}</span><span class="title">${escape(result.title)}</span><span class="bar" aria-hidden="true"><i class="${colour}" style="width:${width}%"></i></span><span class="time"${result.cached ? ' title="not run again: nothing it sees has changed"' : ''}>${time}</span></summary>`
  const command = result.outcome === 'passed' ? '' : `<p class="again">Again: <code>${escape(again(result))}</code></p>`
  return `<details id="${escape(result.name)}"${state === 'passed' ? '' : ' open'}>${head}${command}${links(result)}${partsOf(result)}${failuresBefore(result)}<pre>${escape(detail(result)) || '(no output)'}</pre></details>`
}

function failuresBefore(result: CheckResult): string {
  const outputs = result.outcome === 'passed' ? (result.failedBefore ?? []) : []
  return outputs.map((output, index) => `<p class="again">Unsteady: failed with the same content before it passed (${index + 1} of ${outputs.length}):</p><pre>${escape(output.trim())}</pre>`).join('')
}

function links(result: CheckResult): string {
  const files = result.outcome === 'broken' ? [] : (result.files ?? []).filter((file) => /\.(html|png|md)$/.test(file))
  if (files.length === 0) return ''
  return `<p class="files">${files.map((file) => `<a href="${encodeURI(`${result.name}/${file}`)}">${escape(file)}</a>`).join(' ')}</p>`
}

/** Requirement by requirement, what is not kept with its text; each leads to its place in the check's own page. */
function partsOf(result: CheckResult): string {
  const parts = result.outcome === 'broken' ? [] : (result.parts ?? [])
  if (parts.length === 0) return ''
  const page = (result.outcome === 'broken' ? [] : (result.files ?? [])).find((file) => file === `${result.name}.html`)
  const name = (part: Part): string => (page === undefined ? escape(part.name) : `<a href="${encodeURI(`${result.name}/${page}`)}#${encodeURIComponent(part.name)}">${escape(part.name)}</a>`)
  const items = parts.map((part) => {
    const state = part.passed ? 'passed' : 'failed'
    const text = part.passed ? '' : `<pre>${escape(part.text)}</pre>`
    return `<li><span class="${state}" role="img" aria-label="${state}">${SYMBOL[state]}</span> ${name(part)} ${escape(part.title)}<span class="time">${part.seconds.toFixed(1)} s</span>${text}</li>`
  })
  return `<ul class="parts">${items.join('')}</ul>`
}

/** What ran when, and what waited for what: checks that run alone wait for the others, each waits for the images it is made of. */
function timeline(results: CheckResult[], { seconds }: RunInfo): string {
  const timed = results.flatMap((result) => (result.times === undefined ? [] : [{ result, times: result.times }]))
  if (timed.length === 0) return ''
  const whole = Math.max(seconds, ...timed.map(({ times }) => times.answered), 0.001)
  const bar = (kind: string, what: string, from: number, until: number): string =>
    until - from < 0.05 ? '' : `<i class="${kind}" style="left:${percent(from / whole)};width:${percent((until - from) / whole)}" title="${escape(`${what}: ${from.toFixed(1)} s to ${until.toFixed(1)} s`)}"></i>`
  const lanes = timed.map(({ result, times: { asked, started, finished, answered } }) => {
    const bars = [
      bar('waited', 'waited for the checks before it', 0, asked),
      bar('prepared', 'images, services and answers', asked, started ?? answered),
      started === undefined || finished === undefined ? '' : bar(`ran${result.outcome === 'passed' ? '' : ' bad'}`, 'its command ran', started, finished),
    ]
    return `<div class="lane"><span>${escape(result.name)}</span><span class="track">${bars.join('')}</span></div>`
  })
  return `<h2>Where the time went</h2>\n<section class="timeline">\n${lanes.join('\n')}\n<p>0 to ${whole.toFixed(1)} s. Hatched: waits for the checks before it. Grey: its images and services are made, or its result is looked up. Coloured: its command runs.</p>\n</section>`
}

const percent = (share: number): string => `${(share * 100).toFixed(2)}%`
