/** What `conformance` does where something is missing, in the way, or taken away. The whole suite itself runs as a check of `ci`. */
import { spawnSync } from 'node:child_process'
import { readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { dagger, REPOSITORY, repositoryCopy, start } from './_pipeline.ts'

/** The first call on a machine builds engine and images before it starts a node. In ms. */
const BUILDING = 2_000_000

/** Asked of the cluster alone: nothing is deployed for it. */
const OF_THE_CLUSTER = ['--only=CONF-001', '--only=CONF-002']

type Report = { conformant: boolean; cluster: string; requirements: { id: string; outcome: { outcome: string } }[] }

const read = (folder: string): Report => JSON.parse(readFileSync(join(folder, 'conformance.json'), 'utf8')) as Report

const outcomes = (report: Report): Record<string, string> => Object.fromEntries(report.requirements.map(({ id, outcome }) => [id, outcome.outcome]))

/**
 * Processes of nodes that `ci` and `conformance` have started, on this machine: every cluster image is called with this flag.
 * Those of an embedded engine are seen from here, by root.
 */
function nodes(): number[] {
  const { stdout } = spawnSync('pgrep', ['-f', '--', '--tls-san=cluster'], { encoding: 'utf8' })
  const ofConformance = (pid: number): boolean => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes('CLUSTER_NAME=conformance')
    } catch {
      return false // it has ended
    }
  }
  return stdout.split('\n').filter(Boolean).map(Number).filter(ofConformance)
}

/** @returns how many nodes these are: each has process ids of its own */
function count(pids: number[]): number {
  const spaces = pids.map((pid) => {
    try {
      return readlinkSync(`/proc/${pid}/ns/pid`)
    } catch {
      return undefined // it has ended
    }
  })
  return new Set(spaces.filter((space) => space !== undefined)).size
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It went with the one before.
  }
}

async function until(what: string, limitMs: number, holds: () => boolean): Promise<void> {
  for (const end = Date.now() + limitMs; !holds(); await sleep(100)) if (Date.now() > end) throw new Error(`not within ${limitMs / 1000} s: ${what}`)
}

// With a container runtime the nodes run where only that sees them, and its configuration is not ours to change.
const embedded = /embedded/.test((await dagger(REPOSITORY, 'core', 'version')).stderr)
const others = nodes()
const ours = (): number[] => nodes().filter((pid) => !others.includes(pid))

describe('conformance', () => {
  it('twice at the same time: each has a cluster of its own', async () => {
    using copy = repositoryCopy()
    const folders = ['one', 'two'].map((name) => join(copy.path, name))
    const calls = folders.map((folder) => start(REPOSITORY, 'call', 'conformance', ...OF_THE_CLUSTER, 'export', `--path=${folder}`))
    if (embedded) await until('two nodes run', BUILDING, () => count(ours()) === 2)
    expect(await Promise.all(calls.map(({ ended }) => ended)), calls.map(({ said }) => said()).join('\n')).toEqual([0, 0])
    for (const report of folders.map(read)) {
      expect(outcomes(report)).toEqual({ 'CONF-001': 'passed', 'CONF-002': 'passed' })
      // A run that left requirements out has not proven them.
      expect(report.conformant).toBe(false)
    }
  })

  it('refuses the id of a requirement that there is not', async () => {
    const { code, stderr } = await dagger(REPOSITORY, 'call', 'conformance', '--only=CONF-999')
    expect(code).not.toBe(0)
    expect(stderr).toContain('no requirement has the id CONF-999')
  })

  it.runIf(embedded)('interrupted: the call ends at once, and its node with it', async () => {
    const call = start(REPOSITORY, 'call', 'conformance', ...OF_THE_CLUSTER)
    await until('the suite waits for its node', BUILDING, () => call.said().includes('waiting for Ready nodes'))
    expect(ours()).not.toEqual([])
    process.kill(-call.pid, 'SIGINT')
    const interrupted = Date.now()
    expect(await call.ended).not.toBe(0)
    expect(Date.now() - interrupted).toBeLessThan(10_000)
    await until('the node has ended', 20_000, () => ours().length === 0)
  })

  it('an image of the application that is not there: the requirement fails, and says which', async () => {
    using copy = repositoryCopy()
    copy.edit('manifests/overlays/development/kustomization.yaml', (text) => text.replace(/(todo-chat\/mcp\s+newTag: )\S+/, '$1nosuch'))
    const folder = join(copy.path, 'exported')
    const { code, stderr } = await dagger(copy.path, 'call', 'conformance', '--only=CONF-210', '--keep-going', 'export', `--path=${folder}`)
    expect(code, stderr).toBe(0)
    const asked = read(folder).requirements.find(({ id }) => id === 'CONF-210')
    expect(asked?.outcome.outcome).not.toBe('passed')
    expect(JSON.stringify(asked?.outcome)).toMatch(/todo-chat\/mcp:nosuch/)
  })

  it.runIf(embedded)('the node is killed: the run ends by itself and says so', async () => {
    const call = start(REPOSITORY, 'call', 'conformance', '--only=CONF-282')
    await until('the release is being put in place', BUILDING, () => call.said().includes('the metrics API: there'))
    await sleep(5_000)
    expect(ours()).not.toEqual([])
    for (const pid of ours()) kill(pid)
    const killed = Date.now()
    expect(await call.ended).not.toBe(0)
    expect(call.said()).toMatch(/CONF-282.*(does not answer|not answered|lost)/)
    expect(Date.now() - killed).toBeLessThan(60_000)
  })

  it.runIf(embedded)('an engine that refuses privileged containers: refused with the next step, not passed over', async () => {
    // The engine starts again with the other setting, and once more for the call after it.
    process.env['TODO_CHAT_PRIVILEGED'] = 'no'
    try {
      const { code, stderr } = await dagger(REPOSITORY, 'call', 'conformance', ...OF_THE_CLUSTER)
      expect(code).not.toBe(0)
      expect(stderr).toContain('this engine refuses privileged containers')
    } finally {
      delete process.env['TODO_CHAT_PRIVILEGED']
    }
    const { code, stderr } = await dagger(REPOSITORY, 'core', 'container', 'from', '--address=debian:bookworm-slim', 'with-exec', '--args=true', '--insecure-root-capabilities', 'stdout')
    expect(code, stderr).toBe(0)
  })
})
