/** The identity under which the deployer asks. */
import { randomBytes } from 'node:crypto'
import type { Cluster } from '../cluster/client.ts'
import { ClusterError } from '../errors.ts'
import type { KubeObject } from '../release/objects.ts'
import { secretNeeds } from '../release/secrets.ts'
import type { Proof } from './application.ts'
import { signToken } from './token.ts'

/** Identity for the deployer's own requests. */
export interface Prober {
  /** A user of this run only: what it makes is its own, and is removed again. */
  user(index: number): string
  headers(index: number): Record<string, string>
}

/** @param key the application's token-signing key */
export function newProber(tokens: Proof['tokens'], key: Buffer, now: number): Prober {
  const run = `deploy-probe-${randomBytes(4).toString('hex')}`
  const made = new Map<number, string>()
  const user = (index: number): string => `${run}-${index}`
  return {
    user,
    headers(index) {
      let token = made.get(index)
      if (token === undefined) made.set(index, (token = signToken(tokens, key, user(index), now)))
      return { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    },
  }
}

/**
 * A prober with the key with which the pods of these objects check tokens: that of the release's own Secret, or of the Secret that
 * somebody else keeps under the name that the pods mount.
 * @returns `undefined` when there is no key, or it may not be read
 */
export async function proberFor(tokens: Proof['tokens'], cluster: Cluster, namespace: string, objects: readonly KubeObject[], now: number): Promise<Prober | undefined> {
  const key = signingKey(tokens, objects) ?? (await keptKey(tokens, cluster, namespace, objects))
  return key && newProber(tokens, key, now)
}

async function keptKey(tokens: Proof['tokens'], cluster: Cluster, namespace: string, objects: readonly KubeObject[]): Promise<Buffer | undefined> {
  const names = secretNeeds(objects).filter(({ keys }) => keys.has(tokens.key)).map(({ name }) => name)
  const kept = await Promise.all(names.map((name) => cluster.get({ apiVersion: 'v1', kind: 'Secret', namespace, name }).catch(unlessForbidden)))
  return signingKey(tokens, kept.flatMap((secret) => secret ?? []))
}

function unlessForbidden(error: unknown): undefined {
  if (error instanceof ClusterError && error.code === 'forbidden') return undefined
  throw error
}

/** The application's token-signing key out of Secret objects, or `undefined` when none has it. */
export function signingKey({ key: name }: Pick<Proof['tokens'], 'key'>, objects: readonly KubeObject[]): Buffer | undefined {
  for (const object of objects.filter(({ kind }) => kind === 'Secret')) {
    const key = ((object['data'] ?? {}) as Record<string, string>)[name]
    if (key !== undefined) return Buffer.from(Buffer.from(key, 'base64').toString().trim())
  }
  return undefined
}
