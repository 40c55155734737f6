import { describe, expect, it } from 'vitest'
import { type Entrances, newProber } from '../../../deploy/src/application.ts'
import type { HttpAnswer } from '../../../deploy/src/http.ts'
import { isVerified, objections, verify } from '../../../deploy/src/verify.ts'
import { FakeClock } from '../../fakes/clock.ts'
import { FakeCluster } from '../../fakes/cluster.ts'
import { NAMESPACE } from './_release.ts'

const KEY = Buffer.from('a signing key of at least 32 byte')

async function scene(): Promise<{ cluster: FakeCluster; clock: FakeClock; entrances: Entrances }> {
  const clock = new FakeClock()
  const cluster = new FakeCluster(clock)
  return {
    cluster,
    clock,
    entrances: {
      ingress: { ...cluster.service(NAMESPACE, 'ingress'), name: 'ingress' },
      backendService: cluster.service(NAMESPACE, 'backend'),
      frontendService: cluster.service(NAMESPACE, 'frontend'),
      mcpPod: await cluster.pod(NAMESPACE, 'mcp-1-1'),
    },
  }
}

function answer(status: number, body: unknown = {}): HttpAnswer {
  return { status, headers: {}, body: typeof body === 'string' ? body : JSON.stringify(body) }
}

const signal = new AbortController().signal

describe('verify', () => {
  it('asks every question as a user would', async () => {
    const { clock, entrances } = await scene()
    const checks = await verify(clock, entrances, newProber(KEY, clock.now()), signal)
    expect(checks.map(({ name, result }) => [name, result])).toEqual([
      ['page through the ingress', 'passed'],
      ['page through the Service', 'passed'],
      ['information through the Service', 'passed'],
      ['a task is written, read and removed', 'passed'],
      ['chat adds a task with a tool', 'passed'],
      ['the MCP server lists its tools', 'passed'],
    ])
    expect(isVerified(checks)).toBe(true)
  })

  const WRONG: readonly [name: string, path: string, answer: HttpAnswer, detail: RegExp][] = [
    ['information through the Service', 'service backend /api/info', answer(200, { agent: 'unreachable' }), /its agent is unreachable/],
    ['information through the Service', 'service backend /api/info', answer(503, { error: { code: 'shutting_down' } }), /answered HTTP 503 \(shutting_down\), expected 200/],
    ['page through the Service', 'service frontend /', answer(502), /GET \/ answered HTTP 502/],
    ['the MCP server lists its tools', 'pod mcp /mcp', answer(200, 'event: message\ndata: {"result":{"tools":[{"name":"add_task"}]}}\n'), /the tools are add_task, expected/],
    ['the MCP server lists its tools', 'pod mcp /mcp', answer(200, 'nonsense'), /answered no JSON/],
  ]

  it.each(WRONG)('%s: a wrong answer at %s fails after 15 s of asking', async (name, path, wrong, detail) => {
    const { cluster, clock, entrances } = await scene()
    cluster.answers.set(path, wrong)
    const checks = await verify(clock, entrances, newProber(KEY, clock.now()), signal)
    expect(checks.find((check) => check.name === name)).toMatchObject({ result: 'failed', detail: expect.stringMatching(detail) })
    expect(clock.elapsed).toBeGreaterThanOrEqual(14_500)
    expect(clock.elapsed).toBeLessThanOrEqual(15_000)
    expect(isVerified(checks)).toBe(false)
  })

  it('a question that becomes right in time is passed', async () => {
    const { cluster, clock, entrances } = await scene()
    cluster.answers.set('service frontend /', answer(503))
    const checking = verify(clock, entrances, newProber(KEY, clock.now()), signal)
    await clock.sleep(3_000)
    cluster.answers.clear()
    expect((await checking).every(({ result }) => result === 'passed')).toBe(true)
  })

  it('what could not be asked is neither passed nor failed', async () => {
    const { clock, entrances: { backendService, frontendService } } = await scene()
    const checks = await verify(clock, { backendService, frontendService }, newProber(KEY, clock.now()), signal)
    expect(checks.filter(({ result }) => result === 'not asked').map(({ name }) => name)).toEqual(['page through the ingress', 'a task is written, read and removed', 'chat adds a task with a tool', 'the MCP server lists its tools'])
    expect(isVerified(checks)).toBe(false)
    expect(isVerified(checks, { allowUnasked: true })).toBe(true)
    expect(isVerified(checks.filter(({ result }) => result === 'not asked'), { allowUnasked: true })).toBe(false)
  })

  it('an ingress that was left out by the person is no gap', async () => {
    const { clock, cluster, entrances: { ingress: _ingress, ...entrances } } = await scene()
    const backendPod = await cluster.pod('ns', 'backend-x-1')
    const checks = await verify(clock, { ...entrances, backendPod }, newProber(KEY, clock.now()), signal)
    expect(checks.filter(({ result }) => result === 'not asked')).toEqual([{ name: 'page through the ingress', result: 'not asked', detail: expect.stringMatching(/--ingress-url/), ms: 0 }])
    expect(isVerified(checks)).toBe(true)
  })

  it('without the signing key only public questions are asked, and that verifies nothing', async () => {
    const { clock, entrances } = await scene()
    const checks = await verify(clock, entrances, undefined, signal)
    expect(checks.filter(({ result }) => result === 'passed').map(({ name }) => name)).toEqual(['page through the ingress', 'page through the Service', 'information through the Service'])
    expect(objections(checks)).toContainEqual(expect.stringMatching(/chat adds a task with a tool: could not be asked: the key that signs tokens is not known/))
  })

  it('a question that was answered wrongly before is told, not judged', async () => {
    const { cluster, clock, entrances } = await scene()
    cluster.answers.set('service frontend /', answer(503))
    const checks = await verify(clock, entrances, newProber(KEY, clock.now()), signal)
    expect(isVerified(checks, { known: new Set(['page through the Service']) })).toBe(true)
    expect(isVerified(checks, { known: new Set(['another question']) })).toBe(false)
  })
})
