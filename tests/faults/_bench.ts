/**
 * The deployer as a person runs it, against the cluster that KUBECONFIG names. It must be able to run the images of the release:
 * `todo-chat/<part>:development`, and INGRESS_URL must lead to its ingress controller.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { appendFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { stringify } from 'yaml'
import { type Cluster, connect } from '../../deploy/src/cluster/client.ts'
import type { KubeObject, RenderedObject } from '../../deploy/src/release/objects.ts'
import { render } from '../../deploy/src/release/render.ts'
import type { RunReport } from '../../deploy/src/report/report.ts'

const ROOT = join(import.meta.dirname, '../..')
const DEPLOYER = join(ROOT, 'dist/deployer.mjs')

export const NAMESPACE = 'todo-chat-dev'
/** How often the benchmark repeats a measurement. */
export const REPETITIONS = Number(process.env['REPETITIONS'] ?? 3)

export interface Ran {
  exitCode: number | null
  stdout: string
  stderr: string
  /** Of deploy and rollback. */
  report: RunReport
  seconds: number
}

export interface RunOptions {
  args?: readonly string[]
  kubeconfig?: string
  /** Called with each line of progress. */
  onLine?: (line: string, child: ChildProcess) => void
}

type Container = Record<string, unknown> & { image: string; resources: { limits: Record<string, string> } }

/** The part of a workload that faults are made in. */
export interface PodSpec {
  containers: [Container]
  [field: string]: unknown
}

function required(name: string): string {
  const value = process.env[name]
  if (value === undefined || value === '') throw new Error(`${name} is not set: the fault tests need a cluster`)
  return value
}

export class Bench {
  readonly kubeconfig = required('KUBECONFIG')
  readonly ingress = required('INGRESS_URL')
  #cluster: Cluster | undefined
  #rendered: RenderedObject[] | undefined

  constructor() {
    // As the module does it.
    execFileSync('npm', ['run', 'bundle'], { cwd: ROOT, stdio: 'ignore' })
  }

  async cluster(): Promise<Cluster> {
    return (this.#cluster ??= await connect({ kubeconfig: this.kubeconfig }))
  }

  /** The good release, anew at each call, after `change`. */
  async release(change: (objects: KubeObject[]) => void = () => undefined): Promise<KubeObject[]> {
    this.#rendered ??= await render({ manifests: join(ROOT, 'manifests'), environment: 'development' })
    const objects = structuredClone(this.#rendered.map(({ object }) => object))
    change(objects)
    return objects
  }

  /** Puts the good release in place, whatever was there before. */
  async good(): Promise<void> {
    const { exitCode, stdout, stderr } = await this.deploy(await this.release(), { args: ['--force-conflicts', '--adopt', '--timeout', '6m'] })
    if (exitCode !== 0) throw new Error(`the good release does not come into place (exit code ${exitCode}):\n${stderr}\n${stdout}`)
  }

  /** Deploys objects. Load is off: availability has its own tests. */
  async deploy(objects: readonly KubeObject[], { args = [], ...options }: RunOptions = {}): Promise<Ran> {
    const folder = await mkdtemp(join(tmpdir(), 'faults-'))
    try {
      const file = join(folder, 'objects.yaml')
      await writeFile(file, objects.map((object) => stringify(object)).join('---\n'))
      return await this.run(['deploy', '--objects', file, '--ingress-url', this.ingress, '--rate', '0', '--soak', '5s', ...args], options)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }

  /** Runs the command line with `--json`. */
  async run(args: readonly string[], { kubeconfig = this.kubeconfig, onLine }: RunOptions = {}): Promise<Ran> {
    const started = performance.now()
    const child = spawn(process.execPath, [DEPLOYER, '--json', '--kubeconfig', kubeconfig, ...args], { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] })
    const lines: string[] = []
    createInterface(child.stderr).on('line', (line) => {
      lines.push(line)
      onLine?.(line, child)
    })
    const ended = new Promise<number | null>((resolve) => child.on('close', resolve))
    const stdout = await text(child.stdout)
    const exitCode = await ended
    const seconds = (performance.now() - started) / 1000
    return { exitCode, stdout, stderr: lines.join('\n'), report: parseReport(stdout), seconds }
  }

  /** The image that a Deployment runs. */
  async imageOf(name: string): Promise<string | undefined> {
    const object = await (await this.cluster()).get({ apiVersion: 'apps/v1', kind: 'Deployment', namespace: NAMESPACE, name })
    return object === undefined ? undefined : podSpec([object], name).containers[0].image
  }
}

function parseReport(stdout: string): RunReport {
  try {
    return JSON.parse(stdout) as RunReport
  } catch {
    return {} as RunReport
  }
}

/** The pod spec of a workload among the objects, to be changed in place. */
export function podSpec(objects: readonly KubeObject[], name: string): PodSpec {
  const object = objects.find(({ kind, metadata }) => ['Deployment', 'Job', 'StatefulSet'].includes(kind) && metadata.name === name)
  if (object === undefined) throw new Error(`the release has no workload ${name}`)
  return (object['spec'] as { template: { spec: PodSpec } }).template.spec
}

/** The spec of an object among the objects, to be changed in place. */
export function specOf(objects: readonly KubeObject[], kind: string, name: string): Record<string, unknown> {
  const object = objects.find((object) => object.kind === kind && object.metadata.name === name)
  if (object === undefined) throw new Error(`the release has no ${kind} ${name}`)
  return object['spec'] as Record<string, unknown>
}

/** Python in place of the process of a part. */
export function runsPython(spec: PodSpec, program: string): void {
  spec.containers[0]['command'] = ['python3', '-c', program]
}

/** One line for the table of the documentation, when FAULTS_LOG names a file. */
export function record(fault: string, { report, exitCode, seconds }: Ran): void {
  const log = process.env['FAULTS_LOG']
  if (log === undefined) return
  const rollback = report.timeline?.phases.findIndex(({ name }) => name === 'rollback') ?? -1
  const failed = report.timeline?.phases[(rollback < 0 ? report.timeline.phases.length : rollback) - 1]
  const verdictSeconds = report.failure === undefined || failed?.endedAt === undefined ? undefined : (failed.endedAt - failed.startedAt) / 1000
  const rollbackSeconds = report.rollback === undefined ? undefined : report.rollback.durationMs / 1000
  appendFileSync(log, `${JSON.stringify({ fault, exitCode, result: report.result, reason: report.failure?.diagnosis?.reason, phase: report.failure?.phase, verdictSeconds, rollbackSeconds, totalSeconds: seconds })}\n`)
}
