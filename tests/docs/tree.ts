/** The Markdown pages and the source files of a repository. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** Folders of which nothing is ours, or nothing is kept. */
const LEFT_OUT = new Set(['node_modules', 'dist', 'report', 'coverage', '__pycache__', '.git', '.venv', '.hypothesis', '.mypy_cache', '.ruff_cache', '.pytest_cache'])

/** @returns paths of all files in the repository, sorted, with `/` between folders */
export async function filesOf(root: string, folder = ''): Promise<string[]> {
  const entries = await readdir(join(root, folder), { withFileTypes: true })
  const nested = await Promise.all(
    entries.map((entry) => {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`
      if (!entry.isDirectory()) return entry.isFile() ? [path] : []
      // The engine writes the module's generated client there.
      return LEFT_OUT.has(entry.name) || path === 'dagger/sdk' ? [] : filesOf(root, path)
    }),
  )
  return nested.flat().sort()
}
