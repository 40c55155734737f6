import { describe, expect, it } from 'vitest'
import { STANDARD_POLICY, parsePolicy, policyLines } from '../../../deploy/src/policy.ts'

describe('policy', () => {
  it('takes assignments with and without its prefix, the last one counts', () => {
    expect(parsePolicy(['policy.unschedulable=5m', 'quota=1s', 'quota=2s'])).toEqual({ ...STANDARD_POLICY, unschedulable: 300_000, quota: 2_000 })
  })
  it.each([
    ['unknown=1s', /unknown=1s: there is no such policy/],
    ['quota', /quota: there is no such policy/],
    ['quota=soon', /policy quota: 'soon' is not a duration/],
    ['toString=1s', /toString=1s: there is no such policy/],
  ])('refuses %s', (assignment, message) => {
    expect(() => parsePolicy([assignment])).toThrow(message)
  })
  it('says why each value is what it is', () => {
    expect(policyLines()).toContainEqual(expect.stringMatching(/^unschedulable 1 m 00 s: ending pods/))
  })
})
