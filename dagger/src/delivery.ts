import { type Container, type Directory, type File, ReturnType, type Secret, type Service } from '@dagger.io/dagger'
import { workspace } from './checks.ts'
import { CHECK_SOURCES } from './sources.ts'

/** How a delivery command reaches its cluster and what it may know. Everything secret is a Secret and arrives as a file. */
export type Target = {
  env: string
  kubeconfig: Secret
  /** API server as a service, for a cluster that listens on the caller's own machine; reached as `kubernetes`, on its own port */
  api?: Service | undefined
  /** Ingress controller as a service; reached as `ingress`, on its own port */
  ingress?: Service | undefined
  ingressUrl?: string | undefined
  commit?: string | undefined
  who?: string | undefined
}

/** What a command of the deployer gave. */
export type Delivered = { code: number; stdout: string; stderr: string; container: Container }

const OWNER = '10001:10001'
const KUBECONFIG = '/run/secrets/kubeconfig'
const REPORT = '/tmp/report'

/** The deployer with access to one cluster. */
export async function deployer(source: Directory, target: Target): Promise<Container> {
  let container = (await workspace(source, CHECK_SOURCES.deployer))
    // In one file the deployer starts in a tenth of the time: half of a plan would be the loading of modules.
    .withExec(['npm', 'run', 'bundle'])
    .withMountedSecret(KUBECONFIG, target.kubeconfig, { owner: OWNER, mode: 0o400 })
    .withMountedTemp('/run/deployer')
    // A deployment is never taken from the cache, whatever its arguments.
    .withEnvVariable('DELIVERY', `${Date.now()}-${Math.random()}`)
  if (target.api !== undefined) container = container.withServiceBinding('kubernetes', target.api)
  if (target.ingress !== undefined) container = container.withServiceBinding('ingress', target.ingress)
  return container
}

/** Options that every command of the deployer takes. */
function globals(target: Target): string[] {
  const optional = (name: string, value: string | null | undefined): string[] => (value ? [name, value] : [])
  return ['--env', target.env, ...optional('--who', target.who), ...optional('--commit', target.commit)]
}

/** @returns the port that a service listens on @throws Error for a service without one */
export async function portOf(service: Service, what: string): Promise<number> {
  const [first] = await service.ports()
  if (first === undefined) throw new Error(`${what} must name a port: tcp://127.0.0.1:<port>`)
  return first.port()
}

/** Options for asking through the ingress. */
export async function ingressOptions(target: Target): Promise<string[]> {
  const url = target.ingress !== undefined ? `http://ingress:${await portOf(target.ingress, '--ingress')}` : target.ingressUrl
  return url === undefined || url === '' ? [] : ['--ingress-url', url]
}

// The API of a cluster on the caller's machine has another name in here; its certificate knows this one.
const RUN = `mkdir -p ${REPORT}
if [ -n "$API_PORT" ]; then sed "s#server: https://[^:]*:[0-9]*#server: https://kubernetes:$API_PORT#" ${KUBECONFIG} >/tmp/kube/config; KUBECONFIG=/tmp/kube/config; else KUBECONFIG=${KUBECONFIG}; fi
export KUBECONFIG
exec node dist/deployer.mjs "$@"`

/** Runs one command of the deployer and gives its exit code and both streams; never throws for a non-zero code. */
export async function deliver(container: Container, target: Target, args: string[]): Promise<Delivered> {
  const done = container
    .withMountedTemp('/tmp/kube')
    .withEnvVariable('API_PORT', target.api === undefined ? '' : String(await portOf(target.api, '--api')))
    .withExec(['sh', '-c', RUN, 'deploy', ...globals(target), ...args], { expect: ReturnType.Any })
  const [code, stdout, stderr] = await Promise.all([done.exitCode(), done.stdout(), done.stderr()])
  return { code, stdout, stderr, container: done }
}

/** @returns the text of a command, or an error whose message has both streams and the deployer's exit code with its meaning */
export function textOf(delivered: Delivered, accepted: readonly number[] = [0]): string {
  if (accepted.includes(delivered.code)) return delivered.stdout
  const meaning = MEANINGS[delivered.code] ?? 'unexpected'
  throw new Error([delivered.stderr, delivered.stdout, `deployer: exit code ${delivered.code} (${meaning})`].filter((part) => part.trim() !== '').join('\n'))
}

const MEANINGS: Record<number, string> = { 1: 'failed', 2: 'changes pending', 3: 'bad input', 4: 'another deployment holds the lock' }

/** @returns report.json, report.md and report.html of a run that wrote them, else the streams as text files */
export function reportOf({ container, stdout, stderr, code }: Delivered): Directory {
  return container.directory(REPORT).withNewFile('stdout.txt', stdout).withNewFile('stderr.txt', stderr).withNewFile('exit-code', `${code}\n`)
}

/** Where the commands of `deliver` write their report. */
export const REPORT_OPTIONS = ['--report-dir', REPORT]

/** @returns the container with a file or secret mounted, and the option that names it */
export function withInput(container: Container, option: string, name: string, input: File | Secret | undefined): [Container, string[]] {
  if (input === undefined) return [container, []]
  const path = `/run/inputs/${name}`
  const mounted = 'plaintext' in input ? container.withMountedSecret(path, input, { owner: OWNER, mode: 0o400 }) : container.withFile(path, input, { owner: OWNER })
  return [mounted, [option, path]]
}
