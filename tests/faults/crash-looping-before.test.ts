import { beforeAll, describe, expect, it } from 'vitest'
import { Bench, podSpec, record, runsPython } from './_bench.ts'

const bench = new Bench()

beforeAll(() => bench.good())

describe('a pod that was crash-looping before', () => {
  it('is not blamed on the release that mends it', async () => {
    const broken = await bench.deploy(
      await bench.release((objects) => {
        runsPython(podSpec(objects, 'mcp'), 'import sys; sys.exit(1)')
      }),
      { args: ['--no-rollback'] },
    )
    expect(broken.report, broken.stderr).toMatchObject({ result: 'failed' })
    const mending = await bench.deploy(await bench.release())
    expect(mending.report.result, mending.stderr).toBe('succeeded')
    expect(mending.exitCode).toBe(0)
    record('old pod crash-looping before', mending)
  })
})
