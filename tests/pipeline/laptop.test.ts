import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'

const LIMIT = 600_000

/** A minute at 100 requests a second, a tenth of them from clients that go away. */
function tunnel(...args: string[]): { status: number | null; figures: Record<string, unknown> } {
  const { status, stdout } = spawnSync(process.execPath, ['tests/laptop/tunnel.mjs', ...args], { encoding: 'utf8', timeout: LIMIT, stdio: ['ignore', 'pipe', 'inherit'] })
  return { status, figures: JSON.parse(stdout) as Record<string, unknown> }
}

describe('ports of a service on a laptop', () => {
  it('answer to the end through the way in', () => {
    expect(tunnel()).toMatchObject({ status: 0, figures: { verdict: 'holds' } })
  })

  // When this one holds some day, the way in can go.
  it('stop when the engine forwards them itself', () => {
    const { status, figures } = tunnel('--direct')
    expect({ status, verdict: figures['verdict'] }).toEqual({ status: 1, verdict: expect.stringMatching(/no answer|failed|half closed/) as string })
  })
})
