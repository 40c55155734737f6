/** Constant load of many users through the ingress, and how it is judged. */
import { systemClock } from '../../deploy/src/_poll.ts'
import { type Availability, calmRate, Load, meanAtRest, type Route } from '../../deploy/src/proof/availability.ts'
import type { HttpAnswer } from '../../deploy/src/cluster/http.ts'
import type { Application, Task, User } from './app.ts'
import { type Evidence, demand } from './requirement.ts'
import { PAUSES, TIMEOUTS } from './timeouts.ts'

/** The application allows 4 requests a second per user and replica; each user stays under a quarter of it. */
const REQUESTS_PER_USER = 1

export type Mix = 'everything' | 'reads'

/** Requests a second that leave room for the cluster itself on 2 cores; fewer where the application takes longer for them (see `sizedRate`). */
export const RATE = 20
/** Part of each second that the answers of a load take, one after the other at rest. The rest is for pods that start, and for the cluster. */
const BUSY_SHARE = 0.3
/** How the mix is measured; an application that does not answer is no cluster to load. */
const SIZING = {
  rounds: 3,
  limitMs: Infinity,
  failed: (error: unknown): never => {
    throw error
  },
}
/** Enough to use more than 80 % of a tenth of a core in each of two backends: a read takes 3–5 ms. */
export const HEAVY_RATE = 70

/**
 * The load that leaves room for a change: a cluster on slow processors is asked for its rollouts, not for its speed.
 * @param meanMs of one request of the mix, sent when the one before is answered
 * @returns requests a second, 5 to 20
 */
export function sizedRate(meanMs: number): number {
  return calmRate(RATE, meanMs, BUSY_SHARE)
}

/** @param rate requests a second, or that it is to be sized to the cluster */
export async function startTraffic(app: Application, rate: number | 'sized', mix: Mix): Promise<Load> {
  const users = await Promise.all(Array.from({ length: Math.ceil((rate === 'sized' ? RATE : rate) / REQUESTS_PER_USER) }, (_, index) => app.user(`load${index}`)))
  const tasks = new Map<User, number>()
  for (const user of users) {
    const task = await app.expect<Task>(201, 'POST', `/api/${user.id}/tasks`, { user, body: { title: 'load' } })
    tasks.set(user, task.id)
  }
  const at = (index: number): User => users[index % users.length] as User
  const headers = (index: number): Record<string, string> => ({ authorization: `Bearer ${at(index).token}`, 'content-type': 'application/json' })
  const ok = ({ status, body }: HttpAnswer): string | undefined => (status === 200 ? undefined : `HTTP ${status}${errorCode(body)}`)
  const read: Route = { name: 'read tasks', target: app.target, weight: 5, judge: ok, request: (index) => ({ method: 'GET', path: `/api/${at(index).id}/tasks`, headers: headers(index) }) }
  const others: Route[] = [
    { name: 'page', target: app.target, weight: 2, judge: ok, request: () => ({ method: 'GET', path: '/' }) },
    {
      name: 'write task',
      target: app.target,
      weight: 2,
      judge: ok,
      request: (index) => ({ method: 'PATCH', path: `/api/${at(index).id}/tasks/${tasks.get(at(index))}`, headers: headers(index), body: JSON.stringify({ title: `load ${index}` }) }),
    },
    { name: 'chat', target: app.target, weight: 1, timeoutMs: TIMEOUTS.chat, judge: ok, request: (index) => ({ method: 'POST', path: `/api/${at(index).id}/chat`, headers: headers(index), body: JSON.stringify({ message: 'list tasks' }) }) },
  ]
  const routes = mix === 'reads' ? [read] : [read, ...others]
  return new Load(routes, rate === 'sized' ? sizedRate(await meanAtRest(routes, systemClock, SIZING)) : rate, systemClock)
}

/** Tells an answer of the application from one of the ingress controller or the web server, which have no code. */
function errorCode(body: string): string {
  const code = /"code":\s*"(\w+)"/.exec(body)?.[1]
  return code === undefined ? '' : ` ${code}`
}

/** Figures as evidence: one row per route. */
export function trafficEvidence(figures: Availability, note: string): Evidence {
  const { rate, requests, failures, longestOutageMs, failuresByKind, routes } = figures
  const kinds = Object.entries(failuresByKind).map(([kind, count]) => `${count} × ${kind}`)
  return {
    summary: `${note} at ${rate}/s: ${requests} requests, ${failures} failed${kinds.length === 0 ? '' : ` (${kinds.join(', ')}; longest outage ${Math.round(longestOutageMs)} ms)`}`,
    table: {
      head: ['route', 'requests', 'failed', 'p50 ms', 'p99 ms'],
      rows: routes.map(({ route, requests, failures, p50Ms, p99Ms }) => [route, String(requests), String(failures), p50Ms.toFixed(0), p99Ms.toFixed(0)]),
    },
  }
}

/**
 * Part of the requests due in the time of a load that must have been sent. The generator shares its machine with the cluster and may
 * fall behind; with less than this, a gap of seconds could hide in it.
 */
const SENT_SHARE = 0.8

/** Ends a load after what it measures is over: until no answer of the time of the change can be outstanding. */
export async function finished(load: Load, signal: AbortSignal): Promise<Availability> {
  await systemClock.sleep(PAUSES.afterFault, signal)
  return load.finish()
}

/**
 * Requests due between the first and the last one: at the rate that was chosen, however fast or slow the cluster is.
 * A fixed number would ask a slow machine, where the rate is low, for a slow recovery. Pure.
 */
export function dueRequests({ rate, seconds }: Pick<Availability, 'rate' | 'seconds'>): number {
  const at = seconds.map(({ at }) => at)
  // The first and the last second are not whole.
  return at.length < 3 ? 0 : Math.round(rate * ((Math.max(...at) - Math.min(...at)) / 1000 - 1))
}

/** @throws Violation when there was no load to speak of */
export function demandLoad(figures: Availability, evidence: Evidence): void {
  const due = dueRequests(figures)
  demand(due > 0, `the load lasted less than three seconds: ${figures.requests} requests say nothing`, evidence)
  const unsent = Object.entries(figures.failuresByKind).filter(([kind]) => kind.startsWith('not sent')).reduce((sum, [, count]) => sum + count, 0)
  const sent = figures.requests - unsent
  demand(sent >= SENT_SHARE * due, `only ${sent} requests were sent of the ${due} that were due: the load did not run all the time`, evidence)
}

/** @throws Violation when a request failed, with its route, or when there was no load to speak of */
export function demandNoFailure(figures: Availability, note: string): Evidence {
  const evidence = trafficEvidence(figures, note)
  demandLoad(figures, evidence)
  const routes = figures.routes.filter(({ failures }) => failures > 0).map(({ route, requests, failures, p99Ms }) => `${route} ${failures} of ${requests}, p99 ${Math.round(p99Ms)} ms`)
  demand(figures.failures === 0, `${evidence.summary}; in ${routes.join('; ')}`, evidence)
  return evidence
}
