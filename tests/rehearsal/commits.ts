/** The repository that is rehearsed: a first commit of it as it is, and a second one that changes the application. */
import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

async function git(checkout: string, ...args: string[]): Promise<string> {
  const identity = ['-c', 'user.name=Rehearsal', '-c', 'user.email=rehearsal@localhost', '-c', 'init.defaultBranch=main']
  return (await run('git', ['-C', checkout, ...identity, ...args])).stdout.trim()
}

/** @returns the first commit's hash */
export async function firstCommit(checkout: string): Promise<string> {
  await git(checkout, 'init', '--quiet')
  return commit(checkout, 'The repository as it is')
}

/** A sentence of the page and a line of the backend: two images change their content, those of one code base with them. */
const CHANGES = [
  { file: 'app/frontend/index.html', from: '</head>', to: '<meta name="rehearsal" content="second commit"></head>' },
  { file: 'app/backend/src/todo_chat/__init__.py', from: /$/, to: '\n# The second commit of a rehearsal.\n' },
]

/** @returns the second commit's hash @throws Error when the file to change is not as expected */
export async function secondCommit(checkout: string): Promise<string> {
  for (const { file, from, to } of CHANGES) {
    const path = join(checkout, file)
    const before = await readFile(path, 'utf8')
    const after = before.replace(from, to)
    if (after === before) throw new Error(`${file} is not as the rehearsal expects it: there is no ${String(from)}`)
    await writeFile(path, after)
  }
  return commit(checkout, 'Another page and another backend')
}

async function commit(checkout: string, message: string): Promise<string> {
  await git(checkout, 'add', '--all')
  await git(checkout, 'commit', '--quiet', '--message', message)
  return git(checkout, 'rev-parse', 'HEAD')
}
