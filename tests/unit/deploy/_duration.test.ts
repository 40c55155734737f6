import { describe, expect, it } from 'vitest'
import { formatDuration, parseDuration } from '../../../deploy/src/_duration.ts'

describe('durations', () => {
  it.each([['500ms', 500], ['1.5s', 1_500], ['2m', 120_000], ['1h', 3_600_000]])('%s is %i ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms)
  })

  it.each(['', '10', 's', '-1s', '1 s', '1d'])('%j is refused', (text) => {
    expect(() => parseDuration(text)).toThrow(/is not a duration/)
  })

  it.each([[0, '0 ms'], [999, '999 ms'], [1_000, '1.0 s'], [59_960, '1 m 00 s'], [125_000, '2 m 05 s'], [7_260_000, '2 h 01 m'], [259_200_000, '3 d']])('%i ms reads %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text)
  })
})
