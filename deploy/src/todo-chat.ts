/** todo-chat: all that the deployer knows of the application. Another application is another file like this one. */
import type { HttpRequest, HttpTarget } from './cluster/http.ts'
import type { Proof, Question } from './proof/application.ts'
import { NO_INGRESS, REQUEST_TIMEOUT, Wrong, askJson, expectStatus, parseJson } from './proof/ask.ts'
import type { Application } from './session.ts'

/** A chat turn may call a model. */
const CHAT_TIMEOUT = 60_000

/** Tools of every release. A younger one may have more, and a rollback leads to one that has fewer. */
const TOOLS = ['add_task', 'complete_task', 'delete_task', 'list_tasks', 'update_task']

function tasksPath(user: string): string {
  return `/api/${user}/tasks`
}

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
  const { result } = parseJson(request, data) as { result?: { tools?: { name: string }[] } }
  return (result?.tools ?? []).map(({ name }) => name).sort()
}

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
      const info = (await askJson(target, { method: 'GET', path: '/api/info' }, 200)) as { version?: string; environment?: string; agent?: string; model?: { name?: string } | null }
      if (info.agent !== 'reachable') throw new Wrong(`the backend says that its agent is ${info.agent ?? 'unknown'}`)
      return `version ${info.version}, ${info.environment}, ${info.model?.name ?? 'no model'}`
    },
  },
  {
    name: 'a task is written, read and removed',
    target: ({ ingress, backend }) => ingress ?? backend ?? 'neither the ingress nor a backend pod can be reached',
    async ask(target, { user, headers }) {
      const path = tasksPath(user)
      const made = (await askJson(target, { method: 'POST', path, headers, body: JSON.stringify({ title: 'deploy check' }) }, 201)) as { id: number }
      const read = (await askJson(target, { method: 'GET', path: `${path}/${made.id}`, headers }, 200)) as { title?: string }
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
      const turn = (await askJson(target, request, 200, CHAT_TIMEOUT)) as { tool_calls?: { name: string; ok: boolean }[] }
      if (!turn.tool_calls?.some(({ name, ok }) => name === 'add_task' && ok)) throw new Wrong('the chat answered without a successful add_task')
      const tasks = (await askJson(target, { method: 'GET', path: tasksPath(user), headers }, 200)) as { id: number }[]
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

const LOAD: Proof['load'] = {
  open: [
    { name: 'info', service: 'backend', path: '/api/info', weight: 2, ingressWeight: 2 },
    { name: 'page', service: 'frontend', path: '/', weight: 2, ingressWeight: 6 },
  ],
  personal: {
    // The application limits requests per user and replica to 4 a second; the load stays under half of that.
    perUser: 2,
    leastUsers: 20,
    make: (user) => ({ method: 'POST', path: tasksPath(user), body: JSON.stringify({ title: 'deploy probe' }) }),
    made: 201,
    remove: (user, id) => ({ method: 'DELETE', path: `${tasksPath(user)}/${id}` }),
    routes: [
      { name: 'read tasks', weight: 9, request: (user) => ({ method: 'GET', path: tasksPath(user) }) },
      { name: 'write task', weight: 3, request: (user, id, index) => ({ method: 'PATCH', path: `${tasksPath(user)}/${id}`, body: JSON.stringify({ title: `deploy probe ${index}` }) }) },
    ],
  },
}

export const todoChat: Application = {
  proof: {
    services: { backend: 8000, frontend: 8080, mcp: 8002 },
    // The claims that the application checks; see its settings of issuer and audiences.
    tokens: { key: 'jwt-key', issuer: 'todo-chat', audiences: ['todo-chat-api', 'todo-chat-mcp'] },
    questions: QUESTIONS,
    load: LOAD,
  },
}
