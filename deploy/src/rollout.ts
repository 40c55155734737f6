/** Carries a plan out: wave by wave applied and watched, then settled and verified. Deploy and rollback share it. */
import { type ApplyWaveOptions, type Applied, applyWave } from './apply.ts'
import type { Prober } from './application.ts'
import { type Diagnosis, diagnose } from './diagnose.ts'
import type { OpenEntrances } from './entrances.ts'
import { DeployError, LockLost, describe } from './errors.ts'
import { formatDuration } from './_duration.ts'
import { type RenderedObject, keyOf, nameOf, refOf } from './objects.ts'
import { WAVES, type Wave } from './order.ts'
import type { Operation } from './plan.ts'
import { redactText } from './redact.ts'
import { type Run, phase } from './run.ts'
import { type Check, isVerified, verify } from './verify.ts'
import { type Outcome, rememberPods, restartWatch, watchSettled, watchUntilSettled } from './watch.ts'

export interface RolloutInput extends ApplyWaveOptions {
  operations: readonly Operation[]
  desired: readonly RenderedObject[]
  entrances: OpenEntrances
  /** Absent when the signing key is not known: then only public routes are asked. */
  prober: Prober | undefined
  /** Secret values, to keep them out of the diagnosis. */
  secrets: readonly string[]
  /** See {@link watchSettled}. In ms. */
  soakMs: number
  /** Judge unchanged workloads too: a rollback must prove all of them. */
  watchAll: boolean
  /** Live objects of unchanged operations, by key; needed with `watchAll`. */
  live?: ReadonlyMap<string, Applied>
  /** Called before each wave of writes. */
  beforeWave: (wave: Wave) => Promise<void>
  /** See {@link watchSettled}. */
  onOldPodsGone?: () => void
}

/** Why a rollout failed, for the report. */
export interface Failure {
  /** The phase in which it failed. */
  phase: string
  message: string
  /** Absent when no object is at fault: a question was not answered right, or the API refused a write. */
  diagnosis?: Diagnosis
}

export interface RolloutResult {
  failure?: Failure
  checks: Check[]
}

/** Old pods may take their whole grace to end. In ms. */
const SETTLE_TIMEOUT = 180_000

/**
 * Executes the operations. A failure is returned, with its diagnosis already captured; nothing is undone.
 * @throws LockLost, and the reason of the run's signal
 */
export async function rollout(run: Run, input: RolloutInput): Promise<RolloutResult> {
  const applied: Applied[] = []
  const restarted = restartWatch()
  try {
    if (input.watchAll) await rememberPods(run, unchanged(input.operations, input.live), restarted)
    for (const wave of WAVES) {
      const operations = input.operations.filter((operation) => operation.wave === wave && operation.action !== 'prune' && operation.action !== 'keep')
      const writes = operations.filter(({ action }) => action !== 'unchanged')
      if (writes.length > 0) await input.beforeWave(wave)
      if (writes.length === 0 && !(input.watchAll && operations.length > 0)) continue
      const outcome = await phase(run, wave, `${writes.length} of ${operations.length} objects change`, async () => {
        const done = await applyWave(run, operations, input.desired, input)
        if (input.watchAll) done.push(...unchanged(operations, input.live))
        applied.push(...done)
        return watchUntilSettled(run, done, restarted)
      })
      if (outcome.outcome !== 'settled') return { failure: await failureOf(run, wave, outcome, input.secrets), checks: [] }
    }
    const [settled, checks] = await phase(run, 'verify', `no restart for ${formatDuration(input.soakMs)}, no old pod left, questions answered`, async () => {
      const checking = input.prober === undefined ? Promise.resolve<Check[]>([]) : ask(run, input.entrances, input.prober)
      const settling = watchSettled(run, applied, { soakMs: input.soakMs, timeoutMs: SETTLE_TIMEOUT, onOldPodsGone: input.onOldPodsGone }, restarted)
      return Promise.all([settling, checking])
    })
    if (settled.outcome !== 'settled') return { failure: await failureOf(run, 'verify', settled, input.secrets), checks }
    if (checks.length > 0 && !isVerified(checks)) {
      const wrong = checks.filter(({ result }) => result === 'failed').map(({ name, detail }) => `${name}: ${detail}`)
      markFailed(run)
      return { failure: { phase: 'verify', message: wrong.join('; ') || 'no question could be asked' }, checks }
    }
    const prunes = input.operations.filter(({ action }) => action === 'prune')
    if (prunes.length > 0) {
      await input.beforeWave('exposure')
      await phase(run, 'prune', `${prunes.length} objects`, () => applyWave(run, prunes, []))
    }
    return { checks }
  } catch (error) {
    return { failure: failureFrom(run, error, input.secrets), checks: [] }
  }
}

/**
 * Looks whether all that a release consists of is healthy, waiting for what is still under way; asks and changes nothing.
 * @returns the failure, or `undefined`
 * @throws as {@link rollout}
 */
export async function confirm(run: Run, { operations, live, secrets }: Pick<RolloutInput, 'operations' | 'live' | 'secrets'>): Promise<Failure | undefined> {
  try {
    const outcome = await phase(run, 'verify', 'every workload is healthy', () => watchUntilSettled(run, unchanged(operations, live)))
    return outcome.outcome === 'settled' ? undefined : await failureOf(run, 'verify', outcome, secrets)
  } catch (error) {
    return failureFrom(run, error, secrets)
  }
}

/** A refusal by the API server, or the run's time limit, as a failure like others; every other error is thrown on. */
function failureFrom(run: Run, error: unknown, secrets: readonly string[]): Failure {
  if (!(error instanceof DeployError) || error instanceof LockLost || (run.signal.aborted && !(run.signal.reason instanceof OutOfTime))) throw error
  return { phase: run.timeline.phases.at(-1)?.name ?? 'start', message: redactText(describe(error), secrets) }
}

/** The run's overall time limit passed: a failure like others, to be rolled back. */
export class OutOfTime extends DeployError {
  override readonly name: string = 'OutOfTime'
}

async function ask(run: Run, entrances: OpenEntrances, prober: Prober): Promise<Check[]> {
  return verify(run.clock, await entrances.current(), prober, run.signal)
}

function unchanged(operations: readonly Operation[], live: ReadonlyMap<string, Applied> | undefined): Applied[] {
  return operations.filter(({ action }) => action === 'unchanged').flatMap(({ ref }) => live?.get(keyOf(ref)) ?? [])
}

async function failureOf(run: Run, name: string, outcome: Exclude<Outcome, { outcome: 'settled' }>, secrets: readonly string[]): Promise<Failure> {
  markFailed(run)
  const diagnosis = await diagnose(run, outcome, secrets)
  const late = outcome.outcome === 'timed-out' ? ` (gave up after ${formatDuration(outcome.afterMs)})` : ''
  return { phase: name, message: `${nameOf(outcome.ref)}: ${diagnosis.reason}: ${diagnosis.message}${late}`, diagnosis }
}

/** The newest phase ended without an error, and its outcome is bad all the same. */
function markFailed({ timeline }: Run): void {
  const newest = timeline.phases.at(-1)
  if (newest !== undefined) newest.outcome = 'failed'
}

/** What {@link RolloutInput.live} needs, from the objects as they are. */
export function appliedFrom(objects: readonly RenderedObject['object'][], at: number): Map<string, Applied> {
  return new Map(objects.map((object) => [keyOf(refOf(object)), { ref: refOf(object), generation: object.metadata.generation ?? 0, object, at, serverTime: 0 }]))
}

