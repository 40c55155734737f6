/** Registries, by way of crane. Every question is bounded; no rule is here. */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { rootCertificates } from 'node:tls'
import { promisify } from 'node:util'
import { type Signature, signatureArtifact, signatureReference } from '../release/signature.ts'

const run = promisify(execFile)

const TIMEOUT = 8_000
/** crane's words, by registry. */
const NOT_THERE = /MANIFEST_UNKNOWN|NAME_UNKNOWN|404/

/** How a registry is spoken to. */
export interface RegistryAccess {
  /** Of the form of a Docker configuration file. @default those of the person who runs this */
  credentials?: string
  /** Certificate authorities, PEM, beside the public ones. */
  ca?: string
}

/** A registry did not give what was asked for; the message is what it said. */
export class RegistryError extends Error {
  readonly isNotThere: boolean

  constructor(message: string) {
    super(message)
    this.isNotThere = NOT_THERE.test(message)
  }
}

/** @throws RegistryError */
async function crane(args: readonly string[], { credentials, ca }: RegistryAccess): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), 'registry-'))
  try {
    if (credentials !== undefined) await writeFile(join(folder, 'config.json'), credentials, { mode: 0o600 })
    const trusted = join(folder, 'ca.crt')
    if (ca !== undefined) await writeFile(trusted, [...rootCertificates, ca].join('\n'))
    const env = { ...process.env, ...(credentials === undefined ? {} : { HOME: folder, DOCKER_CONFIG: folder }), ...(ca === undefined ? {} : { SSL_CERT_FILE: trusted }) }
    return (await run('crane', args, { timeout: TIMEOUT, env, encoding: 'buffer' })).stdout
  } catch (error) {
    const { stderr, killed, code } = error as { stderr?: Buffer; killed?: boolean; code?: unknown }
    if (code === 'ENOENT') throw new RegistryError('crane is not installed here')
    if (killed === true) throw new RegistryError(`timeout: no answer within ${TIMEOUT / 1000} s`)
    if (typeof code !== 'number') throw error
    throw new RegistryError((stderr ?? '').toString().trim().split('\n').at(-1)?.replace(/^.*?Error: /, '') ?? '')
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Asks for an image as a node would before it pulls. @throws RegistryError */
export async function askForImage(reference: string, access: RegistryAccess): Promise<void> {
  await crane(['digest', reference], access)
}

/**
 * The signatures of an image; none when there are none.
 * @param reference with a digest
 * @throws RegistryError
 */
export async function readSignatures(reference: string, access: RegistryAccess): Promise<Signature[]> {
  const place = signatureReference(reference)
  let manifest: { layers?: { mediaType: string; digest: string; annotations?: Record<string, string> }[] }
  try {
    manifest = JSON.parse((await crane(['manifest', place], access)).toString()) as typeof manifest
  } catch (error) {
    if (error instanceof RegistryError && error.isNotThere) return []
    throw error
  }
  const repository = place.slice(0, place.lastIndexOf(':'))
  return Promise.all((manifest.layers ?? []).map(async ({ mediaType, digest, annotations = {} }) => ({ mediaType, annotations, payload: await crane(['blob', `${repository}@${digest}`], access) })))
}

/**
 * Puts signatures beside an image, in the place of those that are there.
 * @param reference with a digest
 * @throws RegistryError
 */
export async function writeSignatures(reference: string, signatures: readonly Signature[], access: RegistryAccess): Promise<void> {
  const { blobs, index } = signatureArtifact(signatures)
  const folder = await mkdtemp(join(tmpdir(), 'signature-'))
  try {
    await mkdir(join(folder, 'blobs/sha256'), { recursive: true })
    await writeFile(join(folder, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }))
    await writeFile(join(folder, 'index.json'), index)
    for (const [digest, bytes] of blobs) await writeFile(join(folder, 'blobs', digest.replace(':', '/')), bytes)
    await crane(['push', folder, signatureReference(reference)], access)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
