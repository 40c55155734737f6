/**
 * The tool server through the official TypeScript client.
 *
 * Needs a running tool server: `TODO_MCP_ENDPOINT` (such as http://mcp:8002/mcp) and
 * `TODO_MCP_TOKEN`, a token of a user whom nobody else uses meanwhile. A missing variable fails.
 */
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

function required(name: string): string {
  const value = process.env[name]
  if (!value) throw new Error(`${name} is not set; see the head of ${import.meta.url}`)
  return value
}

interface Task {
  id: number
  title: string
  description: string
  completed: boolean
}

async function connect(token: string): Promise<Client> {
  const client = new Client({ name: 'todo-chat-tests', version: '1.0.0' })
  await client.connect(
    new StreamableHTTPClientTransport(new URL(required('TODO_MCP_ENDPOINT')), {
      requestInit: { headers: { Authorization: `Bearer ${token}` } },
    }),
  )
  return client
}

describe('the tool server', () => {
  let client: Client

  async function call<T>(name: string, args: Record<string, unknown> = {}): Promise<T> {
    const result = await client.callTool({ name, arguments: args })
    expect(result.isError, JSON.stringify(result.content)).not.toBe(true)
    return result.structuredContent as T
  }

  const titles = async (status: string): Promise<string[]> =>
    (await call<{ tasks: Task[] }>('list_tasks', { status })).tasks.map((task) => task.title)

  beforeEach(async () => {
    client = await connect(required('TODO_MCP_TOKEN'))
    const { tasks } = await call<{ tasks: Task[] }>('list_tasks')
    for (const task of tasks) await call('delete_task', { task_id: task.id })
  })

  afterEach(async () => {
    await client.close()
  })

  it('offers exactly the six tools, none of which takes a user', async () => {
    const { tools } = await client.listTools()
    expect(tools.map((tool) => tool.name).sort()).toEqual(['add_task', 'complete_task', 'delete_task', 'list_tasks', 'restore_task', 'update_task'])
    for (const tool of tools) {
      expect(tool.description).toBeTruthy()
      expect(Object.keys(tool.inputSchema.properties ?? {}).filter((name) => /user|context/.test(name))).toEqual([])
    }
  })

  it('takes a task from added to deleted, and back', async () => {
    const added = await call<Task>('add_task', { title: 'buy milk' })
    expect(added).toEqual({ id: added.id, title: 'buy milk', description: '', completed: false })
    expect(await titles('pending')).toEqual(['buy milk'])

    const updated = await call<Task>('update_task', { task_id: added.id, description: 'two litres' })
    expect(updated).toEqual({ ...added, description: 'two litres' })

    expect(await call<Task>('complete_task', { task_id: added.id })).toEqual({ ...updated, completed: true })
    expect(await titles('pending')).toEqual([])
    expect(await titles('completed')).toEqual(['buy milk'])

    await call('delete_task', { task_id: added.id })
    expect(await titles('all')).toEqual([])
    await call('restore_task', { task_id: added.id })
    expect(await titles('completed')).toEqual(['buy milk'])
  })

  it.each([
    ['complete_task', { task_id: 922337203685477 }, 'There is no task'],
    ['delete_task', { task_id: 0 }, 'greater than or equal to 1'],
    ['add_task', { title: '' }, 'at least 1 character'],
    ['update_task', { task_id: 1 }, 'Give at least one of'],
    ['add_task', { title: 'x', user_id: 'somebody' }, 'user_id'],
  ])('answers a bad %s(%o) with a tool error', async (name, args, words) => {
    const result = await client.callTool({ name, arguments: args })
    expect(result.isError).toBe(true)
    expect(JSON.stringify(result.content)).toContain(words)
    expect(await titles('all')).toEqual([])
  })

  it('lets nobody in without a valid token', async () => {
    await expect(connect('not-a-token')).rejects.toThrow()
  })
})
