/** The requirements inside the conformance check, as the run's report shows them. Pure. */

/** What a check asked, one by one. `text` is what was seen, or why it did not pass. */
export type Part = { name: string; title: string; passed: boolean; seconds: number; text: string }

type Outcome = { outcome: string; ms: number; evidence?: { summary: string }; message?: string; diagnosis?: string; reasons?: string[] }

/** @returns the rows of conformance.json; none when the text is not one, as after a run that was cut off */
export function conformanceParts(text: string): Part[] {
  try {
    const { requirements } = JSON.parse(text) as { requirements: { id: string; title: string; outcome: Outcome }[] }
    return requirements.map(({ id, title, outcome }) => ({ name: id, title, passed: outcome.outcome === 'passed', seconds: outcome.ms / 1000, text: textOf(outcome) }))
  } catch {
    return []
  }
}

function textOf({ outcome, evidence, message, diagnosis, reasons }: Outcome): string {
  if (outcome === 'passed') return evidence?.summary ?? ''
  if (reasons !== undefined) return `could not be asked: ${reasons.join('; ')}`
  return [message, diagnosis].filter((part) => part !== undefined).join('\n')
}
