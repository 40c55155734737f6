/** Time as an argument, so that a ten-minute wait is tested in a millisecond. */
import { setTimeout as delay } from 'node:timers/promises'

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /**
   * Resolves after `ms`.
   * @throws the signal's reason when it aborts first
   */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

export const systemClock: Clock = {
  now: Date.now,
  async sleep(ms, signal) {
    try {
      await delay(ms, undefined, signal === undefined ? {} : { signal })
    } catch (error) {
      signal?.throwIfAborted()
      throw error
    }
  },
}

/**
 * Asks `probe` every `intervalMs` until it gives a value.
 * @returns the value, or `undefined` when `timeoutMs` passed (at least one question is always asked)
 * @throws the signal's reason when it aborts; whatever `probe` throws
 */
export async function poll<Value>(
  clock: Clock,
  options: { intervalMs: number; timeoutMs: number; signal?: AbortSignal | undefined },
  probe: () => Promise<Value | undefined>,
): Promise<Value | undefined> {
  const deadline = clock.now() + options.timeoutMs
  for (;;) {
    options.signal?.throwIfAborted()
    const value = await probe()
    if (value !== undefined) return value
    if (clock.now() + options.intervalMs > deadline) return undefined
    await clock.sleep(options.intervalMs, options.signal)
  }
}
