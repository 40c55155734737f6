import { describe, expect, it } from 'vitest'
import { REQUIREMENTS } from '../../conformance/areas/index.ts'
import { chosen, schedule, shuffled } from '../../conformance/schedule.ts'

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

describe('a random order', () => {
  const order = (seed: number): string[] => shuffled(REQUIREMENTS, seed).flatMap(({ requirements }) => requirements.map(({ id }) => id))

  it('is decided by its seed', () => {
    expect(order(7)).toEqual(order(7))
    expect(order(7)).not.toEqual(order(8))
  })

  it.each([0, 1, 2, 3, 999_999_999])('of seed %d asks every requirement once, alone what runs alone, and looks back at the end', (seed) => {
    expect(order(seed).toSorted()).toEqual(REQUIREMENTS.map(({ id }) => id).toSorted())
    expect(order(seed).at(-1)).toBe('CONF-312')
    for (const { concurrent, requirements } of shuffled(REQUIREMENTS, seed)) if (concurrent) expect(requirements.filter(({ lane }) => lane === 'alone')).toEqual([])
  })

  it('puts requirements that run alone on both sides of those that run side by side, by one seed or another', () => {
    const places = Array.from({ length: 20 }, (_, seed) => order(seed).indexOf('CONF-281') < order(seed).indexOf('CONF-282'))
    expect(new Set(places)).toEqual(new Set([true, false]))
  })
})
