/** Requests are repeated while the same one may succeed later. */
import pRetry from 'p-retry'
import { formatDuration } from '../_duration.ts'
import { ClusterError } from '../errors.ts'

export interface Patience {
  /** Ends the repetitions. */
  signal: AbortSignal | undefined
  /** For how long a request is repeated, in ms. */
  patienceMs: number
  /** Called at the first failure, and again at each fifth. */
  onTrouble: ((message: string) => void) | undefined
}

/**
 * Asks until there is an answer, 0.2 s to 2 s apart.
 * @throws the last {@link ClusterError} when it is no passing one or the patience is over, the signal's reason, and every other error at once
 */
export function untilAnswered<Answer>(ask: () => Promise<Answer>, { signal, patienceMs, onTrouble }: Patience): Promise<Answer> {
  const started = performance.now()
  return pRetry(ask, {
    ...(signal === undefined ? {} : { signal }),
    retries: Number.POSITIVE_INFINITY,
    minTimeout: 200,
    maxTimeout: 2_000,
    randomize: true,
    shouldRetry: ({ error }) => error instanceof ClusterError && error.transient && performance.now() - started < patienceMs,
    onFailedAttempt: ({ error, attemptNumber }) => {
      if (!(error instanceof ClusterError) || !error.transient || attemptNumber % 5 !== 1) return
      onTrouble?.(`${error.message}; trying again for ${formatDuration(Math.max(0, patienceMs - (performance.now() - started)))}`)
    },
  })
}
