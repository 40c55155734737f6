/** What differs between a committed page and what the code gives now. Pure. */
import type { Finding } from './finding.ts'

/** How much of a line a finding shows, in characters. */
const SHOWN = 160
/** Places of one page that are told; the rest is counted. */
const MOST = 20

interface Hunk {
  /** Line of the committed page, from 1 on. */
  line: number
  committed: string[]
  generated: string[]
}

/**
 * @param committed absent when there is no such page
 * @returns a finding for each place that differs
 */
export function drift(page: string, committed: string | undefined, generated: string): Finding[] {
  if (committed === undefined) return [{ page, line: 1, message: 'the page is missing; `npm run docs -- write` makes it' }]
  const hunks = hunksOf(committed.split('\n'), generated.split('\n'))
  const told = hunks.slice(0, MOST).map(({ line, committed: old, generated: now }) => ({ page, line, message: `the page has ${shown(old)}, the code gives ${shown(now)}` }))
  const rest = hunks.length - told.length
  return rest === 0 ? told : [...told, { page, line: hunks[MOST]?.line ?? 1, message: `and ${rest} more places` }]
}

function shown(lines: readonly string[]): string {
  const [first] = lines
  if (first === undefined) return 'nothing'
  const text = first.length > SHOWN ? `${first.slice(0, SHOWN)}…` : first
  return lines.length === 1 ? `“${text}”` : `“${text}” and ${lines.length - 1} more lines`
}

/** Line by line, by the longest common subsequence of what is between equal beginnings and ends. */
function hunksOf(old: readonly string[], now: readonly string[]): Hunk[] {
  let start = 0
  while (start < old.length && start < now.length && old[start] === now[start]) start++
  let end = 0
  while (end < old.length - start && end < now.length - start && old[old.length - 1 - end] === now[now.length - 1 - end]) end++
  const a = old.slice(start, old.length - end)
  const b = now.slice(start, now.length - end)
  const lengths = Array.from({ length: a.length + 1 }, () => new Uint32Array(b.length + 1))
  const length = (i: number, j: number): number => lengths[i]?.[j] ?? 0
  for (let i = a.length - 1; i >= 0; i--) {
    const row = lengths[i]
    if (row === undefined) continue
    for (let j = b.length - 1; j >= 0; j--) row[j] = a[i] === b[j] ? length(i + 1, j + 1) + 1 : Math.max(length(i + 1, j), length(i, j + 1))
  }
  const hunks: Hunk[] = []
  let open: Hunk | undefined
  let [i, j] = [0, 0]
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      open = undefined
      i++
      j++
      continue
    }
    if (open === undefined) hunks.push((open = { line: start + i + 1, committed: [], generated: [] }))
    if (j >= b.length || (i < a.length && length(i + 1, j) >= length(i, j + 1))) open.committed.push(a[i++] ?? '')
    else open.generated.push(b[j++] ?? '')
  }
  return hunks
}
