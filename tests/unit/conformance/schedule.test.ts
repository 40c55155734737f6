import { describe, expect, it } from 'vitest'
import { REQUIREMENTS } from '../../conformance/areas/index.ts'
import { schedule } from '../../conformance/schedule.ts'

describe('the schedule', () => {
  const blocks = schedule(REQUIREMENTS)

  it('asks every requirement exactly once', () => {
    const ids = blocks.flatMap(({ requirements }) => requirements.map(({ id }) => id))
    expect(ids.toSorted()).toEqual(REQUIREMENTS.map(({ id }) => id).toSorted())
  })

  it('never puts a requirement that measures load beside another one', () => {
    const beside = blocks.filter(({ concurrent }) => concurrent).flatMap(({ requirements }) => requirements)
    expect(beside.filter(({ lane }) => lane === 'alone')).toEqual([])
    expect(beside.length).toBeGreaterThan(0)
  })

  it('watches the autoscaler go back after it was loaded, and looks back at the end', () => {
    const order = blocks.flatMap(({ requirements }) => requirements.map(({ id }) => id))
    expect(order.indexOf('CONF-281')).toBeLessThan(order.indexOf('CONF-282'))
    expect(order.at(-1)).toBe('CONF-312')
  })

  it('leaves out blocks without requirements', () => {
    expect(schedule([])).toEqual([])
  })
})
