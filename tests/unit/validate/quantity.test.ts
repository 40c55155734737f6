import { describe, expect, it } from 'vitest'
import { amount } from '../../validate/policies/_quantity.ts'

describe('amount', () => {
  it.each([
    ['250m', 0.25],
    ['2', 2],
    [2, 2],
    ['1.5', 1.5],
    ['64Mi', 64 * 1024 * 1024],
    ['1Gi', 1024 ** 3],
    ['1G', 1e9],
    ['0', 0],
  ])('reads %s', (quantity, expected) => {
    expect(amount(quantity)).toBe(expected)
  })

  it.each(['', 'lots', '1 Gi', '-1', '1Xi'])('refuses "%s"', (quantity) => {
    expect(() => amount(quantity)).toThrow(RangeError)
  })
})
