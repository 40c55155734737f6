/** How a requirement ended. There is no such thing as skipped. */
import type { Evidence } from './requirement.ts'

export type Outcome =
  | { outcome: 'passed'; ms: number; evidence: Evidence }
  /** Asked, and not kept. */
  | { outcome: 'failed'; ms: number; message: string; evidence?: Evidence; diagnosis: string }
  /** Could not be asked, because something that it needs is missing. Counts as failed. */
  | { outcome: 'unmet'; ms: number; reasons: readonly string[] }
  /** Not reached: the run ended before it. Counts as failed. */
  | { outcome: 'not run'; ms: number; message: string }

export const NOT_RUN: Outcome = { outcome: 'not run', ms: 0, message: 'the run ended before this requirement was reached' }

/** Why it did not pass, in one text. */
export function failureText(outcome: Exclude<Outcome, { outcome: 'passed' }>): string {
  switch (outcome.outcome) {
    case 'failed':
      return outcome.message
    case 'unmet':
      return `could not be asked: ${outcome.reasons.join('; ')}`
    case 'not run':
      return outcome.message
  }
}
