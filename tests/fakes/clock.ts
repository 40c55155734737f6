/** Virtual time: a sleep ends as soon as everything that could happen before it has happened. */
import type { Clock } from '../../deploy/src/_poll.ts'

interface Sleeper {
  at: number
  wake: () => void
}

export const START = Date.parse('2026-01-01T00:00:00Z')

export class FakeClock implements Clock {
  #now = START
  #sleepers: Sleeper[] = []
  #pumping = false

  now(): number {
    return this.#now
  }

  /** Milliseconds since the start of the test. */
  get elapsed(): number {
    return this.#now - START
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason as Error)
        return
      }
      const onAbort = (): void => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper)
        reject(signal?.reason as Error)
      }
      const sleeper: Sleeper = {
        at: this.#now + ms,
        wake: () => {
          signal?.removeEventListener('abort', onAbort)
          resolve()
        },
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#sleepers.push(sleeper)
      this.#pump()
    })
  }

  #pump(): void {
    if (this.#pumping) return
    this.#pumping = true
    setImmediate(() => {
      this.#pumping = false
      const next = this.#sleepers.reduce<Sleeper | undefined>((first, sleeper) => (first === undefined || sleeper.at < first.at ? sleeper : first), undefined)
      if (next === undefined) return
      this.#sleepers = this.#sleepers.filter((other) => other !== next)
      this.#now = Math.max(this.#now, next.at)
      next.wake()
      this.#pump()
    })
  }
}
