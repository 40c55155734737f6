/** The checks of `npm run docs -- check`, over a repository. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { blocksOf } from './blocks.ts'
import { drift } from './drift.ts'
import type { Finding } from './finding.ts'
import { brokenLinks } from './links.ts'
import { markFindings } from './marks.ts'
import { functionTable, knownOf, unknownMentions } from './mentions.ts'
import { SPECS } from './pages.ts'
import { filesOf } from './tree.ts'

/** Pages whose shell blocks are run, in the order in which a reader meets them. */
export function pagesToRun(files: readonly string[]): string[] {
  return ['README.md', `${SPECS}/quickstart.md`, ...files.filter((file) => /^docs\/[^/]+\.md$/.test(file))].filter((page) => files.includes(page))
}

/** Two screens. Benchmarks are as long as what was measured. */
const MOST_LINES = 100

function tooLong(page: string, text: string): Finding[] {
  const lines = text.trimEnd().split('\n').length
  return !page.startsWith('docs/') || page === 'docs/benchmarks.md' || lines <= MOST_LINES ? [] : [{ page, line: MOST_LINES + 1, message: `the page has ${lines} lines; a question is answered in ${MOST_LINES}` }]
}

/** Where committed pages differ from generated ones. */
export async function driftOf(root: string, generated: ReadonlyMap<string, string>): Promise<Finding[]> {
  const findings = await Promise.all(
    [...generated].map(async ([page, text]) => {
      const committed = await readFile(join(root, page), 'utf8').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return undefined
        throw error
      })
      return drift(page, committed, text)
    }),
  )
  return findings.flat()
}

/**
 * Links that lead nowhere, and names of what does not exist, on every Markdown page of the repository; on those whose blocks are run also blocks
 * that cannot be, and what they say of their runs.
 * @param generated pages as the code gives them now; for the others the committed ones count
 */
export async function proseFindings(root: string, generated: ReadonlyMap<string, string>): Promise<Finding[]> {
  const files = await filesOf(root)
  const pages = files.filter((file) => file.endsWith('.md'))
  // What is wrong on a generated page is told as a difference.
  const written = pages.filter((page) => !generated.has(page))
  const known = await knownOf(root, files, generated)
  const mentions = await Promise.all(written.map(async (page) => unknownMentions(page, await readFile(join(root, page), 'utf8'), known)))
  const shells = await Promise.all(
    pagesToRun(files).map(async (page) => {
      const text = await readFile(join(root, page), 'utf8')
      const { findings } = blocksOf(page, text)
      return [...(findings.length > 0 ? findings : markFindings(page, text)), ...tooLong(page, text)]
    }),
  )
  return [...(await brokenLinks(root, files, pages)), ...mentions.flat(), ...shells.flat(), ...functionTable('README.md', await readFile(join(root, 'README.md'), 'utf8'), known.module)]
}
