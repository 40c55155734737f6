import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const ROOT = join(import.meta.dirname, '../../..')
/** A process of its own for each case: seconds on a busy machine. */
const TIMEOUT = 60_000

interface Ended {
  exitCode: number
  stdout: string
  stderr: string
}

function cli(...args: string[]): Promise<Ended> {
  const environment = { ...process.env, KUBECONFIG: '', NO_COLOR: '1' }
  return new Promise((resolve) => {
    execFile(process.execPath, ['--import', 'tsx', 'deploy/src/cli.ts', ...args], { cwd: ROOT, env: environment }, (error, stdout, stderr) => {
      resolve({ exitCode: typeof error?.code === 'number' ? error.code : 0, stdout, stderr })
    })
  })
}

describe('the command line', { timeout: TIMEOUT }, () => {
  it('prints help on request, with the exit codes, and ends with 0', async () => {
    const { exitCode, stdout } = await cli('--help')
    expect(exitCode).toBe(0)
    expect(stdout.replaceAll(/\s+/g, ' ')).toMatch(/0 done or nothing to do, 1 failed, 2 changes pending.*3 bad input, 4 lock held/)
  })

  it('lists the settings without a cluster', async () => {
    const { exitCode, stdout } = await cli('--json', 'settings')
    expect(exitCode).toBe(0)
    expect((JSON.parse(stdout) as { name: string; requiredIn: string[] }[]).find(({ name }) => name === 'oidc.issuer')).toMatchObject({ requiredIn: ['staging', 'prod'] })
  })

  it.each([
    ['an unknown environment', ['--env', 'production', 'plan'], /argument 'production' is invalid. Allowed choices are dev, staging, prod/],
    ['no kubeconfig', ['status'], /no kubeconfig is given\nNext: give --kubeconfig, or set KUBECONFIG/],
    ['a duration without a unit', ['deploy', '--soak', '10'], /'10' is not a duration/],
    ['a kubeconfig that is not there', ['--kubeconfig', '/does/not/exist', 'status'], /kubeconfig \/does\/not\/exist: cannot be read \(ENOENT\)/],
  ])('refuses %s with exit code 3, without a stack', async (_name, args, message) => {
    const { exitCode, stdout, stderr } = await cli(...args)
    expect(stderr).toMatch(message)
    expect(stderr).not.toMatch(/\n {4}at /)
    expect(stdout).toBe('')
    expect(exitCode).toBe(3)
  })
})
