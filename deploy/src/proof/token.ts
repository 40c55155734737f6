/** Bearer tokens for the deployer's own questions, signed with the application's key. */
import { createHmac } from 'node:crypto'
import type { Proof } from './application.ts'

/** How long a token is good, in seconds: longer than any run. */
const LIFETIME_S = 3600

function part(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

/**
 * A JSON Web Token (HS256, RFC 7519) for one user.
 * @param key the bytes of the application's signing key, at least 32
 * @param now milliseconds since the epoch
 */
export function signToken({ issuer, audiences }: Pick<Proof['tokens'], 'issuer' | 'audiences'>, key: Buffer, user: string, now: number): string {
  const iat = Math.floor(now / 1000)
  const content = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ sub: user, iss: issuer, aud: audiences, iat, exp: iat + LIFETIME_S })}`
  return `${content}.${createHmac('sha256', key).update(content).digest('base64url')}`
}
