/** Questions to the running application after readiness, asked as its users ask. Knows nothing of rollouts. */
import { type Clock, poll } from '../_poll.ts'
import { ClusterError } from '../errors.ts'
import type { Entrances, Identity, Question } from './application.ts'
import { NO_INGRESS, Wrong } from './ask.ts'
import { failureKind } from './availability.ts'
import type { Prober } from './prober.ts'

/** The answer to one question. */
export interface Check {
  name: string
  /** `not asked` says why in `detail`; it is never counted as passed. */
  result: 'passed' | 'failed' | 'not asked'
  detail: string
  ms: number
  /** Of a question that was not asked although its way in was not left out by a person: nothing is known. */
  gap?: true
}

/** An ingress controller takes a moment to follow new endpoints, so a question is repeated for so long. In ms. */
const PATIENCE = 15_000
const INTERVAL = 500

const NO_KEY = 'the key that signs tokens is not known: no Secret of the release holds it, or it may not be read'

/**
 * Asks all questions at once, each until it is answered right or the patience is over.
 * @param prober absent when the signing key is not known: then only public questions are asked
 * @param patienceMs how long a question is repeated. @default 15_000
 * @returns one check per question, in a fixed order
 */
export async function verify(clock: Clock, questions: readonly Question[], entrances: Entrances, prober: Prober | undefined, signal: AbortSignal, patienceMs: number = PATIENCE): Promise<Check[]> {
  return Promise.all(
    questions.map(async ({ name, isPublic, target, ask }, index): Promise<Check> => {
      const way = target(entrances)
      if (way === NO_INGRESS) return { name, result: 'not asked', detail: way, ms: 0 }
      if (typeof way === 'string') return { name, result: 'not asked', detail: way, ms: 0, gap: true }
      if (prober === undefined && isPublic !== true) return { name, result: 'not asked', detail: NO_KEY, ms: 0, gap: true }
      const started = clock.now()
      // A user of its own for each question: none sees the rows of another.
      const identity: Identity = { user: prober?.user(index) ?? '', headers: prober?.headers(index) ?? {} }
      let wrong = ''
      let closed = false
      const detail = await poll(clock, { intervalMs: INTERVAL, timeoutMs: patienceMs, signal }, async () => {
        try {
          return await ask(way, identity)
        } catch (error) {
          // The API server did not open the way: that says nothing of the application.
          closed = error instanceof ClusterError && error.resource === 'pods/portforward'
          wrong = error instanceof Wrong || error instanceof ClusterError ? error.message : `no answer from ${way.name}: ${failureKind(error)}`
          return undefined
        }
      })
      const ms = clock.now() - started
      if (detail !== undefined) return { name, result: 'passed', detail, ms }
      return closed ? { name, result: 'not asked', detail: `the way is closed: ${wrong}`, ms, gap: true } : { name, result: 'failed', detail: wrong, ms }
    }),
  )
}

export interface VerdictOptions {
  /** Count what could not be asked as no fault. */
  allowUnasked?: boolean
  /** Names of questions that were answered wrongly before this run: told, not judged. */
  known?: ReadonlySet<string>
}

/** What speaks against a release: wrong answers, and questions that could not be asked. A person who gives no ingress has chosen not to ask. */
export function objections(checks: readonly Check[], { allowUnasked = false, known }: VerdictOptions = {}): string[] {
  const wrong = checks.filter(({ name, result, gap }) => (result === 'failed' || (gap === true && !allowUnasked)) && !known?.has(name))
  const lines = wrong.map(({ name, result, detail }) => (result === 'failed' ? `${name}: ${detail}` : `${name}: could not be asked: ${detail}`))
  return lines.length > 0 || checks.some(({ name, result }) => result === 'passed' || known?.has(name)) ? lines : ['no question could be asked']
}

/** True when every question that there is a way for was asked and answered right, and at least one was. */
export function isVerified(checks: readonly Check[], options: VerdictOptions = {}): boolean {
  return objections(checks, options).length === 0
}
