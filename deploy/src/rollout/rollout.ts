/** Carries a plan out: wave by wave applied and watched, then settled and verified. Deploy and rollback share it. */
import { type ApplyWaveOptions, type Applied, type Guard, applyWave } from './apply.ts'
import type { Prober } from '../proof/prober.ts'
import { OverBudget } from '../proof/availability.ts'
import { type Diagnosis, diagnose } from './diagnose.ts'
import type { OpenEntrances } from '../proof/entrances.ts'
import { DeployError, LockLost, describe } from '../errors.ts'
import { formatDuration } from '../_duration.ts'
import type { Inventory } from '../cluster/inventory.ts'
import { type ObjectRef, type RenderedObject, keyOf, nameOf, refOf } from '../release/objects.ts'
import { WAVES, type Wave } from '../release/order.ts'
import type { Operation } from '../plan/plan.ts'
import { prune } from './prune.ts'
import { redactText } from '../release/redact.ts'
import { type Run, phase, policyOf } from './run.ts'
import { type Check, objections, verify } from '../proof/verify.ts'
import type { Outcome } from './outcome.ts'
import { type RestartWatch, rememberPods, restartWatch } from './restarts.ts'
import { watchSettled } from './settle.ts'
import { unsettled, watchUntilSettled } from './watch.ts'

export interface RolloutInput extends ApplyWaveOptions {
  operations: readonly Operation[]
  desired: readonly RenderedObject[]
  /** As it was before: what of it is removed is checked against it. */
  inventory: Inventory
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
  guard: Guard
  /** See {@link watchSettled}. */
  onOldPodsGone?: () => void
  /** Questions that could not be asked are no failure. */
  allowUnasked?: boolean
  /** What was broken before this run: told, not judged. Objects by key, questions by name. */
  brokenBefore?: BrokenBefore
}

export interface BrokenBefore {
  objects: ReadonlySet<string>
  questions: ReadonlySet<string>
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
  /** What a person should know and what failed nothing. */
  notes: string[]
  /** No longer wanted, and still there. */
  left: ObjectRef[]
  /** Every object that was written, as the server answered. */
  applied: Applied[]
}

/**
 * Executes the operations wave by wave, each settled before the next one starts. A failure is returned, with its diagnosis already
 * captured; nothing is undone.
 * @throws LockLost, and the reason of the run's signal
 */
export async function rollout(run: Run, input: RolloutInput): Promise<RolloutResult> {
  const result: RolloutResult = { checks: [], notes: [], left: [], applied: [] }
  const restarted = restartWatch()
  try {
    if (input.watchAll) await rememberPods(run, unchanged(input.operations, input.live), restarted)
    for (const wave of WAVES) {
      const operations = operationsOf(input, wave)
      const writes = operations.filter(({ action }) => action !== 'unchanged')
      if (writes.length > 0) await input.beforeWave(wave)
      if (writes.length === 0 && !(input.watchAll && operations.length > 0)) continue
      const outcome = await phase(run, wave, `${writes.length} of ${operations.length} objects change`, async () => {
        const done = await applyWave(run, operations, input.desired, input)
        if (input.watchAll) done.push(...unchanged(operations, input.live))
        result.applied.push(...done)
        return watchUntilSettled(run, done, { restarted, guard: input.guard })
      })
      if (outcome.outcome !== 'settled') return { ...result, failure: await failureOf(run, wave, outcome, input.secrets) }
    }
    return await prove(run, input, result, restarted)
  } catch (error) {
    return { ...result, failure: await failureFrom(run, error, input.secrets, result.applied) }
  }
}

/**
 * The way back: every wave is written first, whatever becomes of the others, and judged afterwards. A refused write fails the way back
 * at its end, not the tiers behind it. A verdict must last, since pods may still suffer from what the bad release did to others.
 * @throws as {@link rollout}
 */
export async function rolloutBack(run: Run, input: RolloutInput): Promise<RolloutResult> {
  const result: RolloutResult = { checks: [], notes: [], left: [], applied: [] }
  const restarted = restartWatch()
  const refusals: string[] = []
  const onRefusal = (ref: ObjectRef, error: DeployError): void => void refusals.push(`${nameOf(ref)}: ${redactText(describe(error), input.secrets)}`)
  try {
    await rememberPods(run, unchanged(input.operations, input.live), restarted)
    for (const wave of WAVES) {
      const writes = operationsOf(input, wave).filter(({ action }) => action !== 'unchanged')
      if (writes.length === 0) continue
      await input.beforeWave(wave)
      result.applied.push(...(await phase(run, wave, `${writes.length} objects go back`, () => applyWave(run, writes, input.desired, { ...input, onRefusal }))))
    }
    result.applied.push(...unchanged(input.operations, input.live))
    const outcome = await phase(run, 'settle', 'every workload is healthy again', () =>
      watchUntilSettled(run, result.applied, { restarted, ignored: input.brokenBefore?.objects, patienceMs: policyOf(run).relapse, guard: input.guard }),
    )
    const proven = outcome.outcome === 'settled' ? await prove(run, input, result, restarted) : { ...result, failure: await failureOf(run, 'settle', outcome, input.secrets) }
    if (refusals.length === 0 || proven.failure !== undefined) return { ...proven, notes: [...proven.notes, ...refusals] }
    return { ...proven, failure: { phase: 'rollback', message: `not everything could be written: ${refusals.join('; ')}` } }
  } catch (error) {
    return { ...result, notes: [...result.notes, ...refusals], failure: await failureFrom(run, error, input.secrets, result.applied) }
  }
}

function operationsOf({ operations }: RolloutInput, wave: Wave): Operation[] {
  return operations.filter((operation) => operation.wave === wave && operation.action !== 'prune' && operation.action !== 'keep')
}

/** After readiness: no restart, no old pod, right answers; then what is no longer wanted goes. */
async function prove(run: Run, input: RolloutInput, result: RolloutResult, restarted: RestartWatch): Promise<RolloutResult> {
  const { brokenBefore, soakMs, onOldPodsGone, allowUnasked = false } = input
  const [settled, checks] = await phase(run, 'verify', `no restart for ${formatDuration(soakMs)}, no old pod left, questions answered`, async () => {
    const checking = ask(run, input.entrances, input.prober)
    const settling = watchSettled(run, result.applied, { soakMs, timeoutMs: policyOf(run).settle, onOldPodsGone, ignored: brokenBefore?.objects, patienceMs: brokenBefore === undefined ? 0 : policyOf(run).relapse }, restarted)
    return Promise.all([settling, checking])
  })
  if (settled.outcome !== 'settled') return { ...result, checks, failure: await failureOf(run, 'verify', settled, input.secrets) }
  const wrong = objections(checks, { allowUnasked, ...(brokenBefore && { known: brokenBefore.questions }) })
  if (wrong.length > 0) {
    markFailed(run)
    return { ...result, checks, failure: { phase: 'verify', message: wrong.join('; ') } }
  }
  const prunes = input.operations.filter(({ action }) => action === 'prune')
  if (prunes.length === 0) return { ...result, checks }
  await input.beforeWave('exposure')
  const { notes, left } = await phase(run, 'prune', `${prunes.length} objects`, () => prune(run, prunes, input.inventory, input.guard))
  return { ...result, checks, notes: [...result.notes, ...notes], left }
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
    return await failureFrom(run, error, secrets, unchanged(operations, live))
  }
}

/** A refusal by the API server, or the run's time limit, as a failure like others; every other error is thrown on. */
async function failureFrom(run: Run, error: unknown, secrets: readonly string[], applied: readonly Applied[]): Promise<Failure> {
  const late = error instanceof OutOfTime || error instanceof OverBudget
  if (!(error instanceof DeployError) || error instanceof LockLost || (run.signal.aborted && !late)) throw error
  const name = run.timeline.phases.at(-1)?.name ?? 'start'
  const message = redactText(describe(error), secrets)
  const waitingFor = late ? await unsettled(run, applied).catch(() => undefined) : undefined
  if (waitingFor === undefined) return { phase: name, message }
  const diagnosis = await diagnose(run, waitingFor, secrets)
  return { phase: name, message: `${message}; it waited for ${nameOf(waitingFor.ref)}: ${diagnosis.reason}: ${diagnosis.message}`, diagnosis }
}

/** The run's overall time limit passed: a failure like others, to be rolled back. */
export class OutOfTime extends DeployError {
  override readonly name: string = 'OutOfTime'
}

async function ask(run: Run, entrances: OpenEntrances, prober: Prober | undefined): Promise<Check[]> {
  return verify(run.clock, entrances.proof.questions, await entrances.current(), prober, run.signal)
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

