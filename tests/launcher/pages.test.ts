/** Pages are run in a clone, so this needs git, which the images that check do not have. */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Need } from '../docs/blocks.ts'
import { runPages } from '../docs/execute.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'todo-chat-pages-'))
})
afterEach(() => rm(folder, { recursive: true }))

const block = (info: string, ...lines: string[]): string => ['```' + info, ...lines, '```', ''].join('\n')

describe('pages', () => {
  const git = (...args: string[]): string => execFileSync('git', ['-c', 'user.name=x', '-c', 'user.email=x@example.org', ...args], { cwd: folder, encoding: 'utf8' }).trim()

  it('are run in a clone of the last commit, and not in a tree with changes', async () => {
    await writeFile(join(folder, 'a.md'), block('console needs=none', '$ git rev-parse --is-inside-work-tree && cat .git/HEAD && touch made', 'true', 'ref: refs/heads/main'))
    git('init', '--quiet', '--initial-branch=main')
    git('add', '.')
    git('commit', '--quiet', '--message=x')
    const options = { needs: new Set<Need>(['none']), progress: () => undefined }
    expect(await runPages(folder, ['a.md'], options)).toEqual({ commit: git('rev-parse', '--short=12', 'HEAD'), runs: [{ page: 'a.md', ran: ['none'], findings: [] }] })
    expect(existsSync(join(folder, 'made'))).toBe(false)
    await writeFile(join(folder, 'b.md'), '')
    await expect(runPages(folder, ['a.md'], options)).rejects.toThrow('the tree has changes that a clone would not have')
  })
})
