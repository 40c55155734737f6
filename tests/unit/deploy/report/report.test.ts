import { describe, expect, it } from 'vitest'
import { exitCodeOfResult, toJson, toMarkdown, toText, type RunReport } from '../../../../deploy/src/report/report.ts'
import { toHtml } from '../../../../deploy/src/report/page.ts'
import { summarise } from '../../../../deploy/src/proof/availability.ts'
import { Scene, release } from '../_release.ts'

async function failedReport(): Promise<RunReport> {
  const scene = new Scene()
  await scene.deploy(release())
  scene.cluster.logsOf.set('backend/backend/previous', '<script>alert("log")</script>')
  const report = await scene.deploy(release({ backend: 'crash', migrate: '1' }))
  return { ...report, availability: summarise([{ route: 'read', target: 'ingress', at: Date.parse(report.startedAt), latencyMs: 5, failure: 'HTTP 502' }], 100, undefined) }
}

describe('reports', () => {
  it('tell at a glance what happened, why, and what is in place now', async () => {
    const report = await failedReport()
    for (const text of [toText(report), toMarkdown(report), toHtml(report)]) {
      expect(text).toContain('rolled-back')
      expect(text).toContain('revision 1 is back and verified')
      expect(text).toContain('CrashLoopBackOff')
      expect(text).toContain('1 failed')
    }
    expect(toText(report)).toMatch(/Next: read the log before the last restart/)
    expect(JSON.parse(toJson(report))).toEqual(JSON.parse(JSON.stringify(report)))
  })

  it('show the phase that failed, and no other, as failed', async () => {
    const { timeline } = await failedReport()
    expect(timeline.phases.filter(({ outcome }) => outcome !== 'done').map(({ name, outcome }) => [name, outcome])).toEqual([['backend', 'failed']])
    const scene = new Scene()
    scene.cluster.answers.set('pod backend /api/info', { status: 503, headers: {}, body: '' })
    const wrong = await scene.deploy(release())
    expect(wrong.timeline.phases.filter(({ outcome }) => outcome !== 'done').map(({ name, outcome }) => [name, outcome])).toEqual([['verify', 'failed']])
  })

  it('show the picture without script, font or address from elsewhere', async () => {
    const html = toHtml(await failedReport())
    expect(html).toMatch(/<svg[^>]* role="img" aria-label=/)
    expect(html).not.toMatch(/<script|<link|@import|src=|url\(/)
    expect(html).toContain('&lt;script&gt;alert(')
  })

  it.each([
    ['succeeded', 0],
    ['unchanged', 0],
    ['rolled-back', 1],
    ['rollback-failed', 1],
    ['failed', 1],
    ['interrupted', 1],
  ] as const)('%s ends with exit code %i', (result, code) => {
    expect(exitCodeOfResult(result)).toBe(code)
  })
})
