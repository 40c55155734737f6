import { describe, expect, it } from 'vitest'
import { appliedFrom } from '../../../../deploy/src/rollout/rollout.ts'
import { newTimeline } from '../../../../deploy/src/rollout/run.ts'
import { watchSettled } from '../../../../deploy/src/rollout/settle.ts'
import { START } from '../../../fakes/clock.ts'
import { NAMESPACE, Scene, release } from '../_release.ts'

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
