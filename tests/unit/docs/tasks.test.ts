/** A task is ticked when its tests are there, or, with the reports of a run, when they have passed. */
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { drift } from '../../docs/drift.ts'
import type { Finding } from '../../docs/finding.ts'
import { type Case, casesOf, outcomeOf } from '../../docs/junit.ts'
import { PLAN_TASKS } from '../../docs/plan-tasks.ts'
import { checkRows, type Group, tasksPage } from '../../docs/tasks.ts'
import { type ExistingTests, exists, proofOf, testsOf, titlesOfPython, titlesOfTypeScript } from '../../docs/tests.ts'
import { filesOf } from '../../docs/tree.ts'
import { change, lineOf, ROOT } from './_copy.ts'

describe('titles', () => {
  it('of groups and tests are read from the source, also of tables', () => {
    const source = `describe('a', () => { it('b', run); it.each([1])('c %s', run) })\ndescribe.each(rows)('$name', () => { test.skipIf(x)('d', run) })\nit(\`e\`, run)\nitself('f', run)`
    expect(titlesOfTypeScript(source)).toEqual([['a'], ['a', 'b'], ['a', 'c %s'], ['$name'], ['$name', 'd'], ['e']])
  })

  it('of pytest are its functions', () => {
    expect(titlesOfPython('def test_a(): ...\nasync def test_b(): ...\ndef helper(): ...\n    def test_inner(): ...\n')).toEqual([['test_a'], ['test_b']])
  })
})

const TESTS: ExistingTests = { requirements: new Set(['CONF-201']), policies: new Set(['pods/small']), titles: new Map([['tests/a.test.ts', [['group'], ['group', 'one']]]]) }

describe('a proof', () => {
  it.each([
    ['CONF-201', true],
    ['CONF-202', false],
    ['pods/small', true],
    ['pods/large', false],
    ['tests/a.test.ts', true],
    ['tests/b.test.ts', false],
    ['tests/a.test.ts > group > one', true],
    ['tests/a.test.ts > group > two', false],
    ['tests/a.test.ts > one', false],
  ])('%s exists: %s', (text, is) => {
    expect(exists(proofOf(text), TESTS)).toBe(is)
  })

  it('that is none of them is refused', () => {
    expect(() => proofOf('tests/a.ts')).toThrow('is neither a requirement nor a policy nor a test')
  })
})

describe('what a run has said', () => {
  const FILES = new Set(['app/backend/tests/unit/test_a.py', 'app/frontend/src/a.test.ts', 'tests/e2e/a.test.ts', 'tests/unit/a.test.ts', 'tests/validate/policies.test.ts'])
  const document = (classname: string, name: string, body?: string): Case[] => casesOf(`<testsuite><testcase classname="${classname}" name="${name}" time="1"${body === undefined ? ' />' : `>${body}</testcase>`}</testsuite>`, FILES)

  it.each<[string, string, Case[]]>([
    ['a requirement', 'CONF-201', document('conformance.behaviour', 'CONF-201 Ready', '<system-out>ok</system-out>')],
    ['a policy', 'pods/small', document('tests/validate/policies.test.ts', '&apos;dev&apos; &gt; &apos;pods/small&apos;: &apos;A pod …&apos;')],
    ['a file', 'tests/unit/a.test.ts', document('tests/unit/a.test.ts', 'any &gt; thing')],
    ['a group', 'tests/unit/a.test.ts > any', document('tests/unit/a.test.ts', 'any &gt; thing')],
    ['a row of a table', 'tests/unit/a.test.ts > any > %s (is) $what', document('tests/unit/a.test.ts', 'any &gt; 5 (is) &apos;odd&apos;')],
    ['a Jest test', 'app/frontend/src/a.test.ts > any > thing', document('src/a.test.ts', 'any › thing')],
    ['a browser test', 'tests/e2e/a.test.ts', document('a.test.ts', 'x')],
    ['a pytest function', 'app/backend/tests/unit/test_a.py > test_x', document('tests.unit.test_a', 'test_x[1]')],
  ])('is found for %s', (_, proof, cases) => {
    expect(outcomeOf(proofOf(proof), cases)).toBe('passed')
  })

  it.each<[string, string, Case[]]>([
    ['another requirement', 'CONF-201', document('conformance.behaviour', 'CONF-202 Ready')],
    ['a longer title', 'tests/unit/a.test.ts > any', document('tests/unit/a.test.ts', 'anything')],
    ['a longer name', 'app/backend/tests/unit/test_a.py > test_x', document('tests.unit.test_a', 'test_xy')],
    ['a skipped test', 'tests/unit/a.test.ts', document('tests/unit/a.test.ts', 'x', '<skipped/>')],
  ])('is nothing by %s', (_, proof, cases) => {
    expect(outcomeOf(proofOf(proof), cases)).toBe('not in the reports')
  })

  it('is a failure when one of many failed', () => {
    const cases = [...document('tests/unit/a.test.ts', 'x'), ...document('tests/unit/a.test.ts', 'y', '<failure message="no">…</failure>')]
    expect(outcomeOf(proofOf('tests/unit/a.test.ts'), cases)).toBe('failed')
    expect(outcomeOf(proofOf('tests/unit/a.test.ts > x'), cases)).toBe('passed')
  })
})

describe('the page', () => {
  const PLAN = '| gate | how |\n|---|---|\n| Small | so |\n'
  const groups = (proofs: string[], unproven?: string): Group[] => [{ row: 'Small', tasks: [{ id: 'T1', task: 'Be small', proofs, ...(unproven === undefined ? {} : { unproven }) }] }]
  const task = (...given: Parameters<typeof tasksPage>): string | undefined => tasksPage(...given).page.split('\n').find((line) => line.startsWith('- ['))

  it('says without reports that a tick means bound, and with them that it means passed', () => {
    expect(tasksPage(PLAN, groups(['CONF-201']), TESTS).page).toContain('A tick means **bound**')
    expect(tasksPage(PLAN, groups(['CONF-201']), TESTS, { cases: [], from: 'report' }).page).toContain('A tick means **passed** in the reports in `report`')
  })

  it('has no tick where a test is missing, was not run, failed, or nothing proves the task', () => {
    expect(task(PLAN, groups(['CONF-201']), TESTS)).toBe('- [x] **T1** Be small: [CONF-201](contracts/conformance.md)')
    expect(task(PLAN, groups(['tests/gone.test.ts']), TESTS)).toBe('- [ ] **T1** Be small: `tests/gone.test.ts` **does not exist**')
    expect(task(PLAN, groups(['CONF-201']), TESTS, { cases: [], from: 'x' })).toMatch(/^- \[ \] .*\*\*not in the reports\*\*$/)
    expect(task(PLAN, groups(['CONF-201']), TESTS, { cases: [{ file: 'conformance.behaviour', name: 'CONF-201 Ready', outcome: 'failed' }], from: 'x' })).toMatch(/^- \[ \] .*\*\*failed\*\*$/)
    expect(task(PLAN, groups(['CONF-201'], 'nobody looks'), TESTS)).toMatch(/^- \[ \] .*\*\*not proven\*\*: nobody looks$/)
  })

  it('is refused, with the line of the plan, where a row has no task or a task no row', () => {
    expect(() => checkRows(`${PLAN}| Large | so |\n`, groups([]))).toThrow(/plan\.md:4: no task .* belongs to “Large”/)
    expect(() => checkRows('', groups([]))).toThrow(/plan\.md:1: the plan has no row “Small”/)
  })

  it('counts what is wrong, and not what nobody has run', () => {
    expect(tasksPage(PLAN, groups(['CONF-999']), TESTS).counts).toEqual({ tasks: 1, ticked: 0, wrong: 1 })
    expect(tasksPage(PLAN, groups(['CONF-201']), TESTS, { cases: [], from: 'x' }).counts).toEqual({ tasks: 1, ticked: 0, wrong: 0 })
  })
})

describe('the plan’s own tasks', () => {
  it('have ids of their own', () => {
    const ids = PLAN_TASKS.flatMap(({ tasks }) => tasks.map(({ id }) => id))
    expect(new Set(ids).size).toBe(ids.length)
  })
})

describe('a change of the tests', () => {
  const PYTEST = 'app/backend/tests/unit/test_small.py'
  const CASES = [
    { name: 'another title', proof: 'tests/unit/deploy/commands/other.test.ts > history > holds no secret value outside of Secrets', change: ['tests/unit/deploy/commands/other.test.ts', "it('holds no secret value outside of Secrets'", "it('holds nothing'"] },
    { name: 'another name of a pytest function', proof: `${PYTEST} > test_is_small`, change: [PYTEST, 'test_is_small', 'test_is_large'] },
    { name: 'another id of a requirement', proof: 'CONF-270', change: ['tests/conformance/areas/access.ts', "id: 'CONF-270'", "id: 'CONF-271'"] },
    { name: 'another id of a policy', proof: 'images/our-own', change: ['tests/validate/policies/images.ts', "id: 'images/our-own'", "id: 'images/own'"] },
    { name: 'a file that is gone', proof: 'tests/launcher/preflight.test.ts', change: ['tests/launcher/preflight.test.ts'] },
  ] as const
  const groups: Group[] = CASES.map(({ proof }, index) => ({ row: `row ${index}`, tasks: [{ id: `T${index}`, task: 'Be so', proofs: [proof] }] }))
  const plan = groups.map(({ row }) => `| ${row} | so |`).join('\n')
  let before: string
  let after: string
  let findings: Finding[]

  // All changes at once: each is told at the line of its task.
  beforeAll(async () => {
    const root = await mkdtemp(join(tmpdir(), 'todo-chat-tasks-'))
    const page = async (): Promise<string> => tasksPage(plan, groups, await testsOf(root, await filesOf(root))).page
    try {
      for (const [file] of CASES.map(({ change }) => change)) {
        await mkdir(dirname(join(root, file)), { recursive: true })
        await (file === PYTEST ? writeFile(join(root, file), 'def test_is_small(): ...\n') : cp(join(ROOT, file), join(root, file)))
      }
      before = await page()
      for (const { change: [file, from, to] } of CASES) await (from === undefined ? rm(join(root, file)) : change(root, file, from, to))
      after = await page()
      findings = drift('tasks.md', before, after)
    } finally {
      await rm(root, { recursive: true })
    }
  })

  it.each(CASES.map((one, index) => ({ ...one, id: `T${index}` })))('takes the tick of its task away and is told with page and line: $name', ({ id, proof }) => {
    const line = lineOf(before, `- [x] **${id}**`)
    expect(findings).toContainEqual({ page: 'tasks.md', line, message: expect.stringContaining(`the code gives “- [ ] **${id}**`) })
    const [ending] = proof.split(' > ').slice(-1)
    expect(after.split('\n')[line - 1]).toContain(ending)
    expect(after.split('\n')[line - 1]).toContain('**does not exist**')
  })
})
