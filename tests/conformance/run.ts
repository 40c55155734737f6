/** One requirement → one outcome. Never throws. */
import { systemClock } from '../../deploy/src/_poll.ts'
import { DeployError, describe } from '../../deploy/src/errors.ts'
import { diagnose } from './diagnosis.ts'
import { unmet } from './needs.ts'
import type { Outcome } from './outcome.ts'
import { type Requirement, Violation } from './requirement.ts'
import { TIMEOUTS } from './timeouts.ts'
import type { World } from './world.ts'

/** How long what was cut off may take to put back what it changed, in ms: after its time was over, and when the whole run ends. */
const PUT_BACK: { timedOut: number; interrupted: number } = { timedOut: TIMEOUTS.putBack, interrupted: TIMEOUTS.putBackInterrupted }

/** Asks the requirement, within its time. The diagnosis of a failure is taken at once, before anything else changes the cluster. */
export async function runRequirement(requirement: Requirement, world: World, putBack = PUT_BACK): Promise<Outcome> {
  const started = performance.now()
  const ms = (): number => Math.round(performance.now() - started)
  const reasons = unmet(requirement.needs, world.facts)
  if (reasons.length > 0) return { outcome: 'unmet', ms: 0, reasons }
  if (world.signal.aborted) return { outcome: 'unmet', ms: 0, reasons: [textOf(world.signal.reason)] }
  const limit = AbortSignal.timeout(requirement.timeoutMs)
  const own: World = { ...world, signal: AbortSignal.any([world.signal, limit]) }
  const running = requirement.run(own)
  try {
    const evidence = await Promise.race([running, aborted(own.signal)])
    return { outcome: 'passed', ms: ms(), evidence }
  } catch (error) {
    const took = ms()
    const message = limit.aborted && !world.signal.aborted ? `not answered within ${requirement.timeoutMs / 1000} s: ${textOf(error)}` : textOf(error)
    const evidence = error instanceof Violation && error.evidence !== undefined ? { evidence: error.evidence } : {}
    return { outcome: 'failed', ms: took, message, ...evidence, diagnosis: world.signal.aborted ? `no diagnosis: ${textOf(world.signal.reason)}` : await diagnose(world) }
  } finally {
    if (own.signal.aborted) await ended(requirement, running, world, putBack)
    if (requirement.lane === 'alone') world.disturbed.at = Date.now()
  }
}

/**
 * A requirement that was cut off puts back what it changed; the next one must not see that. Its end is waited for, within a limit, and
 * where it does not come the run ends: whatever is asked afterwards would be asked of a cluster that still changes.
 */
async function ended({ id }: Requirement, running: Promise<unknown>, world: World, putBack: typeof PUT_BACK): Promise<void> {
  const limit = world.signal.aborted ? putBack.interrupted : putBack.timedOut
  const late = new AbortController()
  const timer = systemClock.sleep(limit, late.signal).then(() => 'late' as const, () => 'ended' as const)
  const how = await Promise.race([running.then(() => 'ended' as const, () => 'ended' as const), timer])
  late.abort()
  if (how === 'late') world.stop(new Error(`${id} was cut off and did not end within ${limit / 1000} s: what it changes would disturb the requirements after it`))
}

/** Rejects when the signal aborts, also while a requirement hangs in a request. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }))
}

/** A violation is a sentence; an error of the cluster says what to do; anything else shows where it comes from. */
export function textOf(error: unknown): string {
  if (error instanceof Violation || error instanceof DeployError) return describe(error)
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause instanceof Error ? ` (${error.cause.message})` : ''
  return `${error.name}: ${error.message}${cause}`
}
