/** The suite as a person runs it, without a cluster: it ends, it fails, and every row of its report says why. */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { REQUIREMENTS } from '../../conformance/areas/index.ts'

const ROOT = resolve(import.meta.dirname, '../../..')
const LIMIT = 90_000
let folder: string

beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'conformance-'))))
afterAll(() => rmSync(folder, { recursive: true }))

interface Row {
  id: string
  outcome: { outcome: string; reasons?: string[] }
}

/** Runs every requirement against what the kubeconfig names. */
function runSuite(name: string, kubeconfig: string | undefined): Promise<{ exitCode: unknown; output: string; rows: () => Row[] }> {
  const { KUBECONFIG: _, ...rest } = process.env
  const report = join(folder, name)
  const env = { ...rest, REPORT_DIR: report, ...(kubeconfig !== undefined && { KUBECONFIG: kubeconfig }) }
  return new Promise((done) => {
    execFile(process.execPath, [join(ROOT, 'node_modules/vitest/vitest.mjs'), 'run', '--project', 'conformance'], { cwd: ROOT, env, timeout: LIMIT }, (error, stdout, stderr) =>
      done({
        exitCode: error === null ? 0 : error.code,
        output: stdout + stderr,
        rows: () => (JSON.parse(readFileSync(join(report, 'conformance.json'), 'utf8')) as { requirements: Row[] }).requirements,
      }),
    )
  })
}

async function unusedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}

function kubeconfig(server: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'a', cluster: { server } }],
    users: [{ name: 'a', user: { token: 'none' } }],
    contexts: [{ name: 'a', context: { cluster: 'a', user: 'a' } }],
    'current-context': 'a',
  })
}

async function expectNothingAsked(name: string, file: string, reason: RegExp): Promise<void> {
  const { exitCode, rows } = await runSuite(name, file)
  expect(exitCode).toBe(1)
  expect(rows().map(({ id }) => id)).toEqual(REQUIREMENTS.map(({ id }) => id))
  for (const { outcome } of rows()) {
    expect(outcome.outcome).toBe('unmet')
    expect(outcome.reasons?.join()).toMatch(reason)
  }
}

describe('a run', { timeout: LIMIT }, () => {
  it('without a kubeconfig says which variable is missing', async () => {
    const { exitCode, output } = await runSuite('none', undefined)
    expect(exitCode).toBe(1)
    expect(output).toContain('KUBECONFIG is not set')
  })

  it('with a kubeconfig that does not exist asks nothing', async () => {
    await expectNothingAsked('absent', join(folder, 'absent.yaml'), /absent\.yaml/)
  })

  it('with a kubeconfig that is none asks nothing', async () => {
    const file = join(folder, 'wrong.yaml')
    writeFileSync(file, 'a sentence, and no kubeconfig')
    await expectNothingAsked('wrong', file, /wrong\.yaml/)
  })

  it('against an address where nothing listens asks nothing', async () => {
    const file = join(folder, 'dead.yaml')
    writeFileSync(file, kubeconfig(`https://127.0.0.1:${await unusedPort()}`))
    await expectNothingAsked('dead', file, /the API server https:\/\/127\.0\.0\.1:\d+ does not answer \(ECONNREFUSED\)/)
  })
})
