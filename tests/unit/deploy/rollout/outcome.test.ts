import { describe, expect, it } from 'vitest'
import { mayGoOn } from '../../../../deploy/src/rollout/outcome.ts'

describe('the next wave', () => {
  const counts = { desired: 2, updated: 2, ready: 2, old: 0, restarts: 0 }
  it.each([
    ['starts after a current workload', { state: 'current', reason: 'Available', counts: { ...counts, old: 1 } }, true],
    ['starts when every pod is ready and there is no old one, before they count as available', { state: 'progressing', reason: 'NotAvailable', counts }, true],
    ['waits for the old pods that go when the new ones are available', { state: 'progressing', reason: 'NotAvailable', counts: { ...counts, old: 1 } }, false],
    ['waits for a pod that is not ready', { state: 'progressing', reason: 'NotAvailable', counts: { ...counts, ready: 1 } }, false],
    ['waits for a controller that has not seen the change: its pods are the old ones', { state: 'progressing', reason: 'NotObserved', counts }, false],
    ['waits for the end of a Job, whose pod is ready while it runs', { state: 'progressing', reason: 'Running', counts }, false],
    ['waits for an object without pods', { state: 'progressing', reason: 'NotAble' }, false],
    ['does not start after a doomed workload', { state: 'doomed', reason: 'OOMKilled', counts }, false],
  ] as const)('%s', (_name, row, expected) => {
    expect(mayGoOn(row)).toBe(expected)
  })
})
