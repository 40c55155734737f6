/** A cluster that goes away ends the run soon. */
import { describe, expect, it, vi } from 'vitest'
import { DeployError } from '../../../deploy/src/errors.ts'
import { watchCluster } from '../../conformance/world.ts'

/** From the death of a node to the end of its run; half of it is left for what is under way. In ms. */
const TOLD_WITHIN = 20_000

describe('the watch over the cluster', () => {

  it('is silent while the cluster answers', async () => {
    const { signal, stop } = watchCluster({ version: async () => 'v1.36.1' })
    await stop()
    expect(signal.aborted).toBe(false)
  })

  it('tells a cluster that refuses, with the reason', async () => {
    const { signal, stop } = watchCluster({ version: () => Promise.reject(new Error('ECONNREFUSED')) })
    await vi.waitFor(() => expect(signal.aborted).toBe(true))
    expect(signal.reason).toBeInstanceOf(DeployError)
    expect((signal.reason as Error).message).toBe('the cluster is lost: ECONNREFUSED')
    await stop()
  })

  it('tells a cluster that is silent', async () => {
    const started = performance.now()
    const { signal, stop } = watchCluster({ version: () => new Promise(() => undefined) })
    await vi.waitFor(() => expect(signal.aborted).toBe(true), { timeout: TOLD_WITHIN, interval: 100 })
    expect((signal.reason as Error).message).toMatch(/silent for 12 s/)
    expect(performance.now() - started).toBeLessThan(TOLD_WITHIN)
    await stop()
  })
})
