/**
 * A stub of an OpenAI-compatible model endpoint inside TLS (Chat Completions, streamed): it stands in for a language model. "add <title>" calls the
 * tool `add_task`, "list" calls `list_tasks`; after a tool's answer, and for everything else, it says one sentence. A wrong key is refused.
 */
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import { text } from 'node:stream/consumers'

interface Message {
  role: string
  content?: string | null
}

const key = readFileSync('/secrets/model-api-key', 'utf8').trim()

function toolFor(message: string): { name: string; arguments: string } | undefined {
  const title = /^add (.+)$/i.exec(message.trim())?.[1]
  if (title !== undefined) return { name: 'add_task', arguments: JSON.stringify({ title }) }
  return /^list\b/i.test(message) ? { name: 'list_tasks', arguments: '{}' } : undefined
}

/** https://platform.openai.com/docs/api-reference/chat/streaming */
function chunks(messages: Message[]): object[] {
  const last = messages.at(-1)
  const tool = last?.role === 'user' ? toolFor(last.content ?? '') : undefined
  const delta =
    tool === undefined
      ? { role: 'assistant', content: last?.role === 'tool' ? 'That is done.' : 'I look after your tasks.' }
      : { role: 'assistant', tool_calls: [{ index: 0, id: `call-${randomUUID()}`, type: 'function', function: tool }] }
  return [
    { index: 0, delta, finish_reason: null },
    { index: 0, delta: {}, finish_reason: tool === undefined ? 'stop' : 'tool_calls' },
  ]
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const refuse = (status: number, message: string): unknown => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ error: { message } }))
  if (request.headers.authorization !== `Bearer ${key}`) return void refuse(401, 'incorrect API key')
  if (request.url === '/v1/models') return void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ object: 'list', data: [{ id: 'stub', object: 'model' }] }))
  if (request.method !== 'POST' || request.url !== '/v1/chat/completions') return void refuse(404, `no route ${request.url}`)
  const { messages, model } = JSON.parse(await text(request)) as { messages: Message[]; model: string }
  const shared = { id: `chatcmpl-${randomUUID()}`, object: 'chat.completion.chunk', created: Math.floor(Date.now() / 1000), model }
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  for (const choice of chunks(messages)) response.write(`data: ${JSON.stringify({ ...shared, choices: [choice] })}\n\n`)
  response.end('data: [DONE]\n\n')
}

const server = createServer({ cert: readFileSync('/tmp/tls/tls.crt'), key: readFileSync('/tmp/tls/tls.key') }, (request, response) => {
  answer(request, response).catch((error: unknown) => {
    console.error(error)
    response.destroy()
  })
})
server.listen(8443)
