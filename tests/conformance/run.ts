/** One requirement → one outcome. Never throws. */
import { DeployError, describe } from '../../deploy/src/errors.ts'
import { diagnose } from './diagnosis.ts'
import { unmet } from './needs.ts'
import type { Outcome } from './outcome.ts'
import { type Requirement, Violation } from './requirement.ts'
import type { World } from './world.ts'

/** Asks the requirement, within its time. The diagnosis of a failure is taken at once, before anything else changes the cluster. */
export async function runRequirement(requirement: Requirement, world: World): Promise<Outcome> {
  const started = performance.now()
  const ms = (): number => Math.round(performance.now() - started)
  const reasons = unmet(requirement.needs, world.facts)
  if (reasons.length > 0) return { outcome: 'unmet', ms: 0, reasons }
  if (world.signal.aborted) return { outcome: 'unmet', ms: 0, reasons: [textOf(world.signal.reason)] }
  const limit = AbortSignal.timeout(requirement.timeoutMs)
  const own: World = { ...world, signal: AbortSignal.any([world.signal, limit]) }
  try {
    const evidence = await Promise.race([requirement.run(own), aborted(own.signal)])
    return { outcome: 'passed', ms: ms(), evidence }
  } catch (error) {
    const took = ms()
    const message = limit.aborted && !world.signal.aborted ? `not answered within ${requirement.timeoutMs / 1000} s: ${textOf(error)}` : textOf(error)
    const evidence = error instanceof Violation && error.evidence !== undefined ? { evidence: error.evidence } : {}
    return { outcome: 'failed', ms: took, message, ...evidence, diagnosis: world.signal.aborted ? `no diagnosis: ${textOf(world.signal.reason)}` : await diagnose(world) }
  }
}

/** Rejects when the signal aborts: a requirement that hangs in a request is left behind. */
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
