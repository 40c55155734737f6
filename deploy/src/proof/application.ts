/** What the deployer knows of the application over HTTP: its routes, and what right answers look like. */
import { randomBytes } from 'node:crypto'
import type { Route } from './availability.ts'
import type { HttpAnswer, HttpRequest, HttpTarget } from '../cluster/http.ts'
import { signToken } from './token.ts'

/** Ways into the application that exist in this run. */
export interface Entrances {
  /** Where users come in, when its address is known. */
  ingress?: HttpTarget
  /** Ready pods of each Service; any route. Absent while there is no ready pod. */
  backend?: HttpTarget
  frontend?: HttpTarget
  mcp?: HttpTarget
}

/** Identity for the deployer's own requests. */
export interface Prober {
  /** A user of this run only: what it makes is its own, and is removed again. */
  user(index: number): string
  headers(index: number): Record<string, string>
}

/** @param key the application's token-signing key */
export function newProber(key: Buffer, now: number): Prober {
  const run = `deploy-probe-${randomBytes(4).toString('hex')}`
  const tokens = new Map<number, string>()
  const user = (index: number): string => `${run}-${index}`
  return {
    user,
    headers(index) {
      let token = tokens.get(index)
      if (token === undefined) tokens.set(index, (token = signToken(key, user(index), now)))
      return { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    },
  }
}

/** The application limits requests per user and replica to 4 a second; the load stays under half of that. */
const REQUESTS_PER_USER = 2
/** So many share the requests that come one after the other before a load, to size it. */
const LEAST_USERS = 20

function expectStatus(...expected: number[]): (answer: HttpAnswer) => string | undefined {
  return ({ status }) => (expected.includes(status) ? undefined : `HTTP ${status}`)
}

export function tasksPath(user: string): string {
  return `/api/${user}/tasks`
}

/** Rows that the load needs, and how to remove them. */
export interface LoadSetup {
  routes: Route[]
  /** Removes what the load made, within 5 s. Never throws: leftovers belong to users that nobody is. */
  cleanUp(): Promise<void>
}

const SETUP_TIMEOUT = 5_000

/**
 * Prepares load for what is running now: where users come in when that is known, with one task per simulated user; else public
 * routes of the pods.
 * @param rate requests a second
 * @returns `undefined` when nothing answers yet, as before a first release
 */
export async function prepareLoad(entrances: Entrances, prober: Prober, rate: number): Promise<LoadSetup | undefined> {
  const { ingress } = entrances
  const [backend, frontend] = [ingress ?? entrances.backend, ingress ?? entrances.frontend]
  if (backend === undefined || frontend === undefined) return undefined
  const info: HttpRequest = { method: 'GET', path: '/api/info' }
  const page: HttpRequest = { method: 'GET', path: '/' }
  const routes: Route[] = [
    { name: 'info', target: backend, weight: 2, request: () => info, judge: expectStatus(200) },
    { name: 'page', target: frontend, weight: ingress === undefined ? 2 : 6, request: () => page, judge: expectStatus(200) },
  ]
  const tasks: (number | undefined)[] = []
  try {
    if (expectStatus(200)(await backend.send(info, SETUP_TIMEOUT)) !== undefined) return undefined
    if (ingress !== undefined) {
      const users = Math.max(LEAST_USERS, Math.ceil(rate / REQUESTS_PER_USER))
      for (let index = 0; index < users; index += 1) {
        const answer = await ingress.send(
          { method: 'POST', path: tasksPath(prober.user(index)), headers: prober.headers(index), body: JSON.stringify({ title: 'deploy probe' }) },
          SETUP_TIMEOUT,
        )
        if (answer.status !== 201) return undefined
        tasks.push((JSON.parse(answer.body) as { id: number }).id)
      }
      routes.push(
        {
          name: 'read tasks',
          target: ingress,
          weight: 9,
          request: (index) => ({ method: 'GET', path: tasksPath(prober.user(index % users)), headers: prober.headers(index % users) }),
          judge: expectStatus(200),
        },
        {
          name: 'write task',
          target: ingress,
          weight: 3,
          request: (index) => ({
            method: 'PATCH',
            path: `${tasksPath(prober.user(index % users))}/${tasks[index % users]}`,
            headers: prober.headers(index % users),
            body: JSON.stringify({ title: `deploy probe ${index}` }),
          }),
          judge: expectStatus(200),
        },
      )
    }
  } catch {
    return undefined
  }
  return {
    routes,
    async cleanUp() {
      await Promise.all(
        tasks.map((id, index) =>
          ingress?.send({ method: 'DELETE', path: `${tasksPath(prober.user(index))}/${id}`, headers: prober.headers(index) }, SETUP_TIMEOUT).catch(() => undefined),
        ),
      )
    },
  }
}
