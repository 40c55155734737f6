/** The application as its users reach it, with identities of this run. */
import { randomBytes } from 'node:crypto'
import type { HttpAnswer, HttpRequest, HttpTarget } from '../../deploy/src/cluster/http.ts'
import { signToken } from '../../deploy/src/proof/token.ts'
import { todoChat } from '../../deploy/src/todo-chat.ts'
import { demand } from './requirement.ts'
import { TIMEOUTS } from './timeouts.ts'

export interface User {
  id: string
  token: string
}

export interface Task {
  id: number
  user_id: string
  title: string
  description: string
  completed: boolean
}

export interface ToolCall {
  id: string
  name: string
  arguments: Record<string, unknown>
  ok: boolean
  result: unknown
}

export interface Turn {
  conversation_id: number
  response: string
  tool_calls: ToolCall[]
  idempotency_key: string
}

export interface Reply<Body = unknown> {
  status: number
  headers: HttpAnswer['headers']
  body: Body
}

export class Application {
  readonly target: HttpTarget
  readonly #key: () => Promise<Buffer>

  /** @param key the signing key as it is in the cluster now */
  constructor(target: HttpTarget, key: () => Promise<Buffer>) {
    this.target = target
    this.#key = key
  }

  /** A user that nobody else is. */
  async user(name: string): Promise<User> {
    const id = `conf-${name}-${randomBytes(4).toString('hex')}`
    return { id, token: signToken(todoChat.proof.tokens, await this.#key(), id, Date.now()) }
  }

  /** One request; JSON bodies are parsed. @throws the transport's error when no answer came */
  async send<Body = unknown>(method: HttpRequest['method'], path: string, options: { user?: User | undefined; token?: string; body?: unknown; headers?: Record<string, string>; timeoutMs?: number } = {}): Promise<Reply<Body>> {
    const token = options.token ?? options.user?.token
    const headers = {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...options.headers,
    }
    const body = options.body === undefined ? {} : { body: typeof options.body === 'string' ? options.body : JSON.stringify(options.body) }
    const answer = await this.target.send({ method, path, headers, ...body }, options.timeoutMs ?? TIMEOUTS.request)
    return { status: answer.status, headers: answer.headers, body: parsed(answer) as Body }
  }

  /** One request that must be answered with `status`. @throws Violation */
  async expect<Body = unknown>(status: number, method: HttpRequest['method'], path: string, options: Parameters<Application['send']>[2] = {}): Promise<Body> {
    const reply = await this.send<Body>(method, path, options)
    demand(reply.status === status, () => `${method} ${path} answered HTTP ${reply.status} instead of ${status}: ${JSON.stringify(reply.body).slice(0, 300)}`)
    return reply.body
  }

  chat(user: User, message: string, conversation?: number): Promise<Turn> {
    return this.expect<Turn>(200, 'POST', `/api/${user.id}/chat`, {
      user,
      body: { message, ...(conversation === undefined ? {} : { conversation_id: conversation }) },
      timeoutMs: TIMEOUTS.chat,
    })
  }

  tasks(user: User, status = 'all'): Promise<Task[]> {
    return this.expect<Task[]>(200, 'GET', `/api/${user.id}/tasks?status=${status}`, { user })
  }
}

function parsed({ headers, body }: HttpAnswer): unknown {
  if (!String(headers['content-type']).includes('json')) return body
  try {
    return JSON.parse(body) as unknown
  } catch {
    return body
  }
}
