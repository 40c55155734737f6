/** Other programs that read what this process cannot load: Python, and sources that may have changed. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** A document is below 1 MiB; a program that prints more has gone wrong. */
const MOST_BYTES = 32 * 1024 * 1024
/** Starting PostgreSQL and migrating takes seconds, on a busy machine half a minute. */
const PATIENCE_MS = 300_000

/** A program could not say what it was asked, for want of something or by a fault of its own. */
export class ProgramFailed extends Error {
  override readonly name = 'ProgramFailed'
}

/** @returns what it printed, parsed @throws ProgramFailed with what it said on standard error */
async function json(command: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv): Promise<unknown> {
  try {
    const { stdout } = await run(command, args, { cwd, env: { ...process.env, ...env }, maxBuffer: MOST_BYTES, timeout: PATIENCE_MS })
    return JSON.parse(stdout)
  } catch (error) {
    const { stderr = '', message } = error as Error & { stderr?: string }
    throw new ProgramFailed(`${command} ${args.join(' ')} failed:\n${stderr.trim() || message}`, { cause: error })
  }
}

/** Runs a script of `tests/docs` by the repository's own tsx. */
export function typescript(root: string, script: string, args: readonly string[]): Promise<unknown> {
  return json(process.execPath, ['--import', 'tsx', join(root, 'tests/docs', script), ...args], root, {})
}

/**
 * Runs a script of `tests/docs` with the backend's package.
 * @param python an interpreter that has the packages of app/backend/requirements-dev.txt
 */
export function python(root: string, script: string, interpreter: string): Promise<unknown> {
  return json(interpreter, [join(root, 'tests/docs', script)], join(root, 'app/backend'), { PYTHONPATH: 'src:.' })
}
