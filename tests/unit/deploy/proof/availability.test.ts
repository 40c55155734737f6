import { describe, expect, it } from 'vitest'
import { type Route, Load, type Sample, calmRate, failureKind, isOverBudget, parseBudget, interleave, meanAtRest, percentile, summarise } from '../../../../deploy/src/proof/availability.ts'
import type { HttpAnswer } from '../../../../deploy/src/cluster/http.ts'
import { FakeClock } from '../../../fakes/clock.ts'

function sample(at: number, latencyMs: number, failure?: string, target = 'ingress'): Sample {
  return { route: 'read', target, at, latencyMs, ...(failure === undefined ? {} : { failure }) }
}

describe('summarise', () => {
  it('tells requests inside the rollout from those outside', () => {
    const samples = [sample(0, 10), sample(1000, 20), sample(1500, 400, 'HTTP 502'), sample(2000, 30), sample(5000, 40)]
    expect(summarise(samples, 100, { start: 1000, end: 2000 })).toMatchObject({
      requests: 5,
      failures: 1,
      failuresByKind: { 'HTTP 502': 1 },
      inside: { requests: 3, failures: 1, p50Ms: 30, p99Ms: 400 },
      outside: { requests: 2, failures: 0, p50Ms: 10, p99Ms: 40 },
    })
  })

  it('measures an outage from the first failure to the next right answer of the same way in', () => {
    const samples = [sample(0, 1), sample(30, 1), sample(60, 1), sample(100, 1, 'x'), sample(150, 1, undefined, 'service'), sample(300, 1, 'x'), sample(700, 1), sample(900, 1, 'x'), sample(950, 1)]
    expect(summarise(samples, 10, undefined).longestOutageMs).toBe(600)
  })

  it('measures an outage by route: others that are answered do not end it', () => {
    const other = (at: number): Sample => ({ ...sample(at, 1), route: 'page' })
    expect(summarise([sample(0, 1, 'x'), other(10), sample(500, 1, 'x'), other(510), sample(900, 1)], 10, undefined).longestOutageMs).toBe(900)
  })

  it('a minute in which three of four fail is an outage of a minute', () => {
    const minute = Array.from({ length: 600 }, (_, index) => sample(index * 100, 1, index % 4 === 0 ? undefined : 'HTTP 503'))
    expect(summarise([...minute, sample(60_500, 1)], 10, undefined).longestOutageMs).toBe(59_800)
  })

  it('a failed request of each second is no outage of all of them', () => {
    const seconds = Array.from({ length: 100 }, (_, index) => sample(index * 100, 1, index % 10 === 3 ? 'HTTP 503' : undefined))
    expect(summarise(seconds, 10, undefined).longestOutageMs).toBe(100)
  })

  it('counts an outage that did not end before the load did', () => {
    expect(summarise([sample(0, 1, 'x'), sample(500, 1, 'x')], 10, undefined).longestOutageMs).toBe(500)
  })

  it('has no outage without failures and no figures without requests', () => {
    expect(summarise([], 10, undefined)).toMatchObject({ requests: 0, longestOutageMs: 0, inside: { p99Ms: 0 } })
  })

  it('counts per second and per route', () => {
    const figures = summarise([sample(1000, 1), sample(1999, 1, 'x'), sample(2000, 1)], 10, undefined)
    expect(figures.seconds).toEqual([{ at: 1000, requests: 2, failures: 1 }, { at: 2000, requests: 1, failures: 0 }])
    expect(figures.routes).toEqual([{ route: 'read', target: 'ingress', requests: 3, failures: 1, p50Ms: 1, p99Ms: 1 }])
  })
})

describe('percentile', () => {
  it('is the nearest rank', () => {
    const values = Array.from({ length: 100 }, (_, index) => index + 1)
    expect([percentile(values, 0.5), percentile(values, 0.99), percentile([7], 0.99), percentile([], 0.5)]).toEqual([50, 99, 7, 0])
  })
})

describe('interleave', () => {
  it('repeats each route by its weight and spreads them', () => {
    const [a, b] = [{ name: 'a', weight: 3 }, { name: 'b', weight: 1 }]
    expect(interleave([a, b]).map(({ name }) => name).join('')).toBe('aaba')
  })
})

describe('failureKind', () => {
  it.each([
    [Object.assign(new Error('x'), { code: 'ECONNREFUSED' }), 'connection refused'],
    [new TypeError('fetch failed', { cause: Object.assign(new Error('x'), { code: 'ECONNRESET' }) }), 'connection reset'],
    [Object.assign(new Error('x'), { name: 'TimeoutError' }), 'timeout'],
  ])('%s is %s', (error, kind) => {
    expect(failureKind(error)).toBe(kind)
  })
})

describe('a budget of failed requests', () => {
  it.each<[string, { requests: number; failures: number }, middle: boolean, end: boolean]>([
    ['0', { requests: 1, failures: 0 }, false, false],
    ['0', { requests: 1, failures: 1 }, true, true],
    ['5', { requests: 9, failures: 5 }, false, false],
    ['5', { requests: 9, failures: 6 }, true, true],
    ['1%', { requests: 99, failures: 2 }, false, true],
    ['1%', { requests: 100, failures: 1 }, false, false],
    ['1%', { requests: 100, failures: 2 }, true, true],
    ['0.1%', { requests: 2000, failures: 2 }, false, false],
  ])('of %s with %o', (text, counts, middle, end) => {
    expect([isOverBudget(parseBudget(text), counts, false), isOverBudget(parseBudget(text), counts, true)]).toEqual([middle, end])
  })

  it.each(['', '-1', '1.5', '100%', 'none', '%'])('%j is none', (text) => {
    expect(() => parseBudget(text)).toThrow(/is no number of failed requests/)
  })
})

describe('Load', () => {
  function route(clock: FakeClock, answerAfterMs: (index: number) => number, status = 200): Route {
    return {
      name: 'read',
      weight: 1,
      request: (index) => ({ method: 'GET', path: `/${index}` }),
      judge: ({ status }) => (status === 200 ? undefined : `HTTP ${status}`),
      target: {
        name: 'ingress',
        close: async () => undefined,
        async send({ path }): Promise<HttpAnswer> {
          await clock.sleep(answerAfterMs(Number(path.slice(1))))
          return { status, headers: {}, body: '' }
        },
      },
    }
  }

  it.each([[2, 100], [5, 40], [20, 10], [60, 5], [5000, 5], [0, 100]])('is at most as heavy as the application bears: at rest %d ms for a request, so %d a second', (meanMs, rate) => {
    expect(calmRate(100, meanMs)).toBe(rate)
    expect(calmRate(3, meanMs)).toBe(3)
  })

  it('measures an answer at rest, without the first ones', async () => {
    const clock = new FakeClock()
    expect(await meanAtRest([route(clock, (index) => (index < 1 ? 500 : 40))], clock)).toBe(40)
  })

  it('is sized within seconds also where nothing answers in time', async () => {
    const clock = new FakeClock()
    const began = clock.now()
    expect(await meanAtRest([route(clock, () => 9_000)], clock)).toBe(9_000)
    expect(clock.now() - began).toBe(9_000)
  })

  it('keeps its rate while the application stalls, and counts the stall for every request in it', async () => {
    const clock = new FakeClock()
    const load = new Load([route(clock, (index) => (index === 10 ? 1000 : 5))], 100, clock)
    await clock.sleep(995)
    const { requests, outside, failures } = await load.finish()
    expect(requests).toBe(100)
    expect(failures).toBe(0)
    expect(outside.p99Ms).toBeLessThan(20)
  })

  it('tells failures of the rollout as they come, and no others', async () => {
    const clock = new FakeClock()
    const told: { requests: number; failures: number }[] = []
    const load = new Load([route(clock, () => 1, 503)], 10, clock, (inside) => told.push({ ...inside }))
    await clock.sleep(450)
    expect(told).toEqual([])
    load.rolloutStarts()
    await clock.sleep(200)
    load.rolloutEnds()
    await clock.sleep(300)
    await load.finish()
    expect(told).toEqual([{ requests: 1, failures: 1 }, { requests: 2, failures: 2 }])
  })

  it('counts wrong answers by their kind', async () => {
    const clock = new FakeClock()
    const load = new Load([route(clock, () => 1, 503)], 10, clock)
    load.rolloutStarts()
    await clock.sleep(950)
    load.rolloutEnds()
    expect(await load.finish()).toMatchObject({ requests: 10, failures: 10, failuresByKind: { 'HTTP 503': 10 }, inside: { failures: 10 } })
  })
})
