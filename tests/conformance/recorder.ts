/** Keeps the outcome of every requirement and writes the report after each, so that a killed run leaves a report too. */
import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { NOT_RUN, type Outcome } from './outcome.ts'
import { type Report, toHtml, toJson, toJunit, toText } from './report.ts'
import type { Requirement, RequirementId } from './requirement.ts'

export type ReportHead = Pick<Report, 'cluster' | 'kubernetes' | 'namespace' | 'deployment' | 'seed'>

export class Recorder {
  readonly #outcomes = new Map<RequirementId, Outcome>()
  readonly #requirements: readonly Requirement[]
  readonly #leftOut: number
  readonly #folder: string
  readonly #startedAt = Date.now()
  head: ReportHead

  /**
   * @param requirements those that are asked
   * @param leftOut how many are not
   */
  constructor(requirements: readonly Requirement[], leftOut: number, folder: string, head: ReportHead) {
    this.#requirements = requirements
    this.#leftOut = leftOut
    this.#folder = folder
    this.head = head
  }

  record(id: RequirementId, outcome: Outcome): void {
    this.#outcomes.set(id, outcome)
    this.write()
  }

  report(): Report {
    return {
      ...this.head,
      startedAt: new Date(this.#startedAt).toISOString(),
      durationMs: Date.now() - this.#startedAt,
      leftOut: this.#leftOut,
      rows: this.#requirements.map(({ id, ring, title, must, why, source }) => ({ id, ring, title, must, why, source, outcome: this.#outcomes.get(id) ?? NOT_RUN })),
    }
  }

  /** Each file is whole at any moment: it is written beside its place and moved there. */
  write(): void {
    const report = this.report()
    mkdirSync(this.#folder, { recursive: true })
    const files = { 'conformance.json': toJson(report), 'conformance.html': toHtml(report), 'junit.xml': toJunit(report), 'conformance.txt': toText(report) }
    for (const [name, text] of Object.entries(files)) {
      const path = join(this.#folder, name)
      writeFileSync(`${path}.new`, text)
      renameSync(`${path}.new`, path)
    }
  }
}
