import { describe, expect, it } from 'vitest'
import { policyNote, STANDARD_POLICY } from '../../../../deploy/src/release/policy.ts'
import { isOfObjects, parseSettings, policyFrom, settingsText } from '../../../../deploy/src/release/settings.ts'
import { toHelm, toKustomize } from '../../../../deploy/src/release/settingsrender.ts'

describe('policy', () => {
  it('is the standard where nothing is set', () => {
    expect(policyFrom(parseSettings(undefined, []))).toEqual(STANDARD_POLICY)
  })

  it('comes from the settings file, and from assignments that win over it', () => {
    const settings = parseSettings({ text: 'policy: {unschedulable: 5m, quota: 1s}', source: 'settings.yaml' }, ['policy.quota=2s'])
    expect(policyFrom(settings)).toEqual({ ...STANDARD_POLICY, unschedulable: 300_000, quota: 2_000 })
  })

  it('changes no object', () => {
    const settings = parseSettings(undefined, ['policy.settle=5m'])
    expect(toKustomize('production', settings)).toEqual(toKustomize('production', {}))
    expect(toHelm('production', settings)).toEqual(toHelm('production', {}))
    expect(Object.keys(settings).some(isOfObjects)).toBe(false)
  })

  it.each([
    ['policy.unknown=1s', /there is no setting policy\.unknown/],
    ['policy.quota=soon', /setting policy\.quota must be a duration with its unit, such as 90s or 5m; it is soon/],
    ['policy.toString=1s', /there is no setting policy\.toString/],
  ])('refuses %s', (assignment, message) => {
    expect(() => parseSettings(undefined, [assignment])).toThrow(message)
  })

  it('is told with its reasons, and in a report where it is not the standard', () => {
    expect(settingsText()).toMatch(/^policy\.unschedulable\n {2}.*ending pods free room.*\n.*\n {2}default: 60s$/m)
    expect(policyNote(STANDARD_POLICY)).toBeUndefined()
    expect(policyNote({ ...STANDARD_POLICY, unschedulable: 300_000 })).toBe('graces and limits in force: unschedulable 5 m 00 s (standard 60s)')
  })
})
