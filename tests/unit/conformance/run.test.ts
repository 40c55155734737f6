/** How a requirement becomes an outcome: never green unless it was asked and kept. */
import { describe, expect, it } from 'vitest'
import { MET, missing } from '../../conformance/needs.ts'
import { type Evidence, type Requirement, Violation, demand, demandNone } from '../../conformance/requirement.ts'
import { runRequirement } from '../../conformance/run.ts'
import type { World } from '../../conformance/world.ts'

function worldWith(parts: Partial<World> = {}): World {
  const cluster = { list: async () => [], get: async () => undefined }
  return {
    cluster,
    namespace: 'todo-chat-dev',
    signal: new AbortController().signal,
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
    expect(await runRequirement(requirement(() => new Promise(() => undefined), { timeoutMs: 20 }), worldWith())).toMatchObject({ outcome: 'failed', message: expect.stringContaining('not answered within 0.02 s') })
  })

  it('is unmet when the cluster was lost before it', async () => {
    const lost = AbortSignal.abort(new Error('the cluster is lost'))
    expect(await runRequirement(requirement(async () => ({ summary: '' })), worldWith({ signal: lost }))).toMatchObject({ outcome: 'unmet', reasons: ['Error: the cluster is lost'] })
  })

  it('fails at once when the cluster is lost meanwhile', async () => {
    const lost = new AbortController()
    const running = runRequirement(requirement(() => new Promise(() => undefined), { timeoutMs: 60_000 }), worldWith({ signal: lost.signal }))
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
