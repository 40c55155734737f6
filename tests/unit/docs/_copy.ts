/** A copy of what the generators read without Python, in which a test may change the code. */
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'

export const ROOT = join(import.meta.dirname, '../../..')

const READ = ['package.json', 'tsconfig.json', 'dagger/src', 'deploy/src', 'tests/conformance', 'tests/docs'] as const

/** Ends with its scope. */
export async function copyOfTheCode(): Promise<{ root: string } & AsyncDisposable> {
  const root = await mkdtemp(join(tmpdir(), 'todo-chat-docs-'))
  for (const path of READ) await cp(join(ROOT, path), join(root, path), { recursive: true })
  await symlink(join(ROOT, 'node_modules'), join(root, 'node_modules'))
  return { root, [Symbol.asyncDispose]: () => rm(root, { recursive: true }) }
}

/** Replaces a text that stands in a file exactly once. */
export async function change(root: string, file: string, from: string, to: string): Promise<void> {
  const before = await readFile(join(root, file), 'utf8')
  expect(before.split(from), `“${from}” stands in ${file} once`).toHaveLength(2)
  await writeFile(join(root, file), before.replace(from, () => to))
}

/** The only line of a page that begins so, from 1 on. */
export function lineOf(page: string, begin: string): number {
  const lines = page.split('\n').flatMap((text, index) => (text.startsWith(begin) ? index + 1 : []))
  expect(lines, `lines that begin with “${begin}”`).toHaveLength(1)
  return lines[0] ?? 0
}
