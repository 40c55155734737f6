/** What a check has found, at a place that an editor can jump to. */
export interface Finding {
  /** Path in the repository. */
  page: string
  /** From 1 on. */
  line: number
  message: string
}

/** `README.md:12: …` */
export function toLine({ page, line, message }: Finding): string {
  return `${page}:${line}: ${message}`
}

/** The code cannot be documented as it is: a declaration without a comment, or a shape that no page knows. */
export class Undocumented extends Error {
  override readonly name = 'Undocumented'
  readonly finding: Finding

  constructor(finding: Finding) {
    super(toLine(finding))
    this.finding = finding
  }
}
