/** Load beside a rollout: from before the first change until no old pod is left. */
import type { Clock } from './_poll.ts'
import { type Prober, prepareLoad } from './application.ts'
import { type Availability, Load } from './availability.ts'
import type { OpenEntrances } from './entrances.ts'

/** Requests before the first change and after the last old pod, to compare with. In ms. */
const MARGIN = 2_000

export interface Measurement extends AsyncDisposable {
  rolloutStarts(): void
  rolloutEnds(): void
  /** The figures, or why there are none. */
  finish(): Promise<Availability | string>
}

/**
 * Starts the load when something answers already.
 * @param rate requests a second; 0 measures nothing
 */
export async function startMeasurement(clock: Clock, entrances: OpenEntrances, prober: Prober | undefined, rate: number): Promise<Measurement> {
  if (rate === 0) return notMeasured('availability was not measured: --rate 0')
  if (prober === undefined) return notMeasured('availability was not measured: the application has no signing key yet')
  const ways = await entrances.current()
  const setup = await prepareLoad(ways, prober, rate)
  if (setup === undefined) return notMeasured('availability was not measured: nothing answered before the first change')
  const load = new Load(setup.routes, rate, clock)
  await clock.sleep(MARGIN)
  return {
    rolloutStarts: () => load.rolloutStarts(),
    rolloutEnds: () => load.rolloutEnds(),
    async finish() {
      await clock.sleep(MARGIN)
      return load.finish()
    },
    async [Symbol.asyncDispose]() {
      await load[Symbol.asyncDispose]()
      await setup.cleanUp()
    },
  }
}

function notMeasured(reason: string): Measurement {
  return { rolloutStarts: () => undefined, rolloutEnds: () => undefined, finish: async () => reason, [Symbol.asyncDispose]: async () => undefined }
}
