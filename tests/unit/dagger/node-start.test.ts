import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { keyOf, startScript } from '../../../dagger/src/node-start.ts'

const WAIT = { timeout: 20_000, interval: 50 }
// Stands in for the node: writes its kubeconfig where it is told to, and runs until it is ended.
const NODE = ['sh', '-c', 'echo credentials >"${1#--write-kubeconfig=}"; exec sleep 60', 'node']

type Node = { process: ChildProcess; output: () => string }

let root = ''
let nodes: Node[] = []
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'todo-chat-node-'))
  mkdirSync(join(root, 'state/agent/images'), { recursive: true })
  mkdirSync(join(root, 'kubelet'))
  nodes = []
})
afterEach(() => {
  nodes.forEach(end)
  rmSync(root, { recursive: true, force: true, maxRetries: 5 })
})

function start(key: string, kind: 'in memory' | 'kept' = 'kept', env: Record<string, string> = {}): Node {
  const folders = { shared: join(root, 'clusters'), state: join(root, 'state'), kubelet: join(root, 'kubelet'), configuration: join(root, 'etc'), dead: 5, patience: 8 }
  const process_ = spawn('sh', ['-c', startScript(folders, kind), 'sh', ...NODE], { detached: true, env: { PATH: process.env['PATH'], CLUSTER_NAME: 'dev', CLUSTER_KEY: key, FRESH: '', ...env } })
  let output = ''
  process_.stderr.on('data', (data: Buffer) => (output += data.toString()))
  const node = { process: process_, output: () => output }
  nodes.push(node)
  return node
}

/** As an engine ends a container: everything in it, without warning. */
function end({ process: { pid } }: Node): void {
  try {
    process.kill(-(pid as number), 'SIGKILL')
  } catch {
    // It has ended.
  }
}

const kubeconfigs = (key: string): string[] => (existsSync(join(root, 'clusters', key)) ? readdirSync(join(root, 'clusters', key)).filter((id) => existsSync(join(root, 'clusters', key, id, 'kubeconfig.yaml'))) : [])
const running = (key: string, count = 1): Promise<void> => vi.waitFor(() => expect(kubeconfigs(key)).toHaveLength(count), WAIT)

describe('a node that is kept', () => {
  it('comes back with its state after an end without warning, and takes nothing from another clone', async () => {
    const first = start('dev--one')
    await running('dev--one')
    writeFileSync(join(root, 'state/certificate'), 'old')
    start('dev--two')
    await running('dev--two')
    end(first)
    start('dev--one')
    await running('dev--one', 2)
    expect(readFileSync(join(root, 'state/certificate'), 'utf8')).toBe('old')
    expect(kubeconfigs('dev--two')).toHaveLength(1)
  })

  it('is refused while another of its name lives, which goes on', async () => {
    const first = start('dev')
    await running('dev')
    const second = start('dev')
    const [code] = (await once(second.process, 'exit')) as [number]
    expect({ code, output: second.output() }).toEqual({ code: 1, output: expect.stringContaining("cluster dev: another 'cluster up' of this name runs") as string })
    expect(first.process.exitCode).toBeNull()
    expect(kubeconfigs('dev')).toHaveLength(1)
  })

  it('is one of several that start at once', async () => {
    const several = [start('dev'), start('dev'), start('dev')]
    await vi.waitFor(() => expect(several.filter(({ process }) => process.exitCode === 1)).toHaveLength(2), WAIT)
    expect(kubeconfigs('dev')).toHaveLength(1)
  })

  it('ends when another has taken its state', async () => {
    const sleeper = start('dev')
    await running('dev')
    // A machine that slept: no sign of life, and no end either.
    process.kill(-(sleeper.process.pid as number), 'SIGSTOP')
    start('dev')
    await running('dev', 2)
    process.kill(-(sleeper.process.pid as number), 'SIGCONT')
    await once(sleeper.process, 'exit')
    expect(sleeper.output()).toContain('another node has taken its state')
  })

  it('starts empty when it is told to', async () => {
    writeFileSync(join(root, 'state/certificate'), 'old')
    writeFileSync(join(root, 'state/agent/images/old.tar'), 'old')
    writeFileSync(join(root, 'kubelet/pod'), 'old')
    start('dev', 'kept', { FRESH: 'yes' })
    await running('dev')
    expect([...readdirSync(join(root, 'state')).sort(), ...readdirSync(join(root, 'state/agent')), ...readdirSync(join(root, 'state/agent/images')), ...readdirSync(join(root, 'kubelet'))]).toEqual(['agent', 'node-password', 'images'])
  })
})

it('a start forgets the kubeconfigs of clusters that are gone, never one of a cluster that lives', async () => {
  start('dev')
  await running('dev')
  const [living = ''] = kubeconfigs('dev')
  const aDayAgo = Date.now() / 1000 - 100_000
  utimesSync(join(root, 'clusters/dev', living), aDayAgo, aDayAgo)
  mkdirSync(join(root, 'clusters/conformance/gone'), { recursive: true })
  writeFileSync(join(root, 'clusters/conformance/gone/kubeconfig.yaml'), 'credentials')
  writeFileSync(join(root, 'clusters/conformance/gone/alive'), String(Math.round(aDayAgo)))
  start('conformance', 'in memory')
  await vi.waitFor(() => expect(kubeconfigs('conformance')).toEqual([expect.not.stringMatching('gone')]), WAIT)
  expect(kubeconfigs('dev')).toEqual([living])
})

describe('what a cluster is found by', () => {
  it.each([
    ['its name', { name: 'dev', clone: '' }, 'dev'],
    ['its name and its clone', { name: 'my-dev', clone: 'f00ba4' }, 'my-dev--f00ba4'],
  ])('%s', (_, which, key) => expect(keyOf(which)).toBe(key))

  it.each([
    ['a path', { name: '../other', clone: '' }],
    ['a name that looks like a key', { name: 'dev--f00ba4', clone: '' }],
    ['no name', { name: '', clone: '' }],
    ['a clone that is a path', { name: 'dev', clone: '../x' }],
  ])('%s is refused', (_, which) => expect(() => keyOf(which)).toThrow('current value'))
})
