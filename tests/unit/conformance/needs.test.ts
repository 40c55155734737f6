import { describe, expect, it } from 'vitest'
import { type Facts, MET, missing, needRelease, nothingMet, unmet } from '../../conformance/needs.ts'

const ALL: Facts = { application: MET, ingress: MET, metrics: MET, 'probe image': MET, render: MET }

describe('a release is put in place', () => {
  it.each([
    ['for what asks the application', [{ needs: ['render'] }, { needs: ['application'] }], true],
    ['for a pod of one of its images', [{ needs: ['probe image'] }], true],
    ['not for questions about the cluster', [{ needs: [] }, { needs: ['render'] }], false],
  ] as const)('%s', (_, requirements, needed) => expect(needRelease(requirements)).toBe(needed))
})

describe('unmet needs', () => {
  it('are none when everything is there', () => {
    expect(unmet(['application', 'metrics'], ALL)).toEqual([])
  })

  it('name the need and the reason', () => {
    expect(unmet(['application', 'metrics'], { ...ALL, metrics: missing('no figures') })).toEqual(['the metrics API gives figures of pods: no, no figures'])
  })

  it('do not count when nobody asks for them', () => {
    expect(unmet(['application'], { ...ALL, metrics: missing('no figures') })).toEqual([])
  })

  it('are all of them when the cluster is not there', () => {
    expect(unmet(['ingress', 'render'], nothingMet('no route to host'))).toHaveLength(2)
  })
})
