/** Runs a workflow's call of Dagger as the runner of a job does, and keeps what it said. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { cp, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** The longest that a call may take, in ms: a job of the workflows is ended after an hour. */
const LIMIT = 40 * 60_000
/** A call that is told to end has so long before it is killed, in ms. */
const GRACE = 10_000

/** Files that a call of the workflows exports into the checkout. */
const EXPORTED = ['report', 'images.json']

/** A nested call's secrets come from the container's own environment, not from that of the command: they are handed over as files. */
const SECRETS = '/tmp/rehearsal-secrets'

/** How a call went. */
export interface Outcome {
  exitCode: number
  seconds: number
  stdout: string
  stderr: string
}

let calls = 0

/**
 * @param line what follows `dagger call`
 * @param checkout folder of the repository
 * @param folder where the log and what the call exported are kept
 */
export async function call(line: string, env: Record<string, string>, checkout: string, folder: string): Promise<Outcome> {
  await mkdir(folder, { recursive: true })
  const log = createWriteStream(join(folder, 'log.txt'))
  log.write(`$ dagger call ${line}\n`)
  const secrets = join(SECRETS, String((calls += 1)))
  await mkdir(secrets, { recursive: true })
  for (const [name, value] of Object.entries(env)) await writeFile(join(secrets, name), value, { mode: 0o600 })
  const started = Date.now()
  const child = spawn('sh', ['-c', `exec dagger call ${line.replaceAll('env://', `file://${secrets}/`)}`], { cwd: checkout, stdio: ['ignore', 'pipe', 'pipe'] })
  const streams = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].on('data', (chunk: Buffer) => {
      streams[name] += chunk.toString()
      log.write(chunk)
    })
  }
  const limit = setTimeout(() => {
    log.write(`\nended: it took longer than ${LIMIT / 60_000} min\n`)
    child.kill('SIGTERM')
    setTimeout(() => child.kill('SIGKILL'), GRACE).unref()
  }, LIMIT)
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
  clearTimeout(limit)
  log.end()
  for (const name of EXPORTED) await cp(join(checkout, name), join(folder, name), { recursive: true }).catch(ifThere)
  return { exitCode: code ?? (signal === null ? 1 : 128), seconds: (Date.now() - started) / 1000, ...streams }
}

/** What an earlier job exported is not there for the next one: each has a checkout of its own. */
export async function freshCheckout(checkout: string): Promise<void> {
  for (const name of EXPORTED) await rm(join(checkout, name), { recursive: true, force: true })
}

function ifThere(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error
}
