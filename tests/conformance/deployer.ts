/** The project's deployer, run as a person runs it. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import type { Settings } from './settings.ts'
import { TIMEOUTS } from './timeouts.ts'

export interface DeployerRun {
  exitCode: number
  stdout: string
  stderr: string
}

/**
 * Runs a command of the deployer against the cluster of the settings.
 * @param args command and options; environment and kubeconfig are added
 */
export function runDeployer({ environment, kubeconfig, root }: Settings, args: readonly string[], signal: AbortSignal): Promise<DeployerRun> {
  const argv = ['--import', 'tsx', join('deploy', 'src', 'cli.ts'), ...args, '--env', environment, '--kubeconfig', kubeconfig, '--no-color', '--who', 'conformance']
  return new Promise((resolve, reject) => {
    execFile(process.execPath, argv, { cwd: root, timeout: TIMEOUTS.deploy, maxBuffer: 64 * 1024 * 1024, signal }, (error, stdout, stderr) => {
      if (error === null) resolve({ exitCode: 0, stdout, stderr })
      else if (typeof error.code === 'number') resolve({ exitCode: error.code, stdout, stderr })
      else if (error.killed === true) reject(new Error(`deployer ${args[0]} did not end within ${TIMEOUTS.deploy / 1000} s: ${stderr.slice(-400)}`))
      else reject(error)
    })
  })
}

/** Options that say what is released and how it is reached; the same for plan and deploy. */
export function releaseArgs({ images }: Settings): string[] {
  return ['--manifests', 'manifests', ...(images === undefined ? [] : ['--images', images.file])]
}

/**
 * Options of a run without its own measurements: the suite measures.
 * @param report folder of the run's report, inside that of the suite
 */
export function runArgs(settings: Settings, ingressUrl: URL | undefined, report = 'deploy'): string[] {
  return ['--rate', '0', '--soak', '2s', ...(ingressUrl === undefined ? [] : ['--ingress-url', ingressUrl.href, '--insecure-ingress']), '--report-dir', join(settings.reportDir, report), '--json']
}
