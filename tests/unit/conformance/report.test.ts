import { describe, expect, it } from 'vitest'
import { NOT_RUN, type Outcome } from '../../conformance/outcome.ts'
import { type Report, type ReportRow, count, isConformant, toHtml, toJson, toJunit, toText, verdict } from '../../conformance/report.ts'

const PASSED: Outcome = { outcome: 'passed', ms: 1_234, evidence: { summary: '3 pods', table: { head: ['pod'], rows: [['backend-1']] } } }
const FAILED: Outcome = { outcome: 'failed', ms: 5_000, message: 'reached <postgres> & more', diagnosis: 'pods:\n  agent-1: Running', evidence: { summary: 'one target', table: { head: ['target'], rows: [['postgres']] } } }
const UNMET: Outcome = { outcome: 'unmet', ms: 0, reasons: ['the metrics API gives figures of pods: no, no figures'] }

const row = (id: number, outcome: Outcome, ring: ReportRow['ring'] = 'behaviour'): ReportRow => ({ id: `CONF-${id}`, ring, title: `requirement ${id}`, must: 'It MUST.', why: 'because', source: 'design.md', outcome })

function report(...rows: ReportRow[]): Report {
  return { cluster: 'offline node image (stand-in for k3s)', kubernetes: 'v1.36.1', namespace: 'todo-chat-dev', startedAt: '2026-01-01T00:00:00.000Z', durationMs: 61_000, leftOut: 0, rows }
}

describe('a report', () => {
  it.each([
    ['everything kept', [PASSED, PASSED], true],
    ['one broken', [PASSED, FAILED], false],
    ['one that could not be asked', [PASSED, UNMET], false],
    ['one that was not reached', [PASSED, NOT_RUN], false],
    ['no requirement at all', [], false],
  ])('with %s', (_, outcomes, conformant) => {
    const it = report(...outcomes.map((outcome, index) => row(200 + index, outcome)))
    expect(isConformant(it)).toBe(conformant)
    expect((JSON.parse(toJson(it)) as { conformant: boolean }).conformant).toBe(conformant)
    expect(toHtml(it).includes('<span class="badge">conformant')).toBe(conformant)
  })

  it('counts what was not asked apart', () => {
    const it = report(row(200, PASSED), row(201, FAILED), row(202, UNMET), row(203, NOT_RUN))
    expect(count(it.rows)).toEqual({ passed: 1, failed: 1, unmet: 1, 'not run': 1 })
    expect(verdict(it)).toBe('1 of 4 requirements kept, 1 broken, 1 could not be asked, 1 not reached')
  })

  it('with requirements left out never says conformant, and says how many', () => {
    const it = { ...report(row(200, PASSED), row(201, PASSED)), leftOut: 56 }
    expect(isConformant(it)).toBe(false)
    expect(verdict(it)).toBe('2 of 2 requirements kept, 0 broken, 56 left out by CONFORMANCE_ONLY')
    expect(toHtml(it)).not.toContain('<span class="badge">conformant')
    expect(toJunit(it)).toContain('tests="2" failures="0"')
  })

  it('says which cluster ran, and that it is a stand-in', () => {
    const it = report(row(200, PASSED))
    expect(toHtml(it)).toContain('The cluster is a stand-in')
    expect(toText(it)).toContain('on offline node image (stand-in for k3s), Kubernetes v1.36.1')
    expect(toHtml({ ...it, cluster: 'k3s' })).not.toContain('stand-in')
  })
})

describe('JUnit', () => {
  const xml = toJunit(report(row(1, PASSED, 'cluster'), row(201, FAILED), row(202, UNMET), row(203, NOT_RUN)))

  it('knows failures and no skipped test', () => {
    expect(xml).toContain('<testsuites name="conformance" tests="4" failures="3" errors="0" skipped="0" time="61.000">')
    expect(xml).not.toContain('<skipped')
    expect(xml.match(/<failure /g)).toHaveLength(3)
  })

  it('escapes messages and carries the diagnosis', () => {
    expect(xml).toContain('message="reached &lt;postgres&gt; &amp; more"')
    expect(xml).toContain('agent-1: Running')
  })
})

describe('the page', () => {
  const html = toHtml(report(row(200, PASSED), row(201, FAILED), row(202, UNMET)))

  it('opens what is not kept, with diagnosis and evidence', () => {
    expect(html).toContain('<details id="CONF-201" open>')
    expect(html).toContain('<details id="CONF-202" open>')
    expect(html).toContain('<details id="CONF-200">')
    expect(html).toContain('<pre>pods:')
    expect(html).toContain('<td>postgres</td>')
  })

  it('loads nothing and runs nothing', () => {
    expect(html).not.toMatch(/<script|<link|<img|url\(|@import/)
  })

  it('shows text as text', () => {
    expect(html).toContain('reached &lt;postgres&gt; &amp; more')
    expect(html).not.toContain('<postgres>')
  })
})
