import { describe, expect, it } from 'vitest'
import { type ProgressEvent, type WorkloadRow, changePrinter, progressLines } from '../../../../deploy/src/rollout/progress.ts'
import { FakeClock } from '../../../fakes/clock.ts'

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
