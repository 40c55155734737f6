import { describe, expect, it } from 'vitest'
import { besideOthers, select } from '../../../dagger/src/select.ts'

const NAMES = ['test', 'lint', 'conformance']

describe('the checks to run', () => {
  it.each([
    ['are all when none is named', [], [], NAMES],
    ['are the named ones, in their usual order', ['conformance', 'test'], [], ['test', 'conformance']],
    ['are all but those to leave out', [], ['lint'], ['test', 'conformance']],
    ['are the named ones beside others to leave out', ['test'], ['lint'], ['test']],
  ])('%s', (_, only, skip, wanted) => expect(select(NAMES, only, skip)).toEqual(wanted))

  it.each([
    ['an unknown name to run', ['tests'], [], 'no check is named tests; the checks are test, lint, conformance'],
    ['an unknown name to leave out', [], ['lints'], 'no check is named lints; the checks are test, lint, conformance'],
    ['the same check in both', ['test', 'lint'], ['lint'], '--only and --skip both name lint'],
    ['a run of nothing', [], NAMES, 'nothing would run'],
  ])('are refused for %s', (_, only, skip, message) => expect(() => select(NAMES, only, skip)).toThrow(message))
})

describe('a check that runs alone', () => {
  it.each([
    [2, { name: 'e2e', alone: true }],
    [3, { name: 'e2e', alone: true }],
    [4, { name: 'e2e' }],
  ])('on %d processors', (processors, check) => expect(besideOthers({ name: 'e2e', alone: true as const }, processors)).toEqual(check))
})
