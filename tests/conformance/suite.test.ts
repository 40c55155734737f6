/** Turns every requirement into a test, and every outcome into a row of the report. */
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { REQUIREMENTS } from './areas/index.ts'
import { type Access, root, test } from './fixtures.ts'
import { type Outcome, failureText } from './outcome.ts'
import { Recorder } from './recorder.ts'
import { toText } from './report.ts'
import type { Requirement } from './requirement.ts'
import { runRequirement } from './run.ts'
import { chosen, schedule, shuffled } from './schedule.ts'
import { readSettings } from './settings.ts'
import { TIMEOUTS } from './timeouts.ts'

// Without settings there is nowhere to write a report to: that is an error of the run, never an empty suite.
const settings = readSettings(process.env, root)
const asked = chosen(REQUIREMENTS, settings.only)
const recorder = new Recorder(asked, REQUIREMENTS.length - asked.length, settings.reportDir, { cluster: settings.clusterLabel, kubernetes: 'not known: the cluster was not reached', namespace: settings.namespace, ...(settings.seed === undefined ? {} : { seed: settings.seed }) })

/** Opening the world deploys the application; the requirement's own limit comes on top, and room to put back what it changed and to diagnose a failure. */
const OPENING = TIMEOUTS.deploy + TIMEOUTS.replaced + TIMEOUTS.metrics

beforeAll(() => recorder.write())

if (settings.seed !== undefined) process.stdout.write(`order of the requirements: CONFORMANCE_SEED=${settings.seed}\n`)

for (const { name, concurrent, requirements } of settings.seed === undefined ? schedule(asked) : shuffled(asked, settings.seed)) {
  describe(name, { concurrent }, () => {
    for (const requirement of requirements) {
      test(`${requirement.id} ${requirement.title}`, { timeout: OPENING + requirement.timeoutMs + TIMEOUTS.putBack + TIMEOUTS.api * 2 }, async ({ access }) => {
        const outcome = await outcomeOf(requirement, access)
        recorder.record(requirement.id, outcome)
        if (outcome.outcome !== 'passed') expect.fail(failureText(outcome))
      })
    }
  })
}

afterAll(() => {
  recorder.write()
  process.stdout.write(`\n${toText(recorder.report())}`)
})

async function outcomeOf(requirement: Requirement, access: Access): Promise<Outcome> {
  if (access.world === undefined) return { outcome: 'unmet', ms: 0, reasons: [access.reason] }
  const { deployed } = access.world
  recorder.head = {
    ...recorder.head,
    kubernetes: access.kubernetes,
    ...(deployed === undefined ? {} : { deployment: { result: deployed.result, summary: deployed.summary, durationMs: deployed.durationMs } }),
  }
  return runRequirement(requirement, access.world)
}
