import { describe, expect, it } from 'vitest'
import { sizedRate } from '../../conformance/traffic.ts'

describe('the load', () => {
  it.each([
    [1, 20],
    [15, 20],
    [20, 15],
    [30, 10],
    [60, 5],
    [500, 5],
  ])('of an application that takes %d ms for a request is %d requests a second', (meanMs, rate) => {
    expect(sizedRate(meanMs)).toBe(rate)
  })
})
