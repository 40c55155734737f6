import { beforeAll, describe, expect, it } from 'vitest'
import { Bench, podSpec } from './_bench.ts'
import { expectRolledBack } from './_expect.ts'

const bench = new Bench()

beforeAll(() => bench.good())

describe('a configuration key that does not exist', () => {
  it('is told with ConfigMap and key', async () => {
    const ran = await bench.deploy(
      await bench.release((objects) => {
        podSpec(objects, 'mcp').containers[0]['env'] = [{ name: 'MODE', valueFrom: { configMapKeyRef: { name: 'kube-root-ca.crt', key: 'no-such-key' } } }]
      }),
    )
    expectRolledBack('bad config key', ran, { name: 'mcp', reason: 'CreateContainerConfigError', message: /no-such-key/ })
    expect(await bench.imageOf('mcp')).toBe('todo-chat/mcp:development')
  })
})
