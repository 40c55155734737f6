/** Constant-rate load during a rollout, and what its users would have seen. Judges nothing. */
import type { Clock } from './_poll.ts'
import type { HttpAnswer, HttpRequest, HttpTarget } from './http.ts'

/** One kind of request that the load repeats. */
export interface Route {
  /** How reports call it: `read tasks`. */
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
  /** Longest time from a failed request to the next right answer of the same target, in ms; 0 without failures. */
  longestOutageMs: number
  /** While objects were being changed and pods replaced. */
  inside: Window
  /** Before and after that. */
  outside: Window
  routes: RouteFigures[]
  /** Per second of the run, for the picture. */
  seconds: { at: number; requests: number; failures: number }[]
}

/** An answer later than this is a failure to a user, where a route says nothing else. In ms. */
const REQUEST_TIMEOUT = 10_000
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

/** Requests at fixed times, whether earlier ones were answered or not (open model). `await using` ends it. */
export class Load implements AsyncDisposable {
  readonly #routes: readonly Route[]
  readonly #rate: number
  readonly #clock: Clock
  readonly #stop = new AbortController()
  readonly #samples: Sample[] = []
  readonly #underWay = new Set<Promise<void>>()
  readonly #running: Promise<void>
  #rollout: { start: number; end: number } | undefined

  /** @param rate requests a second, over all routes */
  constructor(routes: readonly Route[], rate: number, clock: Clock) {
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
  const isInside = ({ at }: Sample): boolean => rollout !== undefined && at >= rollout.start && at <= rollout.end
  const byRoute = groupBy(ordered, ({ route, target }) => `${target}\n${route}`)
  const bySecond = groupBy(ordered, ({ at }) => Math.floor(at / 1000) * 1000)
  const byTarget = groupBy(ordered, ({ target }) => target)
  return {
    rate,
    requests: ordered.length,
    failures: failed.length,
    failuresByKind,
    longestOutageMs: Math.max(0, ...[...byTarget.values()].map(longestOutage)),
    inside: figures(ordered.filter(isInside)),
    outside: figures(ordered.filter((sample) => !isInside(sample))),
    routes: [...byRoute.values()].map((group) => ({ route: group[0]?.route ?? '', target: group[0]?.target ?? '', ...figures(group) })),
    seconds: [...bySecond].map(([at, group]) => ({ at, requests: group.length, failures: group.filter(({ failure }) => failure !== undefined).length })),
  }
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
  const latencies = samples.filter(({ failure }) => failure === undefined).map(({ latencyMs }) => latencyMs)
  return {
    requests: samples.length,
    failures: samples.length - latencies.length,
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
  }
}

function longestOutage(samples: readonly Sample[]): number {
  let longest = 0
  let since: number | undefined
  let last = 0
  for (const { at, failure } of samples) {
    last = at
    if (failure === undefined) {
      if (since !== undefined) longest = Math.max(longest, at - since)
      since = undefined
    } else since ??= at
  }
  return since === undefined ? longest : Math.max(longest, last - since)
}
