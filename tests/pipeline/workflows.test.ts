import { describe, expect, it } from 'vitest'
import { daggerCalls } from '../unit/_workflows.ts'
import { dagger, REPOSITORY } from './_pipeline.ts'

// With --help the CLI reads the function, its flags and the chain behind it, and runs nothing.
const accepted = (line: string) => dagger(REPOSITORY, 'call', ...line.split(/\s+/), '--help')

describe('the module accepts every call of the workflows', () => {
  const lines = [...new Set(daggerCalls().map(({ line }) => line))]
  it('there are some', () => expect(lines.length).toBeGreaterThan(3))
  it.each(lines)('%s', async (line) => {
    const { code, stderr } = await accepted(line)
    expect(stderr).not.toMatch(/^Error:/m)
    expect(code).toBe(0)
  })
})

it('a flag that no function has is refused', async () => {
  const { code, stderr } = await accepted('deploy-report --environment=prod export --path=report')
  expect(stderr).toContain('unknown flag: --environment')
  expect(code).not.toBe(0)
})
