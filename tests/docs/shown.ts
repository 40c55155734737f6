/** Whether output is what a page shows. Pure. */

const ESCAPE = String.fromCharCode(27)

/** In this order: what is masked first is not looked at again. */
const MASKS: readonly [RegExp, string][] = [
  [new RegExp(`${ESCAPE}\\[[0-9;?]*[A-Za-z]`, 'g'), ''],
  [/\b\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2})?)?/g, '<time>'],
  [/\b\d{2}:\d{2}:\d{2}\b/g, '<time>'],
  [/\b(?:\d+ (?:h|m) )*\d+(?:\.\d+)? ?(?:ms|s|min|m|h)\b/g, '<duration>'],
  [/\bsha256:[\da-f]{64}\b/g, '<digest>'],
  [/\b(?=[\da-f]*\d)(?=[\da-f]*[a-f])[\da-f]{7,64}\b/g, '<id>'],
  [/\b[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}\b/g, '<id>'],
]

/** A line without what differs between two runs: times, dates, digests, ids. */
export function masked(line: string): string {
  return MASKS.reduce((text, [pattern, word]) => text.replaceAll(pattern, word), line).trimEnd()
}

/** Alone on a line any lines, within one any text. */
const REST = '…'

function fits(shown: string, line: string): boolean {
  const pattern = masked(shown).split(REST).map((piece) => piece.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('.*')
  return new RegExp(`^${pattern}$`, 's').test(masked(line))
}

/** A line that the page shows and the output does not have; an `undefined` side has ended. */
export interface Difference {
  /** In what is shown, from 0 on. */
  index: number
  shown: string | undefined
  got: string | undefined
}

/** @returns the first line that differs, or `undefined` when all fit */
export function difference(shown: readonly string[], output: string): Difference | undefined {
  const lines = output.replace(/\n+$/, '').split('\n')
  const got = lines.length === 1 && lines[0] === '' ? [] : lines
  let furthest: Difference = { index: 0, shown: shown[0], got: got[0] }
  const seen = new Set<number>()
  const from = (i: number, j: number): boolean => {
    const key = i * (got.length + 1) + j
    if (seen.has(key)) return false
    seen.add(key)
    if (i >= furthest.index) furthest = { index: i, shown: shown[i], got: got[j] }
    if (i === shown.length) return j === got.length
    if (shown[i]?.trim() === REST) {
      for (let end = j; end <= got.length; end++) if (from(i + 1, end)) return true
      return false
    }
    return j < got.length && fits(shown[i] ?? '', got[j] ?? '') && from(i + 1, j + 1)
  }
  return from(0, 0) ? undefined : furthest
}
