import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { dagger, REPOSITORY, repositoryCopy, rows, sources } from './_pipeline.ts'

const CHECKS = ['test-backend', 'test-frontend', 'test-pipeline', 'test-database', 'test-backup', 'test-e2e', 'validate', 'docs', 'lint-backend', 'lint-frontend', 'lint-pipeline', 'lint-files', 'conformance']

// Each copy below differs from the repository in something that the images are made of. Starting a cluster for each would prove nothing more.
const WITHOUT_CLUSTER = ['call', 'ci', '--skip=conformance']

it('the repository passes: every check has a row that says so, in few lines, and the verdict is the last', async () => {
  const { code, stdout, stderr } = await dagger(REPOSITORY, 'call', 'ci')
  expect(rows(stdout), stdout + stderr.slice(-20_000)).toEqual(expect.objectContaining(Object.fromEntries(CHECKS.map((name) => [name, 'passed']))))
  expect(code).toBe(0)
  expect((stdout + stderr).split('\n').length).toBeLessThanOrEqual(300)
  expect(stdout.trimEnd().split('\n').slice(-2)).toEqual([expect.stringMatching(/^log: .*report\/ci\.log$/), expect.stringMatching(/^all 13 checks passed in /)])
})

it('an unchanged tree is answered from the cache', async () => {
  const { code, stdout } = await dagger(REPOSITORY, 'call', 'ci')
  expect(code).toBe(0)
  expect(sources(stdout)).toEqual(Object.fromEntries(CHECKS.map((name) => [name, 'cached'])))
})

it('a change in the page runs its own checks again, and no other', async () => {
  using copy = repositoryCopy()
  // Another change each time: the engine remembers what an earlier run of this test has asked.
  copy.edit('app/frontend/src/main.ts', (text) => `${text}\n// A change that nobody sees, ${Date.now()}.\n`)
  const { code, stdout, stderr } = await dagger(copy.path, ...WITHOUT_CLUSTER)
  expect(code, stderr).toBe(0)
  const again = ['test-frontend', 'lint-frontend', 'test-e2e']
  const expected = CHECKS.filter((name) => name !== 'conformance').map((name) => [name, again.includes(name) ? 'run' : 'cached'])
  expect(sources(stdout)).toEqual(Object.fromEntries(expected))
  expect(stdout).toContain('left out: conformance')
})

it('a failed check runs again; once it has passed its result is cached, and stays unsteady', async () => {
  using copy = repositoryCopy()
  // Another command each time, which no engine has seen.
  copy.edit('dagger/src/checks.ts', (text) => text.replace("'sh scripts/lint-files.sh'", `'[ $CHECK_ATTEMPT = 2 ] # ${Date.now()}'`))
  const lintFiles = async () => {
    const { stdout, stderr } = await dagger(copy.path, 'call', 'ci', '--only=lint-files')
    return [rows(stdout + stderr)['lint-files'], sources(stdout + stderr)['lint-files']]
  }
  expect(await lintFiles()).toEqual(['FAILED', 'run'])
  expect(await lintFiles()).toEqual(['FAILED', 'run'])
  // Nothing has changed in between: that is no plain green, now or later.
  expect(await lintFiles()).toEqual(['unsteady', 'run'])
  expect(await lintFiles()).toEqual(['unsteady', 'cached'])
})

it('a name that no check has is refused, with the names there are', async () => {
  const { code, stdout } = await dagger(REPOSITORY, 'call', 'ci', '--skip=conformance', '--skip=test-backed')
  expect(code).not.toBe(0)
  expect(stdout).toContain('no check is named test-backed; the checks are test-backend,')
})

it('a failed pytest and a failed Jest test are both reported, with their output, beside the checks that pass', async () => {
  using copy = repositoryCopy()
  // Unit tests alone, so that the run is short; the other suites have passed above.
  copy.edit('app/backend/pyproject.toml', (text) => text.replace('testpaths = ["tests"]', 'testpaths = ["tests/unit"]'))
  copy.write('app/backend/tests/unit/test_made_to_fail.py', 'def test_made_to_fail() -> None:\n    raise AssertionError("pytest made to fail")\n')
  copy.write('app/frontend/src/made-to-fail.test.ts', "it('fails', () => { throw new Error('Jest made to fail') })\n")
  const { code, stdout } = await dagger(copy.path, ...WITHOUT_CLUSTER)
  expect(code).toBe(1)
  expect(rows(stdout)).toMatchObject({ 'test-backend': 'FAILED', 'test-frontend': 'FAILED', validate: 'passed', 'lint-files': 'passed' })
  expect(stdout).toContain('pytest made to fail')
  expect(stdout).toContain('Jest made to fail')
  expect(stdout).toContain('again: npm run ci -- --only=test-backend')
  expect(stdout.trimEnd().split('\n').at(-1)).toMatch(/checks did not pass: .*test-backend.*test-frontend/)
  const report = join(copy.path, 'report', 'ci')
  expect(readFileSync(join(report, 'annotations.txt'), 'utf8')).toMatch(/^::error file=app\/backend\/tests\/unit\/test_made_to_fail\.py,line=2,title=test-backend::/m)
  const verdict = await dagger(REPOSITORY, 'call', 'ci-verdict', `--report=${report}`)
  expect(verdict.code).not.toBe(0)
  expect(verdict.stderr).toContain('checks did not pass')
})

it('a syntax error in the module names the file', async () => {
  using copy = repositoryCopy()
  copy.edit('dagger/src/index.ts', (text) => `${text}\nconst = 1\n`)
  const { code, stderr } = await dagger(copy.path, '--progress=plain', 'call', 'ci')
  expect(code).not.toBe(0)
  expect(stderr).toMatch(/index\.ts/)
})

it('an unknown base image fails the checks that need it with a message that says what there is, and no other check', async () => {
  using copy = repositoryCopy()
  copy.edit('docker/bases.json', (text) => text.replace('1.26-bookworm', '9.99-nosuch'))
  // Every image is built from other arguments then: those that take longest to ask again would tell nothing more.
  const { code, stdout } = await dagger(copy.path, ...WITHOUT_CLUSTER, '--skip=test-backend', '--skip=test-e2e')
  expect(code).toBe(1)
  expect(rows(stdout)).toMatchObject({ 'test-frontend': 'passed', validate: 'BROKEN' })
  expect(stdout).toContain('golang:9.99-nosuch')
  expect(stdout).toContain('available')
})

it('an image can be asked for again: what an earlier call gave is not referred to', async () => {
  for (const _ of ['first', 'second']) {
    const { code, stdout, stderr } = await dagger(REPOSITORY, 'call', 'frontend', 'user')
    expect(code, stderr).toBe(0)
    expect(stdout.trim()).toBe('10001:10001')
  }
})

it('an unknown function is refused by Dagger, with its exit code', async () => {
  const { code, stderr } = await dagger(REPOSITORY, 'call', 'nosuch')
  expect(code).not.toBe(0)
  expect(stderr).toContain('unknown command "nosuch"')
})

it('every function and argument is described', async () => {
  const { stdout } = await dagger(REPOSITORY, '-s', 'functions')
  const undescribed = stdout.split('\n').filter((line) => /\s-$/.test(line))
  expect(stdout).toContain('test-backend')
  expect(undescribed).toEqual([])
})

it("no function has an argument that the CLI cannot take beside its own", async () => {
  const { stdout } = await dagger(REPOSITORY, '-s', 'functions')
  const functions = stdout.split('\n').slice(1).flatMap((line) => /^([a-z][a-z-]*)\s/.exec(line)?.[1] ?? [])
  expect(functions).toContain('history')
  for (const name of functions) {
    const { code, stderr } = await dagger(REPOSITORY, 'call', name, '--help')
    expect(code, `${name}: ${stderr}`).toBe(0)
  }
})

it('the report holds a page, JSON and one JUnit document per check', async () => {
  using copy = repositoryCopy()
  const target = join(copy.path, 'exported')
  const { code, stderr } = await dagger(REPOSITORY, 'call', 'ci-report', 'export', `--path=${target}`)
  expect(code, stderr).toBe(0)
  const report = JSON.parse(readFileSync(join(target, 'report.json'), 'utf8')) as { passed: boolean; checks: { name: string }[] }
  expect(report.passed).toBe(true)
  const verdict = await dagger(REPOSITORY, 'call', 'ci-verdict', `--report=${target}`)
  expect(verdict.stdout).toContain('all 13 checks passed')
  expect(verdict.code).toBe(0)
  expect(readFileSync(join(target, 'index.html'), 'utf8')).toContain('<!doctype html>')
  expect(existsSync(join(target, 'conformance', 'conformance.html'))).toBe(true)
  expect(readdirSync(join(target, 'test-e2e', 'screenshots')).filter((name) => name.endsWith('.png'))).not.toEqual([])
  for (const { name } of report.checks) expect(readFileSync(join(target, 'junit', `${name}.xml`), 'utf8')).toContain('<testsuite')
  expect(readFileSync(join(target, 'index.html'), 'utf8')).toContain('conformance.html#CONF-302')
  expect(readFileSync(join(target, 'annotations.txt'), 'utf8')).toBe('')
})
