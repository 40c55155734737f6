import { beforeAll, describe, expect, it } from 'vitest'
import { Bench, podSpec } from './_bench.ts'
import { expectRolledBack } from './_expect.ts'

const bench = new Bench()

beforeAll(() => bench.good())

describe('an image that does not exist', () => {
  it.each([
    ['tag', 'todo-chat/mcp:does-not-exist', 'image not found'],
    ['digest', `todo-chat/mcp@sha256:${'0123456789abcdef'.repeat(4)}`, 'digest that does not exist'],
  ])("by %s is told by the kubelet's reason and rolled back", async (_by, image, fault) => {
    const ran = await bench.deploy(
      await bench.release((objects) => {
        podSpec(objects, 'mcp').containers[0].image = image
      }),
    )
    expectRolledBack(fault, ran, { name: 'mcp', reason: 'ErrImagePull', message: new RegExp(image) })
    expect(await bench.imageOf('mcp')).toBe('todo-chat/mcp:development')
  })
})
