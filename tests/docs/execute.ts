/** Runs the shell blocks of pages in a fresh clone, in order, and compares what they show. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { type Block, blocksOf, type Need, type Step } from './blocks.ts'
import type { Finding } from './finding.ts'
import { difference } from './shown.ts'

const git = promisify(execFile)

/** How long one block may take, in ms: `npm ci` needs minutes on a busy machine, a first build of the engine and all checks more than an hour. */
const LIMITS: Readonly<Record<Need, number>> = { none: 900_000, engine: 7_200_000, docker: 7_200_000, cluster: 3_600_000 }
/** How long a block in the background may take until its port answers, in ms: the node image may have to be built. */
const PORT_LIMIT = 3_600_000
/** Lines of output that a finding shows. */
const SHOWN = 12

export interface PageRun {
  page: string
  /** Kinds of blocks of which all have run as shown. */
  ran: Need[]
  findings: Finding[]
}

export interface RunOptions {
  needs: ReadonlySet<Need>
  /** Told before each block. */
  progress(text: string): void
}

/** What a person's shell has: nothing of the npm that started this, and no program of its node_modules. */
export function environmentOf(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(([name]) => !/^npm_|^INIT_CWD$|^NODE_OPTIONS$|^FORCE_COLOR$|^VITEST/i.test(name))
  const path = (env['PATH'] ?? '').split(delimiter).filter((folder) => !/node_modules|node-gyp-bin/.test(folder)).join(delimiter)
  return { ...Object.fromEntries(kept), PATH: path, NO_COLOR: '1' }
}

interface Ended {
  exit: number
  output: string
  /** Line of the script that ended it, from 1 on. */
  at?: number
}

const AT = 3

function start(script: string, cwd: string): ChildProcess {
  // The line on which `-e` ends it is told on a channel of its own; the script itself begins on its first line.
  const traced = `trap 'echo $LINENO >&${AT}' ERR; ${script}`
  return spawn('bash', ['-eu', '-o', 'pipefail', '-c', traced], { cwd, env: environmentOf(process.env), stdio: ['ignore', 'pipe', 'pipe', 'pipe'], detached: true })
}

function stop(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

async function ended(child: ChildProcess, limit: number): Promise<Ended> {
  let output = ''
  let at = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (part: Buffer) => (output += part.toString()))
  child.stdio[AT]?.on('data', (part: Buffer) => (at += part.toString()))
  const timer = setTimeout(() => {
    output += `\nit was ended after ${limit / 1000} s`
    stop(child, 'SIGKILL')
  }, limit)
  const exit = await new Promise<number>((resolve, reject) => {
    child.on('error', reject)
    // What a command left running in the background would hold the pipes open.
    child.on('exit', (code) => setTimeout(() => resolve(code ?? 1), 50))
  })
  clearTimeout(timer)
  return { exit, output, ...(at.trim() === '' ? {} : { at: Number(at.trim().split('\n').at(-1)) }) }
}

function tail(output: string): string {
  const lines = output.trimEnd().split('\n')
  return lines.length <= SHOWN ? lines.join('\n') : ['…', ...lines.slice(-SHOWN)].join('\n')
}

async function step(page: string, { line, command, shown }: Step, { exit, needs }: Block, isLast: boolean, clone: string): Promise<Finding | undefined> {
  const { exit: code, output, at } = await ended(start(command, clone), LIMITS[needs])
  const expected = isLast ? exit : 0
  if (code !== expected) return { page, line: line + (at ?? 1) - 1, message: `ended with exit code ${code}, not ${expected}:\n${tail(output)}` }
  const differs = shown === undefined ? undefined : difference(shown, output.replaceAll(clone, '.'))
  if (differs === undefined) return undefined
  const side = (text: string | undefined): string => (text === undefined ? 'nothing' : `“${text}”`)
  return { page, line: line + 1 + differs.index, message: `the page shows ${side(differs.shown)}, the command gives ${side(differs.got)}` }
}

async function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve((socket.destroy(), true))).once('error', () => resolve(false))
  })
}

async function background(page: string, block: Block, port: number, clone: string, running: ChildProcess[]): Promise<Finding | undefined> {
  const [first] = block.steps
  if (first === undefined) return undefined
  const child = start(first.command, clone)
  running.push(child)
  let done: Ended | undefined
  void ended(child, 2 ** 31 - 1).then((end) => (done = end))
  const deadline = Date.now() + PORT_LIMIT
  while (!(await answers(port))) {
    if (done !== undefined) return { page, line: block.line, message: `ended with exit code ${done.exit} before port ${port} answered:\n${tail(done.output)}` }
    if (Date.now() > deadline) return { page, line: block.line, message: `port ${port} did not answer within ${PORT_LIMIT / 1000} s` }
    await sleep(500)
  }
  return undefined
}

/** Runs one page's blocks that need no more than what is there; the first that is not as shown ends it. */
export async function runPage(page: string, text: string, clone: string, { needs, progress }: RunOptions): Promise<PageRun> {
  const { blocks, findings } = blocksOf(page, text)
  const chosen = blocks.filter((block) => needs.has(block.needs))
  const running: ChildProcess[] = []
  try {
    for (const block of findings.length > 0 ? [] : chosen) {
      progress(`${page}:${block.line}`)
      const steps = block.background === undefined ? block.steps : []
      if (block.background !== undefined) findings.push(...[await background(page, block, block.background, clone, running)].filter((finding) => finding !== undefined))
      for (const [index, one] of steps.entries()) {
        const finding = await step(page, one, block, index === steps.length - 1, clone)
        if (finding === undefined) continue
        findings.push(finding)
        break
      }
      if (findings.length > 0) break
    }
  } finally {
    for (const child of running) {
      const gone = child.exitCode !== null || child.signalCode !== null ? Promise.resolve() : new Promise((resolve) => child.once('exit', resolve))
      stop(child, 'SIGINT')
      await Promise.race([gone, sleep(30_000)])
      stop(child, 'SIGKILL')
    }
  }
  return { page, ran: findings.length > 0 ? [] : [...new Set(chosen.map((block) => block.needs))], findings }
}

/**
 * Runs pages in a clone of the last commit, which is removed again.
 * @throws Error when the tree has changes: they would not be what runs
 */
export async function runPages(root: string, pages: readonly string[], options: RunOptions): Promise<{ commit: string; runs: PageRun[] }> {
  const ask = async (...args: string[]): Promise<string> => (await git('git', args, { cwd: root })).stdout.trim()
  if ((await ask('status', '--porcelain')) !== '') throw new Error('the tree has changes that a clone would not have; commit them, then run the pages')
  const commit = await ask('rev-parse', '--short=12', 'HEAD')
  const folder = await mkdtemp(join(tmpdir(), 'todo-chat-pages-'))
  const clone = join(folder, 'todo-chat')
  try {
    await git('git', ['clone', '--quiet', root, clone])
    const runs: PageRun[] = []
    for (const page of pages) runs.push(await runPage(page, await readFile(join(clone, page), 'utf8'), clone, options))
    return { commit, runs }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
