/** Files and commands of the person → checked input. */
import { execFile } from 'node:child_process'
import { type KeyObject, X509Certificate } from 'node:crypto'
import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { BadInput } from '../errors.ts'
import { type Environment, OVERLAYS } from './gates.ts'
import { type Images, parseImages } from './images.ts'
import { type RenderedObject, parseObjects } from './objects.ts'
import { PULL_KEY } from './secrets.ts'
import { verificationKeys } from './signature.ts'
import { type Settings, parseSettings } from './settings.ts'

/**
 * Reads a file.
 * @param option the option that named it, for the message
 * @throws BadInput when it cannot be read
 */
export async function readInput(path: string, option: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new BadInput(`${option} ${path}: cannot be read (${(cause as NodeJS.ErrnoException).code ?? 'unknown reason'})`, { cause, next: `give the path of an existing file with ${option}` })
  }
}

/** Objects from a file of YAML documents, or from standard input with `-`. */
export async function readObjects(path: string, stdin: NodeJS.ReadableStream): Promise<RenderedObject[]> {
  return path === '-' ? parseObjects(await text(stdin), 'standard input') : parseObjects(await readInput(path, '--objects'), path)
}

/**
 * Secret values from a flat folder: file name = key. One line end at the end of a file is not part of the value.
 * @throws BadInput when the folder cannot be read, or holds an empty file
 */
export async function readSecrets(folder: string | undefined): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>()
  if (folder === undefined) return files
  let entries
  try {
    entries = await readdir(folder, { withFileTypes: true })
  } catch (cause) {
    throw new BadInput(`--secrets-dir ${folder}: cannot be read (${(cause as NodeJS.ErrnoException).code ?? 'unknown reason'})`, { cause, next: 'give a folder with one file per secret key' })
  }
  for (const entry of entries.filter((entry) => !entry.isDirectory() && (entry.name === PULL_KEY || !entry.name.startsWith('.')))) {
    const bytes = await readFile(join(folder, entry.name))
    const value = bytes.at(-1) === 0x0a && !entry.name.startsWith('tls.') ? bytes.subarray(0, -1) : bytes
    if (value.length === 0) throw new BadInput(`--secrets-dir ${folder}: file ${entry.name} is empty`, { next: 'write the value into it, or remove it' })
    files.set(entry.name, value)
  }
  return files
}

/**
 * Secret values from one JSON object of key to value, as a pipeline hands them over. An empty file has none. The key
 * `environment` is no secret: it says for which environment the others are.
 * @throws BadInput when it is something else, or for another environment: names the key, never a value
 */
export async function readSecretsFile(path: string, environment: Environment): Promise<Map<string, Buffer>> {
  const content = await readInput(path, '--secrets-file')
  if (content.trim() === '') return new Map()
  let values: unknown
  try {
    values = JSON.parse(content)
  } catch {
    // The parser's message would quote the text.
    throw new BadInput(`--secrets-file ${path}: not JSON`, { next: 'give an object of secret key to value' })
  }
  if (typeof values !== 'object' || values === null || Array.isArray(values)) throw new BadInput(`--secrets-file ${path}: expected an object of secret key to value`)
  for (const [key, value] of Object.entries(values)) {
    if (typeof value !== 'string' || value === '') throw new BadInput(`--secrets-file ${path}: the value of ${key} is ${value === '' ? 'empty' : 'not a string'}`)
  }
  const { environment: meant, ...secrets } = values as Record<string, string>
  if (meant !== undefined && meant !== environment && meant !== OVERLAYS[environment]) {
    throw new BadInput(`--secrets-file ${path}: these are the secrets of ${meant}, not of ${environment}`, { next: `give the secrets of ${environment}` })
  }
  return new Map(Object.entries(secrets).map(([key, value]) => [key, Buffer.from(value)]))
}

/**
 * @param path settings file of `--settings`, YAML or JSON
 * @param assignments `name=value` of `--set`
 */
export async function readSettings(path: string | undefined, assignments: readonly string[]): Promise<Settings> {
  return parseSettings(path === undefined ? undefined : { text: await readInput(path, '--settings'), source: path }, assignments)
}

/**
 * Certificate authorities as PEM; none without a file, and none in an empty one.
 * @param option the option that named the file, for the message
 * @throws BadInput when there is a text without a certificate, or with a broken one
 */
export async function readAuthorities(path: string | undefined, option: string): Promise<string | undefined> {
  const content = path === undefined ? '' : await readInput(path, option)
  if (content.trim() === '') return undefined
  const certificates = content.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  try {
    for (const certificate of certificates) new X509Certificate(certificate)
  } catch (cause) {
    throw new BadInput(`${option} ${path}: a certificate in it is malformed`, { cause, next: 'give PEM blocks BEGIN CERTIFICATE … END CERTIFICATE' })
  }
  if (certificates.length === 0) throw new BadInput(`${option} ${path}: holds no certificate`, { next: 'give PEM blocks BEGIN CERTIFICATE … END CERTIFICATE' })
  return content
}

/** Keys of those who may sign images; undefined without a file, and for an empty one. @throws BadInput */
export async function readImageKeys(path: string | undefined): Promise<KeyObject[] | undefined> {
  const content = path === undefined ? '' : await readInput(path, '--image-key')
  return content.trim() === '' ? undefined : verificationKeys(content, `--image-key ${path}`)
}

/** Images from the file that `publish` writes; none when no file is given. */
export async function readImages(path: string | undefined): Promise<Images> {
  return path === undefined ? {} : parseImages(await readInput(path, '--images'), path)
}

/**
 * The images of a release that an environment has verified, from the report of that run.
 * @throws BadInput when the report is of another environment, or of a run that did not succeed
 */
export async function readVerified(path: string): Promise<Images> {
  let report: { action?: string; environment?: string; result?: string; images?: Images }
  try {
    report = JSON.parse(await readInput(path, '--verified-by')) as typeof report
  } catch (cause) {
    if (cause instanceof BadInput) throw cause
    throw new BadInput(`--verified-by ${path}: not JSON`, { cause })
  }
  if (report.environment !== 'staging' || (report.result !== 'succeeded' && report.result !== 'unchanged') || report.images === undefined) {
    throw new BadInput(`--verified-by ${path}: not the report of a successful staging run (${report.environment ?? 'no environment'}, ${report.result ?? 'no result'})`, { next: 'give the report.json of the staging run' })
  }
  return report.images
}

const run = promisify(execFile)

/** The commit of the working folder, `-dirty` when it has other changes; `undefined` outside a checkout or without git. */
export async function readCommit(): Promise<string | undefined> {
  try {
    const { stdout: commit } = await run('git', ['rev-parse', 'HEAD'])
    const { stdout: changes } = await run('git', ['status', '--porcelain'])
    return commit.trim() + (changes === '' ? '' : '-dirty')
  } catch {
    return undefined
  }
}
