import { describe, expect, it } from 'vitest'
import { difference, masked } from '../../docs/shown.ts'

describe('output', () => {
  it.each([
    ['a duration', 'took 12.5 s', 'took 3 s'],
    ['minutes and seconds', 'took 1 m 05 s', 'took 59 s'],
    ['a time', 'at 2026-01-02T03:04:05.678Z', 'at 2027-11-12T13:14:15Z'],
    ['a date', 'on 2026-01-02', 'on 2026-02-03'],
    ['a clock', '[03:04:05] x', '[13:14:15] x'],
    ['a commit', 'at 0a1b2c3', 'at fedcba9876543210fedcba9876543210fedcba98 '],
    ['a digest', `x@sha256:${'0'.repeat(64)}`, `x@sha256:${'f'.repeat(64)}`],
    ['colours', '\u001b[32mgood\u001b[39m', 'good'],
  ])('is the same whatever %s', (_, a, b) => {
    expect(masked(a)).toBe(masked(b))
  })

  it.each([
    ['a number', '3 pods', '4 pods'],
    ['a port', 'port 8000', 'port 8080'],
    ['a word', 'defaced', 'effaced'],
    ['an exit code', 'exit code 1', 'exit code 3'],
  ])('differs by %s', (_, a, b) => {
    expect(masked(a)).not.toBe(masked(b))
  })

  it('fits what is shown, with … for any rest', () => {
    expect(difference(['a', 'b'], 'a\nb\n')).toBeUndefined()
    expect(difference(['a…', '…', 'd'], 'abc\nx\ny\nd\n')).toBeUndefined()
    expect(difference(['a', '…'], 'a\n')).toBeUndefined()
    expect(difference([], '')).toBeUndefined()
  })

  it.each<[string, string[], string, unknown]>([
    ['another line', ['a', 'b'], 'a\nc\n', { index: 1, shown: 'b', got: 'c' }],
    ['a line more', ['a'], 'a\nb\n', { index: 1, shown: undefined, got: 'b' }],
    ['a line less', ['a', 'b'], 'a\n', { index: 1, shown: 'b', got: undefined }],
    ['what never comes after …', ['…', 'z'], 'a\nb\n', { index: 1, shown: 'z', got: undefined }],
    ['a beginning that is no more', ['axe …'], 'ax\n', { index: 0, shown: 'axe …', got: 'ax' }],
  ])('is told by its first line that differs: %s', (_, shown, output, expected) => {
    expect(difference(shown, output)).toEqual(expected)
  })
})
