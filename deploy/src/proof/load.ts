/** The load that an application describes, for what is running now. */
import type { HttpAnswer, HttpRequest, HttpTarget } from '../cluster/http.ts'
import type { Entrances, PersonalRoutes, Proof } from './application.ts'
import type { Route } from './availability.ts'
import type { Prober } from './prober.ts'

function expectStatus(...expected: number[]): (answer: HttpAnswer) => string | undefined {
  return ({ status }) => (expected.includes(status) ? undefined : `HTTP ${status}`)
}

/** Rows that the load needs, and how to remove them. */
export interface LoadSetup {
  routes: Route[]
  /** Removes what the load made, within 5 s. Never throws: leftovers belong to users that nobody is. */
  cleanUp(): Promise<void>
}

const SETUP_TIMEOUT = 5_000

/**
 * Prepares load for what is running now: where users come in when that is known, with one row per simulated user; else public
 * routes of the pods.
 * @param rate requests a second
 * @returns `undefined` when nothing answers yet, as before a first release
 */
export async function prepareLoad({ open, personal }: Proof['load'], entrances: Entrances, prober: Prober, rate: number): Promise<LoadSetup | undefined> {
  const { ingress } = entrances
  const routes: Route[] = []
  for (const { name, service, path, weight, ingressWeight } of open) {
    const target = ingress ?? entrances[service]
    if (target === undefined) return undefined
    const request: HttpRequest = { method: 'GET', path }
    routes.push({ name, target, weight: ingress === undefined ? weight : ingressWeight, request: () => request, judge: expectStatus(200) })
  }
  const [first] = routes
  const rows: number[] = []
  try {
    if (first === undefined || expectStatus(200)(await first.target.send(first.request(0), SETUP_TIMEOUT)) !== undefined) return undefined
    if (ingress !== undefined && personal !== undefined) {
      const users = Math.max(personal.leastUsers, Math.ceil(rate / personal.perUser))
      for (let index = 0; index < users; index += 1) {
        const answer = await ingress.send(as(prober, index, personal.make(prober.user(index))), SETUP_TIMEOUT)
        if (answer.status !== personal.made) return undefined
        rows.push((JSON.parse(answer.body) as { id: number }).id)
      }
      routes.push(...personalRoutes(personal, ingress, prober, rows))
    }
  } catch {
    return undefined
  }
  return {
    routes,
    async cleanUp() {
      if (personal === undefined) return
      await Promise.all(rows.map((id, index) => ingress?.send(as(prober, index, personal.remove(prober.user(index), id)), SETUP_TIMEOUT).catch(() => undefined)))
    },
  }
}

function personalRoutes({ routes }: PersonalRoutes, ingress: HttpTarget, prober: Prober, rows: readonly number[]): Route[] {
  return routes.map(({ name, weight, request }) => ({
    name,
    target: ingress,
    weight,
    request(index) {
      const user = index % rows.length
      return as(prober, user, request(prober.user(user), rows[user] ?? 0, index))
    },
    judge: expectStatus(200),
  }))
}

function as(prober: Prober, index: number, request: HttpRequest): HttpRequest {
  return { ...request, headers: prober.headers(index) }
}
