/** The Markdown pages and the source files of a repository. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** Folders of which nothing is ours, or nothing is kept. */
const LEFT_OUT = new Set(['node_modules', 'dist', 'coverage', '__pycache__', '.git', '.venv', '.hypothesis', '.mypy_cache', '.ruff_cache', '.pytest_cache'])

/** Where the engine writes the module's generated client, and runs their results. */
const MADE = new Set(['dagger/sdk', 'report'])

/** @returns paths of all files in the repository, sorted, with `/` between folders */
export async function filesOf(root: string, folder = ''): Promise<string[]> {
  const entries = await readdir(join(root, folder), { withFileTypes: true })
  const nested = await Promise.all(
    entries.map((entry) => {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`
      if (!entry.isDirectory()) return entry.isFile() ? [path] : []
      return LEFT_OUT.has(entry.name) || MADE.has(path) ? [] : filesOf(root, path)
    }),
  )
  return nested.flat().sort()
}
