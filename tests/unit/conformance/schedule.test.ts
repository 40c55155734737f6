import { describe, expect, it } from 'vitest'
import { REQUIREMENTS } from '../../conformance/areas/index.ts'
import { chosen, schedule } from '../../conformance/schedule.ts'

describe('the requirements to ask', () => {
  it('are all when none is named', () => expect(chosen(REQUIREMENTS, [])).toEqual(REQUIREMENTS))
  it('are the named ones', () => expect(chosen(REQUIREMENTS, ['CONF-260', 'CONF-001']).map(({ id }) => id)).toEqual(['CONF-001', 'CONF-260']))
  it('are refused when there is none of that name, with those there are', () => {
    expect(() => chosen(REQUIREMENTS, ['CONF-001', 'CONF-999'])).toThrow(expect.objectContaining({ message: 'no requirement has the id CONF-999', next: expect.stringContaining('CONF-001, CONF-002') }))
  })
})

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
