/** Constant-rate load during a rollout, and what its users would have seen. Judges nothing. */
import type { Clock } from '../_poll.ts'
import { BadInput, DeployError } from '../errors.ts'
import type { HttpAnswer, HttpRequest, HttpTarget } from '../cluster/http.ts'

/** One kind of request that the load repeats. */
export interface Route {
  /** How reports call it: `page`. */
  name: string
  target: HttpTarget
  /** Share of all requests; the shares of all routes are relative to each other. */
  weight: number
  /** An answer later than this is a failure, in ms. @default 10_000 */
  timeoutMs?: number
  request(index: number): HttpRequest
  /** `undefined` when the answer is as it should be, otherwise the kind of failure. */
  judge(answer: HttpAnswer): string | undefined
}

/** One request of the load. */
export interface Sample {
  route: string
  target: string
  /** When it was due, in ms since the epoch. */
  at: number
  /** From when it was due to the end of its answer, in ms: a late start counts. */
  latencyMs: number
  /** Absent when the answer was right. */
  failure?: string
}

export interface RouteFigures {
  route: string
  target: string
  requests: number
  failures: number
  p50Ms: number
  p99Ms: number
}

export interface Window {
  requests: number
  failures: number
  p50Ms: number
  p99Ms: number
}

export interface Availability {
  /** Requests a second. */
  rate: number
  requests: number
  failures: number
  failuresByKind: Record<string, number>
  /**
   * Longest time in which a route failed, in ms; 0 without failures: from a failed request to its next right answer, or over seconds in each
   * of which at least half of its requests failed, since one right answer among many failures ends no outage for anybody.
   */
  longestOutageMs: number
  /** While objects were being changed and pods replaced. */
  inside: Window
  /** Before and after that. */
  outside: Window
  routes: RouteFigures[]
  /** Per second of the run, for the picture. */
  seconds: { at: number; requests: number; failures: number }[]
}

/** How many requests may fail while objects are changed and pods replaced: a number, or a share of all that were sent then. */
export type Budget = { failed: number } | { share: number }

/** A share is not judged by fewer requests than this while more are to come. */
const JUDGED_FROM = 100

/**
 * @param text `0`, `25`, `0.1%`
 * @throws BadInput when it is something else
 */
export function parseBudget(text: string): Budget {
  const share = /^(\d+(?:\.\d+)?)%$/.exec(text)?.[1]
  if (share !== undefined && Number(share) < 100) return { share: Number(share) / 100 }
  if (/^\d+$/.test(text)) return { failed: Number(text) }
  throw new BadInput(`'${text}' is no number of failed requests`, { next: 'write a whole number such as 0, or a share under 100% such as 0.1%' })
}

/** More requests failed than may: a failure like others, to be rolled back. */
export class OverBudget extends DeployError {
  override readonly name: string = 'OverBudget'
}

/** @param isOver whether no more requests will come */
export function isOverBudget(budget: Budget, { requests, failures }: Pick<Window, 'requests' | 'failures'>, isOver: boolean): boolean {
  if ('failed' in budget) return failures > budget.failed
  return (isOver || requests >= JUDGED_FROM) && failures > budget.share * requests
}

/** An answer later than this is a failure to a user, where a route says nothing else. In ms. */
const REQUEST_TIMEOUT = 10_000
/**
 * Part of each second that the answers of a load may take, one after the other at rest: a measurement must not be the outage,
 * and while pods start, a small machine serves far less than at rest.
 */
const BUSY_SHARE = 0.2
/** So few requests a second still tell an outage of a second. */
const LEAST_RATE = 5
/** Rounds of all routes that are sent to measure an answer at rest. */
const ROUNDS = 2
/** No more of them are sent after this, in ms. */
const SIZING_LIMIT = 3_000
/** The loop looks for due requests so often, in ms. */
const TICK = 5
/** More than this under way means that the load generator, not the application, is the limit. */
const MAX_UNDER_WAY = 2_000

/** The kind of failure that an error of the transport is. */
export function failureKind(error: unknown): string {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause.name === 'TimeoutError' || cause.name === 'AbortError') return 'timeout'
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ECONNREFUSED') return 'connection refused'
    if (code === 'ECONNRESET' || code === 'UND_ERR_SOCKET' || code === 'EPIPE') return 'connection reset'
    if (code === 'UND_ERR_CONNECT_TIMEOUT') return 'connect timeout'
    if (code !== undefined && cause.cause === undefined) return code
  }
  return error instanceof Error ? error.name : 'error'
}

/**
 * The rate that leaves the application most of its time.
 * @param most requests a second
 * @param meanMs of one request of the load, sent when the one before was answered
 * @param share part of each second that their answers may take, one after the other
 */
export function calmRate(most: number, meanMs: number, share = BUSY_SHARE): number {
  return Math.min(most, Math.max(LEAST_RATE, Math.floor((share * 1000) / Math.max(1, meanMs))))
}

/**
 * Sends the mix of a load, each request when the one before was answered.
 * @param rounds of the whole mix, after one that opens connections and does not count
 * @param limitMs no more are sent after this
 * @param failed is told why an answer did not come; by default it only took its time
 * @returns ms that one of them took
 */
export async function meanAtRest(
  routes: readonly Route[],
  clock: Clock,
  { rounds = ROUNDS, limitMs = SIZING_LIMIT, failed = () => undefined }: { rounds?: number; limitMs?: number; failed?: (error: unknown) => undefined } = {},
): Promise<number> {
  const sequence = interleave(routes)
  const first = clock.now()
  let started = first
  let sent = 0
  // Where there is no time for more, the first round counts.
  for (let index = 0; index < sequence.length * (rounds + 1) && clock.now() - first < limitMs; index += 1) {
    if (index === sequence.length) [started, sent] = [clock.now(), 0]
    const { target, request, timeoutMs = REQUEST_TIMEOUT } = sequence[index % sequence.length] as Route
    await target.send(request(index), timeoutMs).catch(failed)
    sent += 1
  }
  return (clock.now() - started) / sent
}

/** Requests at fixed times, whether earlier ones were answered or not (open model). `await using` ends it. */
export class Load implements AsyncDisposable {
  readonly #routes: readonly Route[]
  readonly #rate: number
  readonly #clock: Clock
  readonly #stop = new AbortController()
  readonly #samples: Sample[] = []
  readonly #underWay = new Set<Promise<void>>()
  readonly #running: Promise<void>
  readonly #onFailure: (inside: Pick<Window, 'requests' | 'failures'>) => void
  readonly #inside = { requests: 0, failures: 0 }
  #rollout: { start: number; end: number } | undefined

  /**
   * @param rate requests a second, over all routes
   * @param onFailure called at each failure during the rollout, with the counts so far
   */
  constructor(routes: readonly Route[], rate: number, clock: Clock, onFailure: (inside: Pick<Window, 'requests' | 'failures'>) => void = () => undefined) {
    this.#onFailure = onFailure
    this.#routes = routes
    this.#rate = rate
    this.#clock = clock
    this.#running = this.#loop()
  }

  /** The first change is about to be made. */
  rolloutStarts(): void {
    this.#rollout = { start: this.#clock.now(), end: Infinity }
  }

  /** No old pod is left. */
  rolloutEnds(): void {
    if (this.#rollout !== undefined) this.#rollout.end = this.#clock.now()
  }

  /** Counts of the rollout so far. */
  get inside(): Pick<Window, 'requests' | 'failures'> {
    return { ...this.#inside }
  }

  /** Ends the load, waits for the answers under way (at most the longest limit of a route) and counts. */
  async finish(): Promise<Availability> {
    await this[Symbol.asyncDispose]()
    return summarise(this.#samples, this.#rate, this.#rollout)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await this.#running
    await Promise.all(this.#underWay)
  }

  async #loop(): Promise<void> {
    const sequence = interleave(this.#routes)
    const started = this.#clock.now()
    for (let index = 0; !this.#stop.signal.aborted; ) {
      const due = started + (index * 1000) / this.#rate
      if (due > this.#clock.now()) {
        await this.#clock.sleep(TICK)
        continue
      }
      const route = sequence[index % sequence.length]
      if (route !== undefined) this.#fire(route, index, due)
      index += 1
    }
  }

  #fire(route: Route, index: number, due: number): void {
    const done = (failure?: string): void => {
      this.#samples.push({ route: route.name, target: route.target.name, at: due, latencyMs: this.#clock.now() - due, ...(failure === undefined ? {} : { failure }) })
      if (!isWithin(this.#rollout, due)) return
      this.#inside.requests += 1
      if (failure === undefined) return
      this.#inside.failures += 1
      this.#onFailure(this.#inside)
    }
    if (this.#underWay.size >= MAX_UNDER_WAY) {
      done('not sent: too many requests under way')
      return
    }
    const sent = route.target
      .send(route.request(index), route.timeoutMs ?? REQUEST_TIMEOUT)
      .then((answer) => done(route.judge(answer)))
      .catch((error: unknown) => done(failureKind(error)))
      .finally(() => this.#underWay.delete(sent))
    this.#underWay.add(sent)
  }
}

/** Routes in a fixed sequence in which each occurs by its weight, spread evenly. */
export function interleave<Item extends { weight: number }>(routes: readonly Item[]): Item[] {
  const total = routes.reduce((sum, { weight }) => sum + weight, 0)
  const credit = new Map(routes.map((route) => [route, 0]))
  return Array.from({ length: total }, () => {
    for (const route of routes) credit.set(route, (credit.get(route) ?? 0) + route.weight)
    const next = routes.reduce((best, route) => ((credit.get(route) ?? 0) > (credit.get(best) ?? 0) ? route : best))
    credit.set(next, (credit.get(next) ?? 0) - total)
    return next
  })
}

/** Nearest-rank percentile; 0 for no values. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0
}

/**
 * Counts the samples of a run.
 * @param rollout from the first change to the last old pod; absent when nothing was changed
 */
export function summarise(samples: readonly Sample[], rate: number, rollout: { start: number; end: number } | undefined): Availability {
  const ordered = [...samples].sort((a, b) => a.at - b.at)
  const failed = ordered.filter(({ failure }) => failure !== undefined)
  const failuresByKind: Record<string, number> = {}
  for (const { failure = '' } of failed) failuresByKind[failure] = (failuresByKind[failure] ?? 0) + 1
  const byRoute = groupBy(ordered, ({ route, target }) => `${target}\n${route}`)
  const bySecond = groupBy(ordered, ({ at }) => Math.floor(at / 1000) * 1000)
  return {
    rate,
    requests: ordered.length,
    failures: failed.length,
    failuresByKind,
    longestOutageMs: Math.max(0, ...[...byRoute.values()].flatMap((group) => [longestGap(group), longestBadStretch(group)])),
    inside: figures(ordered.filter(({ at }) => isWithin(rollout, at))),
    outside: figures(ordered.filter(({ at }) => !isWithin(rollout, at))),
    routes: [...byRoute.values()].map((group) => ({ route: group[0]?.route ?? '', target: group[0]?.target ?? '', ...figures(group) })),
    seconds: [...bySecond].map(([at, group]) => ({ at, requests: group.length, failures: group.filter(({ failure }) => failure !== undefined).length })),
  }
}

function isWithin(rollout: { start: number; end: number } | undefined, at: number): boolean {
  return rollout !== undefined && at >= rollout.start && at <= rollout.end
}

function groupBy<Key>(samples: readonly Sample[], keyOf: (sample: Sample) => Key): Map<Key, Sample[]> {
  const groups = new Map<Key, Sample[]>()
  for (const sample of samples) {
    const key = keyOf(sample)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [sample])
    else group.push(sample)
  }
  return groups
}

function figures(samples: readonly Sample[]): Window {
  // A request that failed took its user's time too.
  const latencies = samples.map(({ latencyMs }) => latencyMs)
  return {
    requests: samples.length,
    failures: samples.filter(({ failure }) => failure !== undefined).length,
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
  }
}

/** @param samples of one route, in their order */
function longestGap(samples: readonly Sample[]): number {
  let longest = 0
  let since: number | undefined
  for (const { at, failure } of samples) {
    if (failure !== undefined) since ??= at
    else if (since !== undefined) {
      longest = Math.max(longest, at - since)
      since = undefined
    }
  }
  return since === undefined ? longest : Math.max(longest, (samples.at(-1)?.at ?? 0) - since)
}

/** @param samples of one route, in their order */
function longestBadStretch(samples: readonly Sample[]): number {
  let longest = 0
  let since: number | undefined
  for (const second of groupBy(samples, ({ at }) => Math.floor(at / 1000)).values()) {
    const failed = second.filter(({ failure }) => failure !== undefined)
    if (failed.length * 2 < second.length) {
      since = undefined
      continue
    }
    since ??= failed[0]?.at ?? 0
    longest = Math.max(longest, (failed.at(-1)?.at ?? 0) - since)
  }
  return longest
}
