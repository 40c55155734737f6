/** What GitHub is told about a run. */
import { describe, expect, it } from 'vitest'
import { annotations, markdown } from '../../../dagger/src/annotations.ts'
import { conformanceParts } from '../../../dagger/src/parts.ts'
import type { CheckResult, RunInfo } from '../../../dagger/src/summary.ts'

const info: RunInfo = { finished: '2026-01-02T03:04:05Z', seconds: 12.34, standIns: ['scripted model'], leftOut: [] }
const passed: CheckResult = { name: 'validate', title: 'manifests', seconds: 3, cached: true, outcome: 'passed', output: '' }
const failed: CheckResult = { name: 'lint-backend', title: 'ruff, mypy', folder: 'app/backend/', seconds: 8, cached: false, outcome: 'failed', exitCode: 1, output: 'src/a.py:7: error: 100% wrong, really\n' }
const conformance = JSON.stringify({
  requirements: [
    { id: 'CONF-001', title: 'Version', outcome: { outcome: 'passed', ms: 100, evidence: { summary: 'v1' } } },
    { id: 'CONF-302', title: 'The same', outcome: { outcome: 'failed', ms: 2_000, message: 'changed: agent', diagnosis: 'pods:' } },
    { id: 'CONF-310', title: 'Logs', outcome: { outcome: 'unmet', ms: 0, reasons: ['no figures', 'no ingress'] } },
    { id: 'CONF-311', title: 'Metrics', outcome: { outcome: 'not run', ms: 0, message: 'the run ended before' } },
  ],
})

describe('parts of conformance', () => {
  it('are its requirements, with what was seen or why not', () => {
    expect(conformanceParts(conformance).map(({ name, passed, text }) => [name, passed, text])).toEqual([
      ['CONF-001', true, 'v1'],
      ['CONF-302', false, 'changed: agent\npods:'],
      ['CONF-310', false, 'could not be asked: no figures; no ingress'],
      ['CONF-311', false, 'the run ended before'],
    ])
  })

  it.each(['', 'null', '{"requirements": 1}'])('are none in %j', (text) => expect(conformanceParts(text)).toEqual([]))
})

describe('annotations', () => {
  it('are none for a green run', () => expect(annotations([passed])).toBe(''))

  it('stand at the line that the output names, escaped', () => {
    expect(annotations([passed, failed])).toBe('::error file=app/backend/src/a.py,line=7,title=lint-backend::error: 100%25 wrong, really%0Aagain: npm run ci -- --only=lint-backend\n')
  })

  it('stand nowhere when the output names no place, and then have its text', () => {
    expect(annotations([{ ...failed, output: 'no' }])).toBe('::error title=lint-backend::exit code 1%0Ano%0Aagain: npm run ci -- --only=lint-backend\n')
    expect(annotations([{ name: 'x', title: 'y', seconds: 0, cached: false, outcome: 'broken', message: 'no image' }])).toContain('::error title=x::could not run: no image')
  })

  it('leave room for other checks', () => {
    const output = Array.from({ length: 30 }, (_, line) => `src/a.py:${line + 1}: error: x`).join('\n')
    expect(annotations([{ ...failed, output }]).trim().split('\n')).toHaveLength(5)
  })

  it('are one for each requirement that is not kept', () => {
    const lines = annotations([{ ...failed, name: 'conformance', parts: conformanceParts(conformance) }]).trim().split('\n')
    expect(lines).toHaveLength(3)
    expect(lines[0]).toBe('::error title=CONF-302 The same::changed: agent%0Aagain: npm run dagger -- call conformance --only=CONF-302,CONF-310,CONF-311')
  })

  it('warn of a check that is unsteady', () => {
    expect(annotations([{ ...passed, failedBefore: ['x'] }])).toBe('::warning title=validate::failed before it passed, with nothing changed in between\n')
  })
})

describe('the summary of a job', () => {
  it('has the verdict first, then stand-ins, table, and what did not pass', () => {
    const text = markdown([passed, failed], info)
    expect(text.split('\n')[0]).toBe('**1 of 2 checks did not pass: lint-backend in 12.3 s**')
    expect(text).toContain('- stand-in: scripted model')
    expect(text).toContain('| ✗ lint-backend | failed | 8.0 | run |')
    expect(text).toContain('100% wrong, really')
    expect(text).toContain('Again: `npm run ci -- --only=lint-backend`')
  })
})
