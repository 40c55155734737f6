import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { toLine } from '../../docs/finding.ts'
import { brokenLinks, linksOf } from '../../docs/links.ts'
import { anchorsOf } from '../../docs/markdown.ts'

const FILES = { 'README.md': '# Title\n\n## What is there\n', 'docs/a.md': '# A `b` (c)\n\n## Same\n\n## Same\n', 'src/x.ts': 'one\ntwo\n' }

async function broken(page: string): Promise<string[]> {
  const root = await mkdtemp(join(tmpdir(), 'todo-chat-links-'))
  const files: Record<string, string> = { ...FILES, 'docs/page.md': page }
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), text)
  }
  const findings = await brokenLinks(root, Object.keys(files), ['docs/page.md'])
  await rm(root, { recursive: true })
  return findings.map(toLine)
}

describe('relative links', () => {
  it.each([
    ['a file', '[x](a.md)'],
    ['a file of a folder above', '[x](../README.md)'],
    ['a folder', '[x](../src/)'],
    ['a heading', '[x](../README.md#what-is-there)'],
    ['a heading of the same page', '# Here it is\n\n[x](#here-it-is)'],
    ['the second of two equal headings', '[x](a.md#same-1)'],
    ['a line', '[x](../src/x.ts#L2)'],
    ['an address elsewhere, which is not asked', '[x](https://example.org/none) <mailto:a@example.org>'],
    ['nothing, within code', '`[x](none.md)`\n\n```\n[x](none.md)\n```'],
  ])('may lead to %s', async (_, page) => {
    expect(await broken(page)).toEqual([])
  })

  it.each([
    ['no file', 'text\n\n[x](none.md)', 'docs/page.md:3: the link none.md leads to docs/none.md, which is not there'],
    ['another case', '[x](A.md)', 'docs/page.md:1: the link A.md leads to docs/A.md, which is not there'],
    ['outside the repository', '[x](../../x.md)', 'docs/page.md:1: the link ../../x.md leads to ../x.md, which is not there'],
    ['no heading', '[x](../README.md#what-was-there)', 'docs/page.md:1: the link ../README.md#what-was-there leads to #what-was-there, and README.md has no such heading'],
    ['no line', '[x](../src/x.ts#L9)', 'docs/page.md:1: the link ../src/x.ts#L9 leads to a line that src/x.ts does not have'],
    ['no file, by a definition', '[x]\n\n[x]: none.md', 'docs/page.md:3: the link none.md leads to docs/none.md, which is not there'],
    ['no image', '![x](none.png)', 'docs/page.md:1: the link none.png leads to docs/none.png, which is not there'],
  ])('are told when they lead to %s', async (_, page, finding) => {
    expect(await broken(page)).toEqual([finding])
  })

  it('are found beside others on a line', () => {
    expect(linksOf('[a](a.md), `[b](b.md)` and [c](c.md "title")')).toEqual([{ line: 1, target: 'a.md' }, { line: 1, target: 'c.md' }])
  })
})

describe('anchors', () => {
  it('are those that GitHub makes', () => {
    expect([...anchorsOf('# A `b` (c)\n## The module’s functions\n## [x](y.md) z\n```\n# no heading\n```\n## Same\n### Same\n')]).toEqual(['a-b-c', 'the-modules-functions', 'x-z', 'same', 'same-1'])
  })
})
