/** Steps of a question: one request, and what its answer must be. */
import type { HttpAnswer, HttpRequest, HttpTarget } from '../cluster/http.ts'

/** How long one request of a question may take, in ms. */
export const REQUEST_TIMEOUT = 10_000

/** An answer that is not right: asked again until the patience is over. */
export class Wrong extends Error {}

/**
 * One request whose answer is JSON.
 * @param timeoutMs @default 10_000
 * @throws Wrong for another status or no JSON
 */
export async function askJson(target: HttpTarget, request: HttpRequest, status: number, timeoutMs = REQUEST_TIMEOUT): Promise<unknown> {
  const answer = await target.send(request, timeoutMs)
  expectStatus(request, answer, status)
  return parseJson(request, answer.body)
}

/** @throws Wrong that names the application's error code where the answer has one */
export function expectStatus({ method, path }: HttpRequest, { status, body }: HttpAnswer, expected: number): void {
  if (status === expected) return
  const code = /"code":\s*"([a-z_]+)"/.exec(body)?.[1]
  throw new Wrong(`${method} ${path} answered HTTP ${status}${code === undefined ? '' : ` (${code})`}, expected ${expected}`)
}

/** @throws Wrong */
export function parseJson({ method, path }: HttpRequest, body: string): unknown {
  try {
    return JSON.parse(body) as unknown
  } catch {
    throw new Wrong(`${method} ${path} answered no JSON`)
  }
}

/** What a question through the ingress says where its address is not known: a person has chosen not to ask. */
export const NO_INGRESS = 'the address of the ingress was not given (--ingress-url)'
