/** What is shown of a failed command's output, and which places in it are found. */
import { describe, expect, it } from 'vitest'
import { excerpt, locations } from '../../../dagger/src/excerpt.ts'

const lines = (count: number, word: string): string[] => Array.from({ length: count }, (_, index) => `${word} ${index}`)

describe('an excerpt', () => {
  it('is the whole of a short output, without colours', () => {
    expect(excerpt('\u001b[31mone\u001b[0m\r\ntwo\n', 60)).toBe('one\ntwo')
  })

  it('begins at the first failure, says what is left out, and has the end', () => {
    const output = [...lines(200, 'passed'), '=================== FAILURES ===================', 'E       assert 1 == 2', ...lines(100, 'coverage'), 'FAILED tests/unit/test_x.py::test_y', '1 failed'].join('\n')
    const text = excerpt(output, 60).split('\n')
    expect(text).toHaveLength(60)
    expect(text.slice(0, 3)).toEqual(['… 200 lines left out …', '=================== FAILURES ===================', 'E       assert 1 == 2'])
    expect(text.slice(-2)).toEqual(['FAILED tests/unit/test_x.py::test_y', '1 failed'])
    expect(text.filter((line) => line.includes('left out'))).toEqual(['… 200 lines left out …', '… 46 lines left out …'])
  })

  it('of an output without a word of failure has its begin and its end', () => {
    const text = excerpt(lines(1000, 'line').join('\n'), 60)
    expect(text.startsWith('line 0\n')).toBe(true)
    expect(text.endsWith('line 999')).toBe(true)
    expect(text.split('\n').length).toBeLessThanOrEqual(60)
  })

  it('never has the same line twice when the failure stands near the end', () => {
    const text = excerpt([...lines(100, 'line'), '✗ failed', 'here'].join('\n'), 20).split('\n')
    expect(new Set(text).size).toBe(text.length)
    expect(text.slice(-2)).toEqual(['✗ failed', 'here'])
  })
})

describe('places in an output', () => {
  it.each([
    ['pytest', 'app/backend/', '  File "/app/backend/tests/unit/test_rules.py", line 12, in test_x', { file: 'app/backend/tests/unit/test_rules.py', line: 12, message: '' }],
    ['mypy', 'app/backend/', 'src/todo_chat/turn.py:7: error: Missing return statement  [return]', { file: 'app/backend/src/todo_chat/turn.py', line: 7, message: 'error: Missing return statement  [return]' }],
    ['ruff', 'app/backend/', ' --> src/todo_chat/turn.py:3:1', { file: 'app/backend/src/todo_chat/turn.py', line: 3, message: '' }],
    ['tsc', '', "deploy/src/cli.ts(4,7): error TS2322: Type 'string' is not assignable", { file: 'deploy/src/cli.ts', line: 4, message: "TS2322: Type 'string' is not assignable" }],
    ['vitest', '', ' ❯ tests/unit/deploy/cli.test.ts:21:17', { file: 'tests/unit/deploy/cli.test.ts', line: 21, message: '' }],
    ['Jest', 'app/frontend/', '    at Object.toBe (src/parts/list.test.ts:9:21)', { file: 'app/frontend/src/parts/list.test.ts', line: 9, message: '' }],
    ['hadolint', '', 'docker/backend/Dockerfile:5 DL3008 warning: Pin versions', { file: 'docker/backend/Dockerfile', line: 5, message: 'DL3008 warning: Pin versions' }],
    ['shellcheck', '', 'In scripts/lint-files.sh line 6:', { file: 'scripts/lint-files.sh', line: 6, message: '' }],
    ['an absolute path of the workspace', '', '/workspace/tests/unit/x.test.ts:2:1 error', { file: 'tests/unit/x.test.ts', line: 2, message: 'error' }],
  ])('of %s', (_, folder, output, place) => expect(locations(output, folder)).toEqual([place]))

  it('of ESLint, which names the file above its lines', () => {
    const output = '/app/frontend/src/main.ts\n   3:7   error  x is never used  no-unused-vars\n  10:1   error  y  rule\n\n✖ 2 problems'
    expect(locations(output, 'app/frontend/')).toEqual([
      { file: 'app/frontend/src/main.ts', line: 3, message: 'x is never used  no-unused-vars' },
      { file: 'app/frontend/src/main.ts', line: 10, message: 'y  rule' },
    ])
  })

  it.each([
    ['code of others', '    at run (node_modules/jest-circus/build/run.js:71:3)'],
    ['code of the machine', '  File "/usr/lib/python3.11/asyncio/runners.py", line 118, in run'],
    ['code of packages', '  File "/venv/lib/python3.11/site-packages/anyio/x.py", line 1, in y'],
    ['an address', 'GET http://127.0.0.1.example:8000/x'],
    ['a time', 'Start at 17:04:05'],
  ])('are not %s', (_, output) => expect(locations(output, '')).toEqual([]))

  it('are told once', () => {
    expect(locations('a/b.ts:1:1\na/b.ts:1:9\na/b.ts:2:1', '')).toHaveLength(2)
  })
})
