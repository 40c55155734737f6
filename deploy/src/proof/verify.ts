/** Questions to the running application after readiness, asked as its users ask. Knows nothing of rollouts. */
import { type Clock, poll } from '../_poll.ts'
import { type Entrances, type Prober, tasksPath } from './application.ts'
import { failureKind } from './availability.ts'
import { ClusterError } from '../errors.ts'
import type { HttpAnswer, HttpRequest, HttpTarget } from '../cluster/http.ts'

/** The answer to one question. */
export interface Check {
  name: string
  /** `not asked` says why in `detail`; it is never counted as passed. */
  result: 'passed' | 'failed' | 'not asked'
  detail: string
  ms: number
  /** Of a question that was not asked although its way in was not left out by a person: nothing is known. */
  gap?: true
}

const REQUEST_TIMEOUT = 10_000
/** A chat turn may call a model. */
const CHAT_TIMEOUT = 60_000
/** An ingress controller takes a moment to follow new endpoints, so a question is repeated for so long. In ms. */
const PATIENCE = 15_000
const INTERVAL = 500

/** Tools of every release. A younger one may have more, and a rollback leads to one that has fewer. */
const TOOLS = ['add_task', 'complete_task', 'delete_task', 'list_tasks', 'update_task']

interface Identity {
  user: string
  headers: Record<string, string>
}

interface Question {
  name: string
  /** Answered without an identity. */
  isPublic?: true
  /** The way in, or why there is none. */
  target(entrances: Entrances): HttpTarget | string
  /**
   * @returns what was seen, for the report
   * @throws Wrong when the answer is not right
   */
  ask(target: HttpTarget, identity: Identity): Promise<string>
}

/** An answer that is not right: asked again until the patience is over. */
class Wrong extends Error {}

async function json(target: HttpTarget, request: HttpRequest, status: number, timeoutMs = REQUEST_TIMEOUT): Promise<unknown> {
  const answer = await target.send(request, timeoutMs)
  expectStatus(request, answer, status)
  return parse(request, answer.body)
}

function expectStatus({ method, path }: HttpRequest, { status, body }: HttpAnswer, expected: number): void {
  if (status === expected) return
  const code = /"code":\s*"([a-z_]+)"/.exec(body)?.[1]
  throw new Wrong(`${method} ${path} answered HTTP ${status}${code === undefined ? '' : ` (${code})`}, expected ${expected}`)
}

function parse({ method, path }: HttpRequest, body: string): unknown {
  try {
    return JSON.parse(body) as unknown
  } catch {
    throw new Wrong(`${method} ${path} answered no JSON`)
  }
}

const NO_INGRESS = 'the address of the ingress was not given (--ingress-url)'

const NO_KEY = 'the key that signs tokens is not known: no Secret of the release holds it, or it may not be read'

const QUESTIONS: readonly Question[] = [
  {
    name: 'page through the ingress',
    isPublic: true,
    target: ({ ingress }) => ingress ?? NO_INGRESS,
    async ask(target) {
      const request: HttpRequest = { method: 'GET', path: '/' }
      const answer = await target.send(request, REQUEST_TIMEOUT)
      expectStatus(request, answer, 200)
      if (!/<html/i.test(answer.body)) throw new Wrong('GET / answered no HTML page')
      return `${answer.body.length} bytes of HTML`
    },
  },
  {
    name: 'page from a pod',
    isPublic: true,
    target: ({ frontend }) => frontend ?? 'no pod of the frontend is ready',
    async ask(target) {
      const request: HttpRequest = { method: 'GET', path: '/' }
      expectStatus(request, await target.send(request, REQUEST_TIMEOUT), 200)
      return 'HTTP 200'
    },
  },
  {
    name: 'information from a pod',
    isPublic: true,
    target: ({ backend }) => backend ?? 'no pod of the backend is ready',
    async ask(target) {
      const info = (await json(target, { method: 'GET', path: '/api/info' }, 200)) as { version?: string; environment?: string; agent?: string; model?: { name?: string } | null }
      if (info.agent !== 'reachable') throw new Wrong(`the backend says that its agent is ${info.agent ?? 'unknown'}`)
      return `version ${info.version}, ${info.environment}, ${info.model?.name ?? 'no model'}`
    },
  },
  {
    name: 'a task is written, read and removed',
    target: ({ ingress, backend }) => ingress ?? backend ?? 'neither the ingress nor a backend pod can be reached',
    async ask(target, { user, headers }) {
      const path = tasksPath(user)
      const made = (await json(target, { method: 'POST', path, headers, body: JSON.stringify({ title: 'deploy check' }) }, 201)) as { id: number }
      const read = (await json(target, { method: 'GET', path: `${path}/${made.id}`, headers }, 200)) as { title?: string }
      if (read.title !== 'deploy check') throw new Wrong('the task that was read is not the task that was written')
      const gone: HttpRequest = { method: 'DELETE', path: `${path}/${made.id}`, headers }
      expectStatus(gone, await target.send(gone, REQUEST_TIMEOUT), 204)
      return `task ${made.id}`
    },
  },
  {
    name: 'chat adds a task with a tool',
    target: ({ ingress, backend }) => ingress ?? backend ?? 'neither the ingress nor a backend pod can be reached',
    async ask(target, { user, headers }) {
      const request: HttpRequest = { method: 'POST', path: `/api/${user}/chat`, headers, body: JSON.stringify({ message: 'add deploy check' }) }
      const turn = (await json(target, request, 200, CHAT_TIMEOUT)) as { tool_calls?: { name: string; ok: boolean }[] }
      if (!turn.tool_calls?.some(({ name, ok }) => name === 'add_task' && ok)) throw new Wrong('the chat answered without a successful add_task')
      const tasks = (await json(target, { method: 'GET', path: tasksPath(user), headers }, 200)) as { id: number }[]
      if (tasks.length === 0) throw new Wrong('the task that chat added is not in the list')
      for (const { id } of tasks) await target.send({ method: 'DELETE', path: `${tasksPath(user)}/${id}`, headers }, REQUEST_TIMEOUT)
      return turn.tool_calls.map(({ name }) => name).join(', ')
    },
  },
  {
    name: 'the MCP server lists its tools',
    target: ({ mcp }) => mcp ?? 'no MCP pod can be reached',
    async ask(target, { headers }) {
      const names = await listTools(target, headers)
      const missing = TOOLS.filter((name) => !names.includes(name))
      if (missing.length > 0) throw new Wrong(`the tools are ${names.join(', ') || 'none'}; missing: ${missing.join(', ')}`)
      return names.join(', ')
    },
  },
]

/** `tools/list` of the Model Context Protocol over streamable HTTP, stateless: https://modelcontextprotocol.io/specification */
async function listTools(target: HttpTarget, headers: Record<string, string>): Promise<string[]> {
  const request: HttpRequest = {
    method: 'POST',
    path: '/mcp',
    headers: { ...headers, host: 'mcp:8002', accept: 'application/json, text/event-stream', 'mcp-protocol-version': '2025-06-18' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} }),
  }
  const answer = await target.send(request, REQUEST_TIMEOUT)
  expectStatus(request, answer, 200)
  const data = /^data: ?(.*)$/m.exec(answer.body)?.[1] ?? answer.body
  const { result } = parse(request, data) as { result?: { tools?: { name: string }[] } }
  return (result?.tools ?? []).map(({ name }) => name).sort()
}

/**
 * Asks all questions at once, each until it is answered right or the patience is over.
 * @param prober absent when the signing key is not known: then only public questions are asked
 * @param patienceMs how long a question is repeated. @default 15_000
 * @returns one check per question, in a fixed order
 */
export async function verify(clock: Clock, entrances: Entrances, prober: Prober | undefined, signal: AbortSignal, patienceMs: number = PATIENCE): Promise<Check[]> {
  return Promise.all(
    QUESTIONS.map(async ({ name, isPublic, target, ask }, index): Promise<Check> => {
      const way = target(entrances)
      if (way === NO_INGRESS) return { name, result: 'not asked', detail: way, ms: 0 }
      if (typeof way === 'string') return { name, result: 'not asked', detail: way, ms: 0, gap: true }
      if (prober === undefined && isPublic !== true) return { name, result: 'not asked', detail: NO_KEY, ms: 0, gap: true }
      const started = clock.now()
      // A user of its own for each question: none sees the tasks of another.
      const identity: Identity = { user: prober?.user(index) ?? '', headers: prober?.headers(index) ?? {} }
      let wrong = ''
      let closed = false
      const detail = await poll(clock, { intervalMs: INTERVAL, timeoutMs: patienceMs, signal }, async () => {
        try {
          return await ask(way, identity)
        } catch (error) {
          // The API server did not open the way: that says nothing of the application.
          closed = error instanceof ClusterError && error.resource === 'pods/portforward'
          wrong = error instanceof Wrong || error instanceof ClusterError ? error.message : `no answer from ${way.name}: ${failureKind(error)}`
          return undefined
        }
      })
      const ms = clock.now() - started
      if (detail !== undefined) return { name, result: 'passed', detail, ms }
      return closed ? { name, result: 'not asked', detail: `the way is closed: ${wrong}`, ms, gap: true } : { name, result: 'failed', detail: wrong, ms }
    }),
  )
}

export interface VerdictOptions {
  /** Count what could not be asked as no fault. */
  allowUnasked?: boolean
  /** Names of questions that were answered wrongly before this run: told, not judged. */
  known?: ReadonlySet<string>
}

/** What speaks against a release: wrong answers, and questions that could not be asked. A person who gives no ingress has chosen not to ask. */
export function objections(checks: readonly Check[], { allowUnasked = false, known }: VerdictOptions = {}): string[] {
  const wrong = checks.filter(({ name, result, gap }) => (result === 'failed' || (gap === true && !allowUnasked)) && !known?.has(name))
  const lines = wrong.map(({ name, result, detail }) => (result === 'failed' ? `${name}: ${detail}` : `${name}: could not be asked: ${detail}`))
  return lines.length > 0 || checks.some(({ name, result }) => result === 'passed' || known?.has(name)) ? lines : ['no question could be asked']
}

/** True when every question that there is a way for was asked and answered right, and at least one was. */
export function isVerified(checks: readonly Check[], options: VerdictOptions = {}): boolean {
  return objections(checks, options).length === 0
}
