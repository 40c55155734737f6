import { beforeAll, describe, expect, it } from 'vitest'
import { Bench, podSpec } from './_bench.ts'
import { expectRolledBack } from './_expect.ts'

const bench = new Bench()

beforeAll(() => bench.good())

describe('a pod that the namespace does not admit', () => {
  it('is told with the rule that it breaks', async () => {
    const ran = await bench.deploy(
      await bench.release((objects) => {
        podSpec(objects, 'mcp').containers[0]['securityContext'] = { privileged: true }
      }),
    )
    expectRolledBack('Pod Security violation', ran, { name: 'mcp', reason: 'FailedCreate', message: /violates PodSecurity.*privileged/ })
    expect(await bench.imageOf('mcp')).toBe('todo-chat/mcp:development')
  })
})
