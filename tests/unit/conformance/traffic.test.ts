import { describe, expect, it } from 'vitest'
import type { Availability } from '../../../deploy/src/proof/availability.ts'
import { demandNoFailure, dueRequests, sizedRate } from '../../conformance/traffic.ts'

describe('the load', () => {
  it.each([
    [1, 20],
    [15, 20],
    [20, 15],
    [30, 10],
    [60, 5],
    [500, 5],
  ])('of an application that takes %d ms for a request is %d requests a second', (meanMs, rate) => {
    expect(sizedRate(meanMs)).toBe(rate)
  })
})

/** A load at 5 a second over `lasted` seconds, of which `sent` requests were sent. */
function figures(lasted: number, sent: number, parts: Partial<Availability> = {}): Availability {
  const none = { requests: 0, failures: 0, p50Ms: 0, p99Ms: 0 }
  const seconds = Array.from({ length: lasted }, (_, index) => ({ at: index * 1000, requests: sent / lasted, failures: 0 }))
  return { rate: 5, requests: sent, failures: 0, failuresByKind: {}, longestOutageMs: 0, inside: none, outside: none, routes: [], seconds, ...parts }
}

describe('a load says something', () => {
  it('by what was due in its time, not by a fixed number: a slow machine with a fast recovery sends few', () => {
    expect(dueRequests(figures(12, 60))).toBe(50)
    expect(() => demandNoFailure(figures(12, 60), 'a change')).not.toThrow()
  })

  it.each([
    ['when it fell far behind', figures(12, 30), 'only 30 requests were sent of the 50 that were due'],
    ['when it hardly ran', figures(2, 10), 'less than three seconds'],
    ['when it was not sent at all', figures(0, 0), 'less than three seconds'],
    ['when requests were counted and not sent', figures(12, 60, { failuresByKind: { 'not sent: too many requests under way': 30 } }), 'only 30 requests were sent'],
    ['when one of it failed', figures(12, 60, { failures: 1, routes: [{ route: 'chat', target: 'ingress', requests: 6, failures: 1, p50Ms: 90, p99Ms: 5030.4 }, { route: 'page', target: 'ingress', requests: 54, failures: 0, p50Ms: 3, p99Ms: 9 }] }), /1 failed.*; in chat 1 of 6, p99 5030 ms$/],
  ])('not %s', (_, load, message) => expect(() => demandNoFailure(load, 'a change')).toThrow(message))
})
