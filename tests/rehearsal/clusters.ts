/** The two clusters of a rehearsal, and the kubeconfigs that a team would hand to its pipeline: the rights of the Role `deployer`, nothing more. */
import { execFile } from 'node:child_process'
import { readFile, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { parse, stringify } from 'yaml'
import { poll, systemClock } from '../../deploy/src/_poll.ts'
import type { Environment } from '../../deploy/src/release/gates.ts'

/** Where each start of a cluster writes its kubeconfig and its address. */
const SHARED = '/clusters'
/** From the start of a node to its add-ons, in ms: 20 s alone on the machine, here two of them start beside everything else. */
const LIMIT = 5 * 60_000
/** Add-ons that deployments rely on. */
const ADDONS = ['coredns', 'local-path-provisioner', 'metrics-server', 'traefik']

export interface Cluster {
  /** The administrator's kubeconfig, as a file. */
  kubeconfig: string
  /** Of its only node, where its ingress controller listens too. */
  address: string
}

/** Where the deployer's sources and their packages lie. */
const WORKSPACE = join(import.meta.dirname, '../..')

const run = promisify(execFile)

/** @returns standard output @throws Error with what kubectl said */
export async function kubectl(kubeconfig: string, ...args: string[]): Promise<string> {
  return (await run('kubectl', ['--kubeconfig', kubeconfig, '--request-timeout=20s', ...args], { maxBuffer: 1 << 26 })).stdout
}

/**
 * Waits for a cluster that this run has started.
 * @throws Error that says what was waited for, with the cluster's pods and events
 */
export async function awaitCluster(name: string, say: (text: string) => void): Promise<Cluster> {
  let waitsFor = 'its API'
  let found: Cluster | undefined
  const ready = await poll(systemClock, { intervalMs: 1_000, timeoutMs: LIMIT }, async () => {
    try {
      found ??= await answering(name)
      if (found === undefined) return undefined
      for (const addon of ADDONS) {
        waitsFor = addon
        await kubectl(found.kubeconfig, '--namespace=kube-system', 'wait', '--for=condition=Available', `deployment/${addon}`, '--timeout=1s')
      }
      waitsFor = 'the metrics API'
      await kubectl(found.kubeconfig, 'top', 'nodes')
      return found
    } catch {
      return undefined
    }
  })
  if (ready === undefined) {
    const state = found === undefined ? '' : await kubectl(found.kubeconfig, 'get', 'nodes,pods,events', '--all-namespaces').catch(String)
    throw new Error(`cluster ${name}: ${waitsFor} is not there after ${LIMIT / 1000} s\n${state}`)
  }
  say(`cluster ${name}: ready at ${ready.address}`)
  return ready
}

/** The newest start of this name whose API answers. */
async function answering(name: string): Promise<Cluster | undefined> {
  const folder = join(SHARED, name)
  const starts = await Promise.all((await readdir(folder).catch(() => [])).map(async (start) => ({ path: join(folder, start), at: (await stat(join(folder, start))).mtimeMs })))
  for (const { path } of starts.sort((a, b) => b.at - a.at)) {
    try {
      const address = (await readFile(join(path, 'address'), 'utf8')).trim()
      const config = parse(await readFile(join(path, 'kubeconfig.yaml'), 'utf8')) as { clusters: { cluster: { server: string } }[] }
      for (const { cluster } of config.clusters) cluster.server = `https://${address}:6443`
      const kubeconfig = `/tmp/${name}.kubeconfig`
      await writeFile(kubeconfig, stringify(config), { mode: 0o600 })
      await kubectl(kubeconfig, 'get', '--raw', '/readyz', '--request-timeout=2s')
      return { kubeconfig, address }
    } catch {
      // Another run's cluster, or one that has not written everything yet.
    }
  }
  return undefined
}

/**
 * What an administrator does once for an environment, by the deployer's own commands: applies what `bootstrap` prints, and hands over what
 * `access` prints.
 * @returns the pipeline's kubeconfig, as text
 */
export async function pipelineKubeconfig({ kubeconfig }: Cluster, env: Environment, repository: string): Promise<string> {
  const deployer = async (...args: string[]): Promise<string> => (await run('npx', ['tsx', 'deploy/src/cli.ts', '--env', env, ...args], { cwd: WORKSPACE })).stdout
  const file = `/tmp/bootstrap-${env}.yaml`
  await writeFile(file, await deployer('bootstrap', '--manifests', join(repository, 'manifests')))
  await kubectl(kubeconfig, 'apply', '--server-side', '--field-manager=todo-chat-deploy', '--filename', file)
  return deployer('--kubeconfig', kubeconfig, 'access')
}
