import { describe, expect, it } from 'vitest'
import { isGreen, type Page, type Step, toHtml, toText, verdictLine } from '../../rehearsal/page.ts'

const step = (changes: Partial<Step> = {}): Step => ({ chapter: 'first commit', title: 'cd-production.yml: Deploy', call: 'dagger call deploy-report --env=prod', seconds: 59.94, ok: true, verdict: 'succeeded', folder: '07-deploy', ...changes })
const page = (steps: Step[]): Page => ({ commits: ['0123456789abcdef'], startedAt: '2026-01-01T00:00:00Z', seconds: 754, notes: ['stand-in: x'], steps })

describe('the page of a rehearsal', () => {
  it('is green when every step is as it should be', () => {
    expect(isGreen(page([step()]))).toBe(true)
    expect(verdictLine(page([step()]))).toBe('rehearsal: all 1 steps as they should be, in 12 min 34 s')
  })

  it('is red when a step is not, and names it', () => {
    const red = page([step(), step({ title: 'drift', ok: false })])
    expect(isGreen(red)).toBe(false)
    expect(verdictLine(red)).toBe('rehearsal: 1 of 2 steps failed (drift), after 12 min 34 s')
  })

  it('without a step is not green', () => {
    expect(isGreen(page([]))).toBe(false)
    expect(verdictLine(page([]))).toContain('none was made')
  })

  it('says stand-ins, chapters, steps with their seconds, and the verdict last', () => {
    const lines = toText(page([step(), step({ chapter: 'way back', title: 'rollback' })])).trimEnd().split('\n')
    expect(lines).toContain('  stand-in: x')
    expect(lines).toContain('way back')
    expect(lines.find((line) => line.includes('cd-production.yml: Deploy'))).toMatch(/^✓ .* 59\.9 s {2}succeeded$/)
    expect(lines.at(-1)).toMatch(/^rehearsal: /)
  })

  it('links each step to its log, and shows a call as text', () => {
    const html = toHtml(page([step({ call: 'dagger call x --set=<a>' })]))
    expect(html).toContain('<a href="07-deploy/log.txt">')
    expect(html).toContain('--set=&#60;a&#62;')
  })
})
