import { beforeAll, describe, expect, it } from 'vitest'
import { Bench, podSpec } from './_bench.ts'
import { expectRolledBack } from './_expect.ts'

const bench = new Bench()

beforeAll(() => bench.good())

describe('an image that does not exist', () => {
  it("is told by the kubelet's reason and rolled back", async () => {
    const ran = await bench.deploy(
      await bench.release((objects) => {
        podSpec(objects, 'mcp').containers[0].image = 'todo-chat/mcp:does-not-exist'
      }),
    )
    expectRolledBack('image not found', ran, { name: 'mcp', reason: 'ErrImagePull', message: /todo-chat\/mcp:does-not-exist/ })
    expect(await bench.imageOf('mcp')).toBe('todo-chat/mcp:development')
  })
})
