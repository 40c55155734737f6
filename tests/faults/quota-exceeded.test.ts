import { beforeAll, describe, expect, it } from 'vitest'
import { Bench, podSpec, specOf } from './_bench.ts'
import { expectRolledBack } from './_expect.ts'

const bench = new Bench()

beforeAll(() => bench.good())

describe('a quota with no room for the new pods', () => {
  it('is told by name, and set back', async () => {
    const ran = await bench.deploy(
      await bench.release((objects) => {
        ;(specOf(objects, 'ResourceQuota', 'todo-chat')['hard'] as Record<string, string>)['pods'] = '1'
        podSpec(objects, 'mcp').containers[0]['env'] = [{ name: 'CHANGED', value: 'yes' }]
      }),
    )
    expectRolledBack('quota exceeded', ran, { name: 'mcp', reason: 'FailedCreate', message: /exceeded quota: todo-chat/ })
    expect(await bench.imageOf('mcp')).toBe('todo-chat/mcp:development')
  })
})
