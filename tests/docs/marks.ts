/** What a page says of its own runs: a note below each block that has not run, and the commit of each kind of block as its last line. Pure. */
import { type Block, blocksOf, NEED_NAMES, type Need, NEEDS } from './blocks.ts'
import { drift } from './drift.ts'
import type { Finding } from './finding.ts'

/** By what blocks need: the commit at which they last ran, 12 digits. */
export type Ran = ReadonlyMap<Need, string>

const LAST = /^Last ran at: (.*)\.$/
const NOTE = /^\s*Not run here(?:: needs .*)?\.$/

function note({ indent, needs }: Block): string {
  return `${indent}Not run here${needs === 'none' ? '' : `: needs ${NEEDS[needs]}`}.`
}

/** What the last line of a page says. */
export function ranOf(text: string): Ran {
  const [, entries = ''] = LAST.exec(text.trimEnd().split('\n').at(-1) ?? '') ?? []
  return new Map(
    entries.split(', ').flatMap((entry) => {
      const [, need, commit] = /^needs=(\w+) ([\da-f]{12})$/.exec(entry) ?? []
      return need !== undefined && commit !== undefined && NEED_NAMES.includes(need as Need) ? [[need as Need, commit] as const] : []
    }),
  )
}

function lastLine(blocks: readonly Block[], ran: Ran): string {
  const needs = NEED_NAMES.filter((need) => blocks.some((block) => block.needs === need))
  return `Last ran at: ${needs.map((need) => `needs=${need} ${ran.get(need) ?? 'never'}`).join(', ')}.`
}

/** Without notes and last line, each with the empty line before it. */
function bare(text: string): string[] {
  const lines = text.trimEnd().split('\n')
  const kept: string[] = []
  for (const [index, line] of lines.entries()) {
    const isMark = NOTE.test(line) || (index === lines.length - 1 && line.startsWith('Last ran at:'))
    if (!isMark) kept.push(line)
    else if (kept.at(-1) === '') kept.pop()
  }
  return kept
}

/** The page with the notes and the last line that its runs give it; one without shell blocks is as it was. */
export function marked(page: string, text: string, ran: Ran): string {
  const lines = bare(text)
  const { blocks } = blocksOf(page, lines.join('\n'))
  if (blocks.length === 0) return text
  for (const block of blocks.toReversed()) if (!ran.has(block.needs)) lines.splice(block.end, 0, '', note(block))
  return `${lines.join('\n')}\n\n${lastLine(blocks, ran)}\n`
}

/** Where a page does not say of its runs what its last line says. */
export function markFindings(page: string, text: string): Finding[] {
  return drift(page, text, marked(page, text, ranOf(text))).map(({ line, message }) => ({ page, line, message: `what it says of its runs, which \`npm run docs -- run\` writes: ${message}` }))
}
