import { describe, expect, it } from 'vitest'
import type { ProgressEvent, WorkloadRow } from '../../../../deploy/src/rollout/progress.ts'
import { progressLines } from '../../../../deploy/src/rollout/progress.ts'
import { appliedFrom } from '../../../../deploy/src/rollout/rollout.ts'
import { newTimeline } from '../../../../deploy/src/rollout/run.ts'
import { changePrinter, mayGoOn, watchSettled } from '../../../../deploy/src/rollout/watch.ts'
import { FakeClock, START } from '../../../fakes/clock.ts'
import { NAMESPACE, Scene, release } from '../_release.ts'

function row(message: string, state: WorkloadRow['state'] = 'progressing'): WorkloadRow {
  return { ref: { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'ns', name: 'backend' }, state, reason: 'x', message, ageMs: 0 }
}

describe('progress', () => {
  it('tells what changed, and what is not done again every 30 s', async () => {
    const clock = new FakeClock()
    const told: string[] = []
    const print = changePrinter({ clock, progress: () => told.push(`${clock.elapsed / 1000} s`) })
    for (let second = 0; second <= 65; second += 1) {
      print([row(second < 10 ? 'starting' : 'waiting')])
      await clock.sleep(1_000)
    }
    expect(told).toEqual(['0 s', '10 s', '30 s', '60 s'])
  })

  it('is not reminded of what is done', async () => {
    const clock = new FakeClock()
    const told: ProgressEvent[] = []
    const print = changePrinter({ clock, progress: (event: ProgressEvent) => told.push(event) })
    for (let second = 0; second <= 65; second += 1) {
      print([row('ready', 'current')])
      await clock.sleep(1_000)
    }
    expect(told).toHaveLength(1)
  })

  it('is one line per workload: new, ready and old pods, age, message, last event', () => {
    const rows = [{ ...row('1 of 2 pods are available'), ageMs: 12_300, counts: { desired: 2, updated: 2, ready: 1, old: 1, restarts: 1 }, lastEvent: 'Pulled: image pulled' }]
    expect(progressLines({ type: 'workloads', rows })).toEqual(['  … Deployment backend        new 2/2  ready 1  old 1  restarts 1   12.3 s  1 of 2 pods are available  · Pulled: image pulled'])
  })
})

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

describe('the soak time', () => {
  it.each([
    ['runs from when the last new pod was ready', 4_000, 6_000],
    ['runs from the start of the watch when no pod was seen ready', undefined, 10_000],
    ['is over at once when the pods have been ready for so long', 30_000, 0],
  ])('%s', async (_name, readyForMs, expected) => {
    const scene = new Scene()
    await scene.deploy(release())
    const { clock, cluster } = scene
    const applied = [...appliedFrom(await cluster.list({ apiVersion: 'apps/v1', kind: 'Deployment' }, NAMESPACE), clock.now()).values()]
    const { interrupt: signal, progress } = scene.context()
    const started = clock.now()
    const gone: number[] = []
    const restarted = { look: () => undefined, lastReadyAt: () => (readyForMs === undefined ? undefined : started - readyForMs) }
    const outcome = await watchSettled({ cluster, clock, namespace: NAMESPACE, progress, signal, timeline: newTimeline() }, applied, { soakMs: 10_000, timeoutMs: 60_000, onOldPodsGone: () => gone.push(clock.now() - started) }, restarted)
    expect(outcome).toEqual({ outcome: 'settled' })
    expect(clock.now() - started).toBe(expected)
    expect(gone).toEqual([0])
    expect(started).toBeGreaterThan(START)
  })
})
