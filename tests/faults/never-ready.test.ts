import { beforeAll, describe, expect, it } from 'vitest'
import { Bench, podSpec, specOf } from './_bench.ts'
import { expectRolledBack } from './_expect.ts'

const bench = new Bench()

beforeAll(() => bench.good())

describe('a pod that never becomes ready', () => {
  it('fails at the deadline of its Deployment, with what the probe says', async () => {
    const ran = await bench.deploy(
      await bench.release((objects) => {
        specOf(objects, 'Deployment', 'mcp')['progressDeadlineSeconds'] = 20
        podSpec(objects, 'mcp').containers[0]['readinessProbe'] = { httpGet: { path: '/does-not-exist', port: 'http' }, periodSeconds: 1 }
      }),
    )
    expectRolledBack('never ready', ran, { name: 'mcp', reason: 'ProgressDeadlineExceeded', message: /Readiness probe failed/ })
    expect(await bench.imageOf('mcp')).toBe('todo-chat/mcp:development')
  })
})
