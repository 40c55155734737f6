/** Load beside a rollout: from before the first change until no old pod is left. */
import type { Clock } from '../_poll.ts'
import { type Availability, type Budget, calmRate, isOverBudget, Load, meanAtRest, OverBudget } from './availability.ts'
import type { OpenEntrances } from './entrances.ts'
import { prepareLoad } from './load.ts'
import type { Prober } from './prober.ts'

/** Requests are sent for so long before the first change and after the last old pod, to compare with. In ms. */
const MARGIN = 2_000

export interface Measurement extends AsyncDisposable {
  /** Before each change. The first call waits until the load has run for 2 s without one. */
  rolloutStarts(): Promise<void>
  /** No old pod is left. The last call counts. */
  rolloutEnds(): void
  /** Why the rollout must not be called good: more requests failed in it than may. */
  overspent(): string | undefined
  /** The figures, 2 s after the end of the rollout at the earliest, or why there are none. */
  finish(): Promise<Availability | string>
}

/**
 * Starts the load when something answers already.
 * @param rate most requests a second; fewer where the application takes longer for them. 0 measures nothing
 * @param limit how many requests may fail during the rollout, and how it is stopped when more do
 */
export async function startMeasurement(clock: Clock, entrances: OpenEntrances, prober: Prober | undefined, rate: number, limit?: { budget: Budget; stop: (reason: OverBudget) => void }): Promise<Measurement> {
  if (rate === 0) return notMeasured('availability was not measured: --rate 0')
  if (prober === undefined) return notMeasured('availability was not measured: the application has no signing key yet')
  const ways = await entrances.current()
  const setup = await prepareLoad(entrances.proof.load, ways, prober, rate)
  if (setup === undefined) return notMeasured('availability was not measured: nothing answered before the first change')
  const overspent = (inside: { requests: number; failures: number }, isOver: boolean): string | undefined =>
    limit !== undefined && isOverBudget(limit.budget, inside, isOver) ? `${inside.failures} of ${inside.requests} requests failed during the rollout, more than --max-failed allows` : undefined
  const load = new Load(setup.routes, calmRate(rate, await meanAtRest(setup.routes, clock)), clock, (inside) => {
    const trouble = overspent(inside, false)
    if (trouble !== undefined) limit?.stop(new OverBudget(trouble, { next: 'see in the report which requests failed, and when' }))
  })
  const started = clock.now()
  let starting: Promise<void> | undefined
  let ended: number | undefined
  return {
    rolloutStarts() {
      starting ??= clock.sleep(Math.max(0, started + MARGIN - clock.now())).then(() => load.rolloutStarts())
      return starting
    },
    rolloutEnds() {
      ended = clock.now()
      load.rolloutEnds()
    },
    overspent: () => overspent(load.inside, true),
    async finish() {
      await clock.sleep(Math.max(0, (ended ?? clock.now()) + MARGIN - clock.now()))
      return load.finish()
    },
    async [Symbol.asyncDispose]() {
      await load[Symbol.asyncDispose]()
      await setup.cleanUp()
    },
  }
}

function notMeasured(reason: string): Measurement {
  return { rolloutStarts: async () => undefined, rolloutEnds: () => undefined, overspent: () => undefined, finish: async () => reason, [Symbol.asyncDispose]: async () => undefined }
}
