/** What a requirement is: data that the suite turns into a test, and the report into a row. */
import type { Need } from './needs.ts'
import type { World } from './world.ts'

export const RINGS = ['cluster', 'manifest', 'behaviour'] as const
export type Ring = (typeof RINGS)[number]

/** `CONF-` and three digits; 0xx cluster, 1xx manifest, 2xx and 3xx behaviour. Never given to something else. */
export type RequirementId = `CONF-${number}`

/** What was seen; shown in the report whether the requirement is kept or not. */
export interface Evidence {
  /** One sentence with the figures. */
  summary: string
  table?: { head: readonly string[]; rows: readonly (readonly string[])[] }
}

export interface Requirement {
  id: RequirementId
  ring: Ring
  title: string
  /** One sentence with MUST. */
  must: string
  /** What goes wrong for a person when it is not kept. */
  why: string
  /** Where the demand comes from: a section of the design, a page of the Kubernetes documentation. */
  source: string
  /** What has to be there before the question makes sense. An unmet need fails the requirement with its reason. */
  needs: readonly Need[]
  /** `alone`: measures load, or replaces pods that others talk to. `shared`: changes nothing that another requirement sees. */
  lane: 'shared' | 'alone'
  /** Limit of `run` in ms, out of timeouts.ts. */
  timeoutMs: number
  /**
   * @returns what was seen, when the requirement is kept
   * @throws Violation when it is not
   */
  run(world: World): Promise<Evidence>
}

/** The requirement is not kept. Anything else that `run` throws fails it too, as a question that could not be asked. */
export class Violation extends Error {
  override readonly name = 'Violation'
  readonly evidence: Evidence | undefined

  constructor(message: string, evidence?: Evidence) {
    super(message)
    this.evidence = evidence
  }
}

/** @throws Violation unless the condition holds */
export function demand(condition: unknown, message: string | (() => string), evidence?: Evidence): asserts condition {
  if (!condition) throw new Violation(typeof message === 'string' ? message : message(), evidence)
}

/** @throws Violation that lists the faults, when there are any */
export function demandNone(faults: readonly string[], what: string, evidence?: Evidence): void {
  demand(faults.length === 0, () => `${what}: ${faults.join('; ')}`, evidence)
}
