/** Runs a workflow's call of Dagger as a job does: in a checkout and an environment of its own; and keeps what it said and exported. */
import { cp, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { dag, ReturnType } from '@dagger.io/dagger'

/** Files that a call of the workflows exports into the checkout. */
const ARCHIVE = 'backup.tar'
const EXPORTED = ['report', 'images.json', ARCHIVE]

/** Where the calls' checkouts lie. A folder is read once in a session of the engine, so each call has another one. */
const CHECKOUTS = '/tmp/checkouts'

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
 * @param env variables of the step; their values are kept as secrets
 * @param checkout folder of the repository; what the call exports is there afterwards
 * @param folder where the log and the exports are kept
 */
export async function call(line: string, env: Record<string, string>, checkout: string, folder: string): Promise<Outcome> {
  const number = String((calls += 1))
  const own = join(CHECKOUTS, number)
  await cp(checkout, own, { recursive: true })
  await mkdir(folder, { recursive: true })
  let container = dag
    .container()
    .from(`registry.dagger.io/engine:${await dag.version()}`)
    .withDirectory('/checkout', dag.host().directory(own))
    .withWorkdir('/checkout')
    .withEnvVariable('DAGGER_NO_NAG', '1')
    .withEnvVariable('RUN', `${process.env['RUN']}-${number}`)
  for (const [name, value] of Object.entries(env)) {
    container = value === '' ? container.withEnvVariable(name, '') : container.withSecretVariable(name, dag.setSecret(`${name}-${number}`, value))
  }
  const started = Date.now()
  const done = container.withExec(['sh', '-c', `exec dagger call ${line}`], { experimentalPrivilegedNesting: true, expect: ReturnType.Any })
  const [exitCode, stdout, stderr] = await Promise.all([done.exitCode(), done.stdout(), done.stderr()])
  const seconds = (Date.now() - started) / 1000
  await writeFile(join(folder, 'log.txt'), `$ dagger call ${line}\n${stderr}\n${stdout}`)
  const there = (await done.directory('/checkout').entries()).map((entry) => entry.replace(/\/$/, ''))
  for (const name of EXPORTED.filter((name) => there.includes(name))) {
    await rm(join(checkout, name), { recursive: true, force: true })
    if (name.includes('.')) await done.file(`/checkout/${name}`).export(join(checkout, name))
    else await done.directory(`/checkout/${name}`).export(join(checkout, name))
    // An archive is for the next call; a report of it is the log.
    if (name !== ARCHIVE) await cp(join(checkout, name), join(folder, name), { recursive: true })
  }
  await rm(own, { recursive: true })
  return { exitCode, seconds, stdout, stderr }
}

/** A copy of the checkout for a job that runs beside others. */
export async function ownCheckout(checkout: string, name: string): Promise<string> {
  const own = join(CHECKOUTS, name)
  await rm(own, { recursive: true, force: true })
  await cp(checkout, own, { recursive: true })
  await freshCheckout(own)
  return own
}

/** What an earlier job exported is not there for the next one: each has a checkout of its own. */
export async function freshCheckout(checkout: string): Promise<void> {
  for (const name of EXPORTED) await rm(join(checkout, name), { recursive: true, force: true })
}
