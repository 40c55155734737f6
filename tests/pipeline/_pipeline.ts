import { execFile, execFileSync, spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'

export const REPOSITORY = join(import.meta.dirname, '..', '..')

/** What a stranger sees of a call: both streams without colours, and the exit code. */
export type Call = { code: number; stdout: string; stderr: string }

const launcher = (repository: string): string => join(repository, 'scripts', 'dagger.mjs')
const options = (repository: string) => ({ cwd: repository, env: { ...process.env, CI: 'true' } })

/** Calls the launcher of a repository as a person would. A code of -1 means that it was killed. */
export function dagger(repository: string, ...args: string[]): Promise<Call> {
  return new Promise((resolve) => {
    execFile(process.execPath, [launcher(repository), ...args], { ...options(repository), maxBuffer: 64 << 20 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1
      resolve({ code, stdout: stripVTControlCharacters(stdout), stderr: stripVTControlCharacters(stderr) })
    })
  })
}

/** A call in a process group of its own, as a terminal starts one, and what it has said so far. */
export function start(repository: string, ...args: string[]) {
  const child = spawn(process.execPath, [launcher(repository), '--progress=plain', ...args], { ...options(repository), detached: true })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (said += text))
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve))
  return { pid: child.pid as number, said: () => said, ended }
}

/** A copy of the repository as git has it, for changing; disposed with its folder. */
export function repositoryCopy(): { path: string; write(file: string, text: string): void; edit(file: string, change: (text: string) => string): void } & Disposable {
  const path = mkdtempSync(join(tmpdir(), 'todo-chat-copy-'))
  const files = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: REPOSITORY, encoding: 'utf8' })
  for (const file of files.split('\0').filter(Boolean)) {
    mkdirSync(dirname(join(path, file)), { recursive: true })
    cpSync(join(REPOSITORY, file), join(path, file))
  }
  execFileSync('git', ['init', '--quiet'], { cwd: path })
  return {
    path,
    write: (file, text) => writeFileSync(join(path, file), text),
    edit(file, change) {
      const before = readFileSync(join(path, file), 'utf8')
      const after = change(before)
      if (after === before) throw new Error(`the edit of ${file} changed nothing`)
      writeFileSync(join(path, file), after)
    },
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  }
}

const ROW = /^(?:Error: )?\s*[✓~✗!] (?<name>\S+)\s+(?<result>passed|unsteady|FAILED|BROKEN)\s+\S+\s+(?<source>run|cached)$/gm

/** Rows of the table that `ci` prints: check → result. */
export function rows(text: string): Record<string, string> {
  return Object.fromEntries([...text.matchAll(ROW)].map(({ groups }) => [groups?.['name'], groups?.['result']]))
}

/** Rows of the table that `ci` prints: check → whether it ran or its result was cached. */
export function sources(text: string): Record<string, string> {
  return Object.fromEntries([...text.matchAll(ROW)].map(({ groups }) => [groups?.['name'], groups?.['source']]))
}
