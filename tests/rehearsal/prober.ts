/** Requests from outside beside a deployment, that the deployer knows nothing of: its figures are compared with these. */
import { Pool } from 'undici'

/** Requests a second: enough to see an outage of a fifth of a second, and little beside the deployer's own load. */
const RATE = 10
const TIMEOUT = 10_000

export interface Counts {
  requests: number
  /** What went wrong → how often. */
  failures: Record<string, number>
}

export interface Prober {
  stop(): Promise<Counts>
}

/**
 * Asks for the page and the information route in turn, at a constant rate.
 * @param origin where the ingress controller listens, such as https://192.0.2.1
 * @param authority PEM of the certificate authority of the ingress
 */
export function startProber(origin: string, host: string, authority: string): Prober {
  const pool = new Pool(origin, { connections: 20, connect: { ca: authority, servername: host } })
  const counts: Counts = { requests: 0, failures: {} }
  const running = new Set<Promise<void>>()
  const failed = (what: string): void => void (counts.failures[what] = (counts.failures[what] ?? 0) + 1)
  const one = async (path: string): Promise<void> => {
    counts.requests += 1
    try {
      const { statusCode, body } = await pool.request({ path, method: 'GET', headers: { host }, signal: AbortSignal.timeout(TIMEOUT) })
      await body.dump()
      if (statusCode !== 200) failed(`HTTP ${statusCode}`)
    } catch (error) {
      failed((error as NodeJS.ErrnoException).code ?? (error as Error).name)
    }
  }
  const timer = setInterval(() => {
    const request = one(counts.requests % 2 === 0 ? '/' : '/api/info').finally(() => running.delete(request))
    running.add(request)
  }, 1000 / RATE)
  return {
    async stop() {
      clearInterval(timer)
      await Promise.all(running)
      await pool.close()
      return counts
    },
  }
}
