import { describe, expect, it } from 'vitest'
import type { Entrances } from '../../../../deploy/src/proof/application.ts'
import { newProber } from '../../../../deploy/src/proof/prober.ts'
import { ClusterError } from '../../../../deploy/src/errors.ts'
import type { HttpAnswer, HttpTarget } from '../../../../deploy/src/cluster/http.ts'
import { isVerified, objections, verify } from '../../../../deploy/src/proof/verify.ts'
import { todoChat } from '../../../../deploy/src/todo-chat.ts'
import { FakeClock } from '../../../fakes/clock.ts'
import { FakeCluster } from '../../../fakes/cluster.ts'
import { NAMESPACE } from '../_release.ts'

const KEY = Buffer.from('a signing key of at least 32 byte')

async function scene(): Promise<{ cluster: FakeCluster; clock: FakeClock; entrances: Entrances }> {
  const clock = new FakeClock()
  const cluster = new FakeCluster(clock)
  return {
    cluster,
    clock,
    entrances: {
      ingress: { ...(await cluster.pod(NAMESPACE, 'ingress-1-1')), name: 'ingress' },
      backend: await cluster.pod(NAMESPACE, 'backend-1-1'),
      frontend: await cluster.pod(NAMESPACE, 'frontend-1-1'),
      mcp: await cluster.pod(NAMESPACE, 'mcp-1-1'),
    },
  }
}

function answer(status: number, body: unknown = {}): HttpAnswer {
  return { status, headers: {}, body: typeof body === 'string' ? body : JSON.stringify(body) }
}

const { questions, tokens } = todoChat.proof
const signal = new AbortController().signal

describe('verify', () => {
  it('asks every question as a user would', async () => {
    const { clock, entrances } = await scene()
    const checks = await verify(clock, questions, entrances, newProber(tokens, KEY, clock.now()), signal)
    expect(checks.map(({ name, result }) => [name, result])).toEqual([
      ['page through the ingress', 'passed'],
      ['page from a pod', 'passed'],
      ['information from a pod', 'passed'],
      ['a task is written, read and removed', 'passed'],
      ['chat adds a task with a tool', 'passed'],
      ['the MCP server lists its tools', 'passed'],
    ])
    expect(isVerified(checks)).toBe(true)
  })

  const WRONG: readonly [name: string, path: string, answer: HttpAnswer, detail: RegExp][] = [
    ['information from a pod', 'pod backend /api/info', answer(200, { agent: 'unreachable' }), /its agent is unreachable/],
    ['information from a pod', 'pod backend /api/info', answer(503, { error: { code: 'shutting_down' } }), /answered HTTP 503 \(shutting_down\), expected 200/],
    ['page from a pod', 'pod frontend /', answer(502), /GET \/ answered HTTP 502/],
    ['the MCP server lists its tools', 'pod mcp /mcp', answer(200, 'event: message\ndata: {"result":{"tools":[{"name":"add_task"}]}}\n'), /the tools are add_task; missing: complete_task, delete_task/],
    ['the MCP server lists its tools', 'pod mcp /mcp', answer(200, 'nonsense'), /answered no JSON/],
  ]

  it.each(WRONG)('%s: a wrong answer at %s fails after 15 s of asking', async (name, path, wrong, detail) => {
    const { cluster, clock, entrances } = await scene()
    cluster.answers.set(path, wrong)
    const checks = await verify(clock, questions, entrances, newProber(tokens, KEY, clock.now()), signal)
    expect(checks.find((check) => check.name === name)).toMatchObject({ result: 'failed', detail: expect.stringMatching(detail) })
    expect(clock.elapsed).toBeGreaterThanOrEqual(14_500)
    expect(clock.elapsed).toBeLessThanOrEqual(15_000)
    expect(isVerified(checks)).toBe(false)
  })

  it('a question that becomes right in time is passed', async () => {
    const { cluster, clock, entrances } = await scene()
    cluster.answers.set('pod frontend /', answer(503))
    const checking = verify(clock, questions, entrances, newProber(tokens, KEY, clock.now()), signal)
    await clock.sleep(3_000)
    cluster.answers.clear()
    expect((await checking).every(({ result }) => result === 'passed')).toBe(true)
  })

  it('a way that the API server does not open says nothing of the application', async () => {
    const { clock, entrances } = await scene()
    const shut = new ClusterError('forbidden', 'Pod mcp-1-1: not allowed to create pods/portforward', { verb: 'create', resource: 'pods/portforward' })
    const mcp: HttpTarget = { name: 'pods of mcp', send: async () => { throw shut }, close: async () => undefined }
    const checks = await verify(clock, questions, { ...entrances, mcp }, newProber(tokens, KEY, clock.now()), signal)
    expect(checks.at(-1)).toMatchObject({ name: 'the MCP server lists its tools', result: 'not asked', detail: 'the way is closed: Pod mcp-1-1: not allowed to create pods/portforward', gap: true })
    expect(isVerified(checks)).toBe(false)
    expect(isVerified(checks, { allowUnasked: true })).toBe(true)
  })

  it('what could not be asked is neither passed nor failed', async () => {
    const { clock, entrances: { backend, frontend } } = await scene()
    const checks = await verify(clock, questions, { ...(backend && { backend }), ...(frontend && { frontend }) }, newProber(tokens, KEY, clock.now()), signal)
    expect(checks.filter(({ result }) => result === 'not asked').map(({ name }) => name)).toEqual(['page through the ingress', 'the MCP server lists its tools'])
    expect(isVerified(checks)).toBe(false)
    expect(isVerified(checks, { allowUnasked: true })).toBe(true)
    expect(isVerified(checks.filter(({ result }) => result === 'not asked'), { allowUnasked: true })).toBe(false)
  })

  it('an ingress that was left out by the person is no gap', async () => {
    const { clock, entrances: { ingress: _ingress, ...entrances } } = await scene()
    const checks = await verify(clock, questions, entrances, newProber(tokens, KEY, clock.now()), signal)
    expect(checks.filter(({ result }) => result === 'not asked')).toEqual([{ name: 'page through the ingress', result: 'not asked', detail: expect.stringMatching(/--ingress-url/), ms: 0 }])
    expect(isVerified(checks)).toBe(true)
  })

  it('without the signing key only public questions are asked, and that verifies nothing', async () => {
    const { clock, entrances } = await scene()
    const checks = await verify(clock, questions, entrances, undefined, signal)
    expect(checks.filter(({ result }) => result === 'passed').map(({ name }) => name)).toEqual(['page through the ingress', 'page from a pod', 'information from a pod'])
    expect(objections(checks)).toContainEqual(expect.stringMatching(/chat adds a task with a tool: could not be asked: the key that signs tokens is not known/))
  })

  it('a question that was answered wrongly before is told, not judged', async () => {
    const { cluster, clock, entrances } = await scene()
    cluster.answers.set('pod frontend /', answer(503))
    const checks = await verify(clock, questions, entrances, newProber(tokens, KEY, clock.now()), signal)
    expect(isVerified(checks, { known: new Set(['page from a pod']) })).toBe(true)
    expect(isVerified(checks, { known: new Set(['another question']) })).toBe(false)
  })
})
