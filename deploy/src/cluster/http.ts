/** One way to ask the application a question over HTTP; verification and load use nothing else. */
import { type Dispatcher, Pool } from 'undici'

export interface HttpRequest {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** Absolute path with query. */
  path: string
  headers?: Record<string, string>
  body?: string
}

export interface HttpAnswer {
  status: number
  headers: Record<string, string | string[] | undefined>
  body: string
}

/** A way into the application. */
export interface HttpTarget {
  /** How reports call it: `ingress`, `pods of web`. */
  readonly name: string
  /**
   * @param timeoutMs for the whole exchange
   * @throws the transport's error when no answer came
   */
  send(request: HttpRequest, timeoutMs: number): Promise<HttpAnswer>
  close(): Promise<void>
}

/** Open connections per target: enough for 100 requests a second that take a second each. */
const CONNECTIONS = 100

/** Sends one request over a dispatcher and reads the whole answer. */
export async function exchange(
  dispatcher: Dispatcher,
  origin: string,
  request: HttpRequest,
  timeoutMs: number,
  headers: Record<string, string> = {},
): Promise<HttpAnswer> {
  const answer = await dispatcher.request({
    origin,
    path: request.path,
    method: request.method,
    headers: { ...request.headers, ...headers },
    body: request.body ?? null,
    signal: AbortSignal.timeout(timeoutMs),
  })
  return { status: answer.statusCode, headers: answer.headers, body: await answer.body.text() }
}

/**
 * The application as its users reach it.
 * @param url where the ingress controller listens, `http://127.0.0.1:8080`
 * @param host the host name of the Ingress rule, sent as Host header and as TLS server name
 * @param verifyTls false accepts any certificate
 * @param ca certificate authorities as PEM, where they are not public ones
 */
export function ingressTarget(url: URL, host: string, verifyTls: boolean, ca?: string): HttpTarget {
  const pool = new Pool(url.origin, {
    connections: CONNECTIONS,
    connect: { rejectUnauthorized: verifyTls, servername: host, timeout: 5_000, ...(ca === undefined ? {} : { ca }) },
  })
  return {
    name: 'ingress',
    send: (request, timeoutMs) => exchange(pool, url.origin, request, timeoutMs, { host }),
    close: () => pool.close(),
  }
}
