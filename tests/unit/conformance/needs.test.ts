import { describe, expect, it } from 'vitest'
import { type Facts, MET, missing, nothingMet, unmet } from '../../conformance/needs.ts'

const ALL: Facts = { application: MET, ingress: MET, metrics: MET, 'probe image': MET, render: MET }

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
