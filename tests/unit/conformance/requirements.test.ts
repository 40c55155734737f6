/** The table of requirements is whole: nothing in it can be empty, double or out of place. */
import { describe, expect, it } from 'vitest'
import { REQUIREMENTS } from '../../conformance/areas/index.ts'
import { NEEDS } from '../../conformance/needs.ts'
import { TIMEOUTS } from '../../conformance/timeouts.ts'

/** First digits of the ids of a ring. */
const HUNDREDS = { cluster: [0], manifest: [1], behaviour: [2, 3] } as const

describe('the table of requirements', () => {
  it('gives each id once', () => {
    const ids = REQUIREMENTS.map(({ id }) => id)
    expect(ids).toEqual([...new Set(ids)])
    expect(ids.length).toBeGreaterThanOrEqual(50)
  })

  it.each(REQUIREMENTS.map((requirement) => [requirement.id, requirement] as const))('%s is complete', (id, requirement) => {
    expect(id).toMatch(/^CONF-\d{3}$/)
    expect(HUNDREDS[requirement.ring]).toContain(Number(id[5]))
    expect(requirement.must).toMatch(/\bMUST\b.*\.$/s)
    expect(requirement.title.length).toBeGreaterThan(8)
    expect(requirement.why.length).toBeGreaterThan(20)
    expect(requirement.source).toMatch(/design\.md|https:\/\//)
    for (const need of requirement.needs) expect(Object.keys(NEEDS)).toContain(need)
    expect(requirement.timeoutMs).toBeGreaterThanOrEqual(TIMEOUTS.read)
    expect(requirement.timeoutMs).toBeLessThanOrEqual(2 * TIMEOUTS.story)
  })
})
