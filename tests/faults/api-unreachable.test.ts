import { beforeAll, describe, expect, it } from 'vitest'
import { Bench, podSpec, record } from './_bench.ts'
import { proxyTo } from './_proxy.ts'

const bench = new Bench()
const OUTAGE = 20_000

beforeAll(() => bench.good())

describe('an API server that cannot be reached for 20 s in the middle', () => {
  it('is waited for, and the release goes on', async () => {
    await using proxy = await proxyTo(bench.kubeconfig)
    let outages = 0
    const ran = await bench.deploy(
      await bench.release((objects) => {
        podSpec(objects, 'mcp').containers[0]['env'] = [{ name: 'CHANGED', value: 'outage' }]
      }),
      {
        kubeconfig: proxy.kubeconfig,
        onLine(line) {
          if (!line.startsWith('▸ mcp') || outages > 0) return
          outages += 1
          proxy.cut()
          setTimeout(() => proxy.mend(), OUTAGE)
        },
      },
    )
    expect(outages).toBe(1)
    expect(ran.report.result, ran.stderr).toBe('succeeded')
    expect(ran.exitCode).toBe(0)
    expect(ran.stderr).toMatch(/^! the API server https:\/\/127.0.0.1:\d+ does not answer .*trying again/m)
    record('API server unreachable for 20 s', ran)
  })
})
