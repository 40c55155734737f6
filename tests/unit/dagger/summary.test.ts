import { describe, expect, it } from 'vitest'
import { allPassed, type CheckResult, failureText, html, json, junitFiles, type RunInfo, table } from '../../../dagger/src/summary.ts'

const info: RunInfo = { finished: '2026-01-02T03:04:05Z', seconds: 12.34, standIns: [], leftOut: [] }
const passed: CheckResult = { name: 'test-frontend', title: 'Jest', seconds: 3.21, cached: true, outcome: 'passed', output: '42 tests\n' }
const failed: CheckResult = { name: 'test-backend', title: 'pytest', seconds: 8, cached: false, outcome: 'failed', exitCode: 1, output: 'E assert 1 == 2 <&>\u001b[31m red\u001b[0m\n' }
const broken: CheckResult = { name: 'lint', title: 'linters', seconds: 0.5, cached: false, outcome: 'broken', message: 'image alpine:3.20 is not available offline' }

describe('the verdict', () => {
  it.each([
    ['every check passed', [passed], true],
    ['one failed', [passed, failed], false],
    ['one could not run', [passed, broken], false],
    ['no check ran', [], false],
  ] as const)('%s', (_, results, verdict) => expect(allPassed([...results])).toBe(verdict))
})

describe('the table', () => {
  it('has a row for each check, aligned, and says what came from the cache', () => {
    expect(table([passed, failed, broken], info)).toBe(
      [
        'check            result  seconds  source',
        '───────────────  ──────  ───────  ──────',
        '✓ test-frontend  passed      3.2  cached',
        '✗ test-backend   FAILED      8.0  run',
        '! lint           BROKEN        –  run',
        '',
        '2 of 3 checks did not pass: test-backend, lint in 12.3 s',
      ].join('\n'),
    )
  })

  it('names stand-ins', () => {
    expect(table([passed], { ...info, standIns: ['offline node image in the place of k3s'] })).toContain('stand-in: offline node image in the place of k3s')
  })

  it('names checks that were left out', () => {
    expect(table([passed], { ...info, leftOut: ['conformance'] })).toMatch(/all 1 checks passed in 12\.3 s\nleft out: conformance$/)
  })

  it('is followed by the output of each check that did not pass, and of no other', () => {
    const text = failureText([passed, failed, broken], info)
    expect(text).toContain('── test-backend (pytest) ──\nexit code 1\nE assert 1 == 2')
    expect(text).toContain('could not run: image alpine:3.20 is not available offline')
    expect(text).not.toContain('42 tests')
  })
})

describe('JUnit', () => {
  it("keeps a runner's own document", () => {
    expect(junitFiles([{ ...passed, junit: '<testsuites name="jest"/>' }])['test-frontend.xml']).toBe('<testsuites name="jest"/>')
  })

  it('states a failure, escaped and without terminal colours, where the runner wrote none', () => {
    const text = junitFiles([{ ...failed, junit: '' }])['test-backend.xml']
    expect(text).toContain('failures="1" errors="0" skipped="0"')
    expect(text).toContain('E assert 1 == 2 &lt;&amp;&gt; red')
  })

  it('counts a check that could not run as an error', () => {
    expect(junitFiles([broken])['lint.xml']).toContain('failures="0" errors="1"')
  })
})

describe('JSON', () => {
  it('holds verdict, exit code and detail', () => {
    const document = JSON.parse(json([passed, failed], info)) as { passed: boolean; checks: { exitCode?: number; detail: string }[] }
    expect(document.passed).toBe(false)
    expect(document.checks.map((check) => check.exitCode)).toEqual([undefined, 1])
    expect(document.checks[0]?.detail).toBe('42 tests')
  })
})

describe('the page', () => {
  it('loads nothing and runs nothing', () => {
    const page = html([passed, failed, broken], info)
    expect(page).not.toMatch(/<script|<link|src=|url\(/)
  })

  it('opens what did not pass, and only that', () => {
    const page = html([passed, failed], info)
    expect(page.match(/<details open>/g)).toHaveLength(1)
    expect(page).toContain('E assert 1 == 2 &lt;&amp;&gt; red')
  })

  it("links to a check's own pages and pictures, in the folder they are exported to", () => {
    const page = html([{ ...passed, files: ['deploy/report.html', 'screenshots/add a task.png', 'data.json'] }], info)
    expect(page).toContain('<a href="test-frontend/deploy/report.html">deploy/report.html</a>')
    expect(page).toContain('<a href="test-frontend/screenshots/add%20a%20task.png">')
    expect(page).not.toContain('href="test-frontend/data.json"')
  })

  it('says on top which checks were left out', () => {
    expect(html([passed], { ...info, leftOut: ['conformance'] })).toContain('Left out: conformance')
  })

  it('says on top when a stand-in ran', () => {
    expect(html([passed], { ...info, standIns: ['scripted model'] })).toContain('Stand-in: scripted model')
  })
})
