import { describe, expect, it } from 'vitest'
import { html } from '../../../dagger/src/page.ts'
import { again, allPassed, type CheckResult, failureText, json, junitFiles, progressLine, type RunInfo, table, verdict } from '../../../dagger/src/summary.ts'

const info: RunInfo = { finished: '2026-01-02T03:04:05Z', seconds: 12.34, standIns: [], leftOut: [] }
const passed: CheckResult = { name: 'test-frontend', title: 'Jest', seconds: 3.21, cached: true, outcome: 'passed', output: '42 tests\n' }
const failed: CheckResult = { name: 'test-backend', title: 'pytest', seconds: 8, cached: false, outcome: 'failed', exitCode: 1, output: 'E assert 1 == 2 <&>\u001b[31m red\u001b[0m\n' }
const broken: CheckResult = { name: 'lint', title: 'linters', seconds: 0.5, cached: false, outcome: 'broken', message: 'image alpine:3.20 is not available offline' }

const unsteady: CheckResult = { name: 'test-e2e', title: 'Chromium', seconds: 50, cached: true, outcome: 'passed', output: 'fine\n', failedBefore: ['the button was not there\n'] }
const nonconformant: CheckResult = {
  name: 'conformance',
  title: 'in a cluster',
  seconds: 260,
  cached: false,
  outcome: 'failed',
  exitCode: 1,
  output: 'vitest says much\n',
  files: ['conformance.html', 'conformance.json'],
  parts: [
    { name: 'CONF-001', title: 'Kubernetes version', passed: true, seconds: 0.1, text: 'v1.36.1' },
    { name: 'CONF-302', title: 'The same release changes nothing', passed: false, seconds: 12, text: 'changed: Deployment <agent>\npods:\n  agent-1: Running' },
  ],
}

describe('the verdict', () => {
  it.each([
    ['every check passed', [passed], true],
    ['one failed', [passed, failed], false],
    ['one could not run', [passed, broken], false],
    ['no check ran', [], false],
    ['one passed the second time only', [passed, unsteady], true],
  ] as const)('%s', (_, results, verdict) => expect(allPassed([...results])).toBe(verdict))

  it('names what is unsteady, and the requirements that are not kept', () => {
    expect(verdict([passed, unsteady], info)).toBe('all 2 checks passed, unsteady: test-e2e in 12.3 s')
    expect(verdict([unsteady, nonconformant, failed], info)).toBe('2 of 3 checks did not pass: conformance (CONF-302), test-backend, unsteady: test-e2e in 12.3 s')
  })
})

describe('the command that runs a failure again', () => {
  it('runs the check, or only the requirements of it that are not kept', () => {
    expect(again(failed)).toBe('npm run ci -- --only=test-backend')
    expect(again(nonconformant)).toBe('npm run dagger -- call conformance --only=CONF-302')
    expect(again({ ...failed, again: 'npm run dagger -- call fuzz --seed=7' })).toBe('npm run dagger -- call fuzz --seed=7')
  })
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
    expect(table([passed], { ...info, leftOut: ['conformance', 'lint'] })).toMatch(/\nleft out: conformance, lint\nall 1 checks passed in 12\.3 s$/)
  })

  it('never shows a check that failed before it passed as plain green', () => {
    expect(table([unsteady], info)).toMatch(/^~ test-e2e +unsteady +50\.0 +cached$/m)
  })

  it('comes after the output of each check that did not pass, and of no other; the verdict is the last line', () => {
    const text = failureText([passed, failed, broken], info)
    expect(text.indexOf('E assert')).toBeLessThan(text.indexOf('check            result'))
    expect(text.split('\n').at(-1)).toBe('2 of 3 checks did not pass: test-backend, lint in 12.3 s')
    expect(text).toContain('again: npm run ci -- --only=lint')
    expect(text).toContain('── test-backend (pytest) ──\nexit code 1\nE assert 1 == 2')
    expect(text).toContain('could not run: image alpine:3.20 is not available offline')
    expect(text).not.toContain('42 tests')
  })

  it('has the output of a failed check once, in at most 60 lines', () => {
    const long = { ...failed, output: Array.from({ length: 5_000 }, (_, line) => `line ${line}`).join('\n') }
    const text = failureText([long], info)
    expect(text.split('\n').length).toBeLessThan(60 + 12)
    expect(text).toContain('line 4999')
    expect(text.match(/line 4999/g)).toHaveLength(1)
  })

  it('names the first places in the repository that the output names', () => {
    const output = Array.from({ length: 9 }, (_, line) => `src/a.py:${line + 1}: error: x`).join('\n')
    expect(failureText([{ ...failed, folder: 'app/backend/', output }], info).match(/^at: .*$/gm)).toEqual(['at: app/backend/src/a.py:1', 'at: app/backend/src/a.py:2', 'at: app/backend/src/a.py:3'])
    expect(failureText([nonconformant], info)).not.toContain('\nat: ')
  })

  it('tells of a requirement that is not kept its message and diagnosis, not what the runner printed', () => {
    const text = failureText([nonconformant], info)
    expect(text).toContain('✗ CONF-302 The same release changes nothing: changed: Deployment <agent>\npods:\n  agent-1: Running')
    expect(text).not.toContain('vitest says much')
  })

  it('is told row by row while the run goes on', () => {
    expect(progressLine(failed)).toBe('check ended: ✗ test-backend FAILED 8.0 run')
    expect(progressLine(unsteady)).toBe('check ended: ~ test-e2e unsteady 50.0 cached')
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

describe('JUnit of an unsteady check', () => {
  it('is a document of its own, with what failed before', () => {
    const files = junitFiles([unsteady])
    expect(files['test-e2e-unsteady.xml']).toContain('<flakyFailure type="unsteady" message="failed before it passed">the button was not there')
    expect(Object.keys(junitFiles([passed]))).toEqual(['test-frontend.xml'])
  })
})

describe('JSON', () => {
  it('holds verdict, exit code and detail', () => {
    const document = JSON.parse(json([passed, failed], info)) as { passed: boolean; checks: { exitCode?: number; detail: string }[] }
    expect(document.passed).toBe(false)
    expect(document.checks.map((check) => check.exitCode)).toEqual([undefined, 1])
    expect(document.checks[0]?.detail).toBe('42 tests')
    expect(JSON.parse(json([unsteady], info))).toMatchObject({ passed: true, verdict: expect.stringContaining('unsteady'), checks: [{ state: 'unsteady' }] })
  })
})

describe('the page', () => {
  it('loads nothing and runs nothing', () => {
    const page = html([passed, failed, broken], info)
    expect(page).not.toMatch(/<script|<link|src=|url\(/)
  })

  it('opens what did not pass, and only that', () => {
    const page = html([passed, failed], info)
    expect(page.match(/<details [^>]*open>/g)).toHaveLength(1)
    expect(page).toContain('<code>npm run ci -- --only=test-backend</code>')
    expect(page).toContain('E assert 1 == 2 &lt;&amp;&gt; red')
  })

  it("links to a check's own pages and pictures, in the folder they are exported to", () => {
    const page = html([{ ...passed, files: ['deploy/report.html', 'screenshots/add a task.png', 'data.json'] }], info)
    expect(page).toContain('<a href="test-frontend/deploy/report.html">deploy/report.html</a>')
    expect(page).toContain('<a href="test-frontend/screenshots/add%20a%20task.png">')
    expect(page).not.toContain('href="test-frontend/data.json"')
  })

  it('says on top which checks were left out', () => {
    expect(html([passed], { ...info, leftOut: ['conformance'] })).toContain('left out: conformance')
  })

  it('says on top when a stand-in ran', () => {
    expect(html([passed], { ...info, standIns: ['scripted model'] })).toContain('stand-in: scripted model')
  })

  it('shows conformance requirement by requirement, what is not kept with its text, each with its place in the own page', () => {
    const page = html([nonconformant], info)
    expect(page).toContain('<a href="conformance/conformance.html#CONF-001">CONF-001</a>')
    expect(page).toContain('<pre>changed: Deployment &lt;agent&gt;\npods:')
    expect(page).not.toContain('<pre>v1.36.1')
  })

  it('opens an unsteady check, with what failed before', () => {
    const page = html([unsteady], info)
    expect(page).toContain('<details id="test-e2e" open>')
    expect(page).toContain('<pre>the button was not there</pre>')
  })

  it('shows when each check waited, was prepared and ran', () => {
    const page = html([{ ...passed, times: { asked: 5, started: 7.5, finished: 10, answered: 10 } }, failed], { ...info, seconds: 10 })
    expect(page).toContain('title="waited for the checks before it: 0.0 s to 5.0 s"')
    expect(page).toContain('class="prepared" style="left:50.00%;width:25.00%"')
    expect(page).toContain('class="ran" style="left:75.00%;width:25.00%"')
    expect(html([failed], info)).not.toContain('Where the time went')
  })
})
