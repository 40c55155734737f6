/** Which requirements are shown to be able to fail, and why the others are not. */
import { describe, expect, it } from 'vitest'
import { REQUIREMENTS } from '../../conformance/areas/index.ts'
import { MUTATIONS } from '../../conformance/mutations/index.ts'

/** Requirements without a mutation of their own. */
const WITHOUT: Record<string, string> = {
  'CONF-001': 'the version of a running server cannot be changed; its rule is one comparison',
  'CONF-002': 'a node made unready takes the run with it',
  'CONF-007': 'needs a cluster that does not enforce policies; CONF-266 turns red by the same probe when a policy is dropped',
  'CONF-220': 'the application’s own code: its mutants belong to its own tests',
  'CONF-221': 'the application’s own code: its mutants belong to its own tests',
  'CONF-230': 'the application’s own code: its mutants belong to its own tests',
  'CONF-231': 'the application’s own code: its mutants belong to its own tests',
  'CONF-232': 'the application’s own code: its mutants belong to its own tests',
  'CONF-233': 'the application’s own code: its mutants belong to its own tests',
  'CONF-240': 'the application’s own code: its mutants belong to its own tests',
  'CONF-282': 'the absence of load cannot be mutated; it waits for what CONF-281 made',
  'CONF-291': 'the kill is the mutation; what it tolerates is the number in its rule',
  'CONF-294': 'the application’s own code: its mutants belong to its own tests',
  'CONF-295': 'the kill is the mutation; a server that confirms before it writes is PostgreSQL’s own affair',
  'CONF-301': 'the same rollout as CONF-300, the other way round',
  'CONF-311': 'the application’s own code: its mutants belong to its own tests',
  'CONF-312': 'looks back at all others; every forced restart turns it red',
}

describe('mutations', () => {
  it('name requirements that exist, each change once', () => {
    const ids = REQUIREMENTS.map(({ id }) => id)
    for (const { red } of MUTATIONS) expect(ids).toContain(red)
    const names = MUTATIONS.map(({ red, name }) => `${red} ${name}`)
    expect(names).toEqual([...new Set(names)])
  })

  it('cover every requirement, or the reason is written down', () => {
    const covered = new Set<string>(MUTATIONS.map(({ red }) => red))
    expect(REQUIREMENTS.map(({ id }) => id).filter((id) => !covered.has(id))).toEqual(Object.keys(WITHOUT))
  })
})
