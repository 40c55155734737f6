/** How a requirement becomes an outcome: never green unless it was asked and kept. */
import { describe, expect, it } from 'vitest'
import { MET, missing } from '../../conformance/needs.ts'
import { type Evidence, type Requirement, Violation, demand, demandNone } from '../../conformance/requirement.ts'
import { runRequirement } from '../../conformance/run.ts'
import type { World } from '../../conformance/world.ts'

/** A requirement of these tests that hangs never ends. */
const SOON = { timedOut: 30, interrupted: 10 }

function worldWith(parts: Partial<World> = {}): World {
  const cluster = { list: async () => [], get: async () => undefined }
  return {
    cluster,
    namespace: 'todo-chat-dev',
    signal: new AbortController().signal,
    stop: () => undefined,
    disturbed: { at: undefined },
    facts: { application: MET, ingress: MET, metrics: MET, 'probe image': MET, render: MET },
    ...parts,
  } as unknown as World
}

function requirement(run: (world: World) => Promise<Evidence>, parts: Partial<Requirement> = {}): Requirement {
  return { id: 'CONF-999', ring: 'behaviour', title: 'a title', must: 'It MUST.', why: 'because', source: 'design.md', needs: [], lane: 'shared', timeoutMs: 1_000, run, ...parts }
}

describe('a requirement', () => {
  it('passes with its evidence when it is kept', async () => {
    expect(await runRequirement(requirement(async () => ({ summary: 'seen' })), worldWith())).toMatchObject({ outcome: 'passed', evidence: { summary: 'seen' } })
  })

  it('fails with message, evidence and diagnosis when it is violated', async () => {
    const evidence = { summary: 'figures' }
    const outcome = await runRequirement(requirement(() => Promise.reject(new Violation('not kept', evidence))), worldWith())
    expect(outcome).toMatchObject({ outcome: 'failed', message: 'not kept', evidence })
    expect(outcome).toHaveProperty('diagnosis', expect.stringContaining('pods:'))
  })

  it('fails when it throws anything else', async () => {
    expect(await runRequirement(requirement(() => Promise.reject(new TypeError('a fault of the suite'))), worldWith())).toMatchObject({ outcome: 'failed', message: 'TypeError: a fault of the suite' })
  })

  it('is unmet, and its question is not asked, when a need is missing', async () => {
    let asked = false
    const outcome = await runRequirement(
      requirement(async () => ((asked = true), { summary: '' }), { needs: ['metrics'] }),
      worldWith({ facts: { application: MET, ingress: MET, metrics: missing('no figures'), 'probe image': MET, render: MET } }),
    )
    expect(outcome).toMatchObject({ outcome: 'unmet', reasons: ['the metrics API gives figures of pods: no, no figures'] })
    expect(asked).toBe(false)
  })

  it('fails when its time is over, even when it never answers', async () => {
    expect(await runRequirement(requirement(() => new Promise(() => undefined), { timeoutMs: 20 }), worldWith(), SOON)).toMatchObject({ outcome: 'failed', message: expect.stringContaining('not answered within 0.02 s') })
  })

  it('that ran out of time has put back what it changed before it is answered for', async () => {
    let cluster = 'as it was'
    const slowToLeave = requirement(
      async ({ signal }) => {
        cluster = 'changed'
        try {
          await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
          return { summary: '' }
        } finally {
          await new Promise((resolve) => setTimeout(resolve, 50))
          cluster = 'as it was'
        }
      },
      { timeoutMs: 20 },
    )
    const stopped: Error[] = []
    expect(await runRequirement(slowToLeave, worldWith({ stop: (reason) => void stopped.push(reason) }))).toMatchObject({ outcome: 'failed' })
    expect(cluster).toBe('as it was')
    expect(stopped).toEqual([])
  })

  it('that does not end stops the run: nothing is asked of a cluster that still changes', async () => {
    const stop = new AbortController()
    const world = worldWith({ signal: stop.signal, stop: (reason) => stop.abort(reason) })
    await runRequirement(requirement(() => new Promise(() => undefined), { timeoutMs: 20 }), world, SOON)
    const next = await runRequirement(requirement(async () => ({ summary: '' })), world)
    expect(next).toMatchObject({ outcome: 'unmet', reasons: [expect.stringContaining('CONF-999 was cut off and did not end within 0.03 s')] })
  })

  it('that runs alone leaves the moment of its end, kept or not; one that runs beside others leaves none', async () => {
    const world = worldWith()
    await runRequirement(requirement(async () => ({ summary: '' })), world)
    expect(world.disturbed.at).toBeUndefined()
    await runRequirement(requirement(() => Promise.reject(new Violation('not kept')), { lane: 'alone' }), world)
    expect(world.disturbed.at).toBeGreaterThan(0)
  })

  it('is unmet when the cluster was lost before it', async () => {
    const lost = AbortSignal.abort(new Error('the cluster is lost'))
    expect(await runRequirement(requirement(async () => ({ summary: '' })), worldWith({ signal: lost }))).toMatchObject({ outcome: 'unmet', reasons: ['Error: the cluster is lost'] })
  })

  it('fails at once when the cluster is lost meanwhile', async () => {
    const lost = new AbortController()
    const running = runRequirement(requirement(() => new Promise(() => undefined), { timeoutMs: 60_000 }), worldWith({ signal: lost.signal }), SOON)
    lost.abort(new Error('the cluster is lost'))
    expect(await running).toMatchObject({ outcome: 'failed', message: 'Error: the cluster is lost' })
  })

  it('has a diagnosis even when the cluster cannot be asked', async () => {
    const cluster = { list: () => Promise.reject(new Error('no route to host')) } as unknown as World['cluster']
    expect(await runRequirement(requirement(() => Promise.reject(new Violation('not kept'))), worldWith({ cluster }))).toMatchObject({ diagnosis: 'no diagnosis: no route to host' })
  })
})

describe('demands', () => {
  it('throw with the message only when they are not met', () => {
    expect(() => demand(true, 'never')).not.toThrow()
    expect(() => demand(false, () => 'built late')).toThrow('built late')
    expect(() => demandNone([], 'never')).not.toThrow()
    expect(() => demandNone(['one', 'two'], 'faults')).toThrow('faults: one; two')
  })
})
