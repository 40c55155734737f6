/** The suite itself is tested: each change for the worse turns its requirement red, for the reason that it names. */
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect } from 'vitest'
import { REQUIREMENTS } from '../areas/index.ts'
import { root, test } from '../fixtures.ts'
import { type Outcome, failureText } from '../outcome.ts'
import type { Requirement, RequirementId } from '../requirement.ts'
import { runRequirement } from '../run.ts'
import { readSettings } from '../settings.ts'
import { TIMEOUTS } from '../timeouts.ts'
import { SCALED_TIERS, allSettled } from '../workloads.ts'
import type { World } from '../world.ts'
import { MUTATIONS } from './index.ts'

const { reportDir } = readSettings(process.env, root)
const table = join(reportDir, 'mutations.md')

beforeAll(() => {
  mkdirSync(reportDir, { recursive: true })
  writeFileSync(table, '| mutation | requirement | was | said |\n|---|---|---|---|\n')
})

function requirementOf(id: RequirementId): Requirement {
  const found = REQUIREMENTS.find((requirement) => requirement.id === id)
  if (found === undefined) throw new Error(`there is no requirement ${id}`)
  return found
}

function note(name: string, id: RequirementId, outcome: Outcome): string {
  const said = outcome.outcome === 'passed' ? outcome.evidence.summary : failureText(outcome)
  appendFileSync(table, `| ${name} | ${id} | ${outcome.outcome} | ${said.split('\n')[0]?.slice(0, 160).replaceAll('|', '\\|')} |\n`)
  return said
}

/** Room for the change, the requirement, the way back and the proof that it is green again. */
const limit = (requirement: Requirement): number => TIMEOUTS.deploy + 2 * (requirement.timeoutMs + TIMEOUTS.rollout)

describe('mutations', () => {
  for (const { name, red, says, apply } of MUTATIONS) {
    const requirement = requirementOf(red)
    test(`${red}: ${name}`, { timeout: limit(requirement) }, async ({ access }) => {
      if (access.world === undefined) expect.fail(access.reason)
      const world: World = access.world
      const applied = await apply(world)
      let outcome: Outcome
      try {
        outcome = await runRequirement(requirement, applied.world)
      } finally {
        await applied.undo()
        await allSettled(world, SCALED_TIERS)
      }
      const said = note(name, red, outcome)
      expect(outcome.outcome, said).toBe('failed')
      expect(said).toMatch(says)
    })
  }

  test('without a mutation everything is green again', { timeout: 2 * TIMEOUTS.deploy }, async ({ access }) => {
    if (access.world === undefined) expect.fail(access.reason)
    const ids = [...new Set(MUTATIONS.map(({ red }) => red))].filter((id) => requirementOf(id).lane === 'shared')
    const red: string[] = []
    for (const id of ids) {
      const outcome = await runRequirement(requirementOf(id), access.world)
      note('none', id, outcome)
      if (outcome.outcome !== 'passed') red.push(`${id}: ${failureText(outcome)}`)
    }
    expect(red).toEqual([])
  })
})
