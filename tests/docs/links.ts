/** Relative links of Markdown pages: each must lead to a file or a folder of the repository, and its anchor to a heading or a line. */
import { readFile } from 'node:fs/promises'
import { dirname, join, posix } from 'node:path'
import type { Finding } from './finding.ts'
import { anchorsOf, linesOf } from './markdown.ts'

interface Link {
  line: number
  target: string
}

/** The links of a page, those within code left out. */
export function linksOf(page: string): Link[] {
  return linesOf(page)
    .filter(({ fenced }) => !fenced)
    .flatMap(({ line, text }) => {
      const prose = text.replaceAll(/(`+).*?\1/g, '')
      const inline = [...prose.matchAll(/\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g), ...prose.matchAll(/<a\s[^>]*href="([^"]+)"/g), ...prose.matchAll(/^\s*\[[^\]]+\]:\s*<?([^\s>]+)>?/g)]
      return inline.map(([, target = '']) => ({ line, target }))
    })
}

/**
 * @param files every file of the repository
 * @param pages those whose links are followed
 */
export async function brokenLinks(root: string, files: readonly string[], pages: readonly string[]): Promise<Finding[]> {
  const known = new Set(files.flatMap((file) => [file, ...foldersOf(file)]))
  const findings: Finding[] = []
  for (const page of pages) {
    for (const { line, target } of linksOf(await readFile(join(root, page), 'utf8'))) {
      if (/^[a-z][a-z0-9+.-]*:|^\/\//i.test(target)) continue
      const message = await complaint(root, known, page, decodeURI(target))
      if (message !== undefined) findings.push({ page, line, message })
    }
  }
  return findings
}

function foldersOf(file: string): string[] {
  const folder = posix.dirname(file)
  return folder === '.' ? [] : [folder, ...foldersOf(folder)]
}

async function complaint(root: string, known: ReadonlySet<string>, page: string, target: string): Promise<string | undefined> {
  const [path = '', anchor] = target.split('#')
  const file = path === '' ? page : posix.join(dirname(page), path).replace(/\/$/, '')
  if (!known.has(file)) return `the link ${target} leads to ${file}, which is not there`
  if (anchor === undefined) return undefined
  const text = await readFile(join(root, file), 'utf8')
  const range = /^L(\d+)(?:-L(\d+))?$/.exec(anchor)
  if (range !== null) return Number(range[2] ?? range[1]) <= text.split('\n').length ? undefined : `the link ${target} leads to a line that ${file} does not have`
  return anchorsOf(text).has(anchor) ? undefined : `the link ${target} leads to #${anchor}, and ${file} has no such heading`
}
