import { type Container, dag, type Directory, type File, ReturnType, type Secret, type Service } from '@dagger.io/dagger'
import { workspace } from './checks.ts'
import { CHECK_SOURCES } from './sources.ts'

/** How a delivery command reaches its cluster and what it may know. Everything secret is a Secret and arrives as a file. */
export type Target = {
  env: string
  kubeconfig: Secret
  /** Context of the kubeconfig (default: its current one) */
  context?: string | undefined
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
// Not below /tmp: a folder that is laid there takes its permissions away from everybody else.
const REPORT = '/report'

/** The deployer in one file, which starts in a tenth of the time: half of a plan would be the loading of modules. */
export async function bundled(source: Directory): Promise<Container> {
  return (await workspace(source, CHECK_SOURCES.deployer)).withExec(['npm', 'run', 'bundle'])
}

/** The deployer with access to one cluster. */
export async function deployer(source: Directory, target: Target): Promise<Container> {
  let container = (await bundled(source))
    .withMountedSecret(KUBECONFIG, target.kubeconfig, { owner: OWNER, mode: 0o400 })
    .withMountedTemp('/run/deployer')
    // A deployment is never taken from the cache, whatever its arguments.
    .withEnvVariable('DELIVERY', `${Date.now()}-${Math.random()}`)
  if (target.api !== undefined) container = container.withServiceBinding('kubernetes', target.api)
  if (target.ingress !== undefined) container = container.withServiceBinding('ingress', target.ingress)
  return container
}

/** @returns what a command of the deployer prints that asks no cluster */
export async function withoutCluster(source: Directory, args: string[]): Promise<string> {
  return (await bundled(source)).withExec(['node', 'dist/deployer.mjs', ...args]).stdout()
}

/** Options that every command of the deployer takes. */
function globals(target: Target): string[] {
  const optional = (name: string, value: string | null | undefined): string[] => (value ? [name, value] : [])
  return ['--env', target.env, ...optional('--context', target.context), ...optional('--who', target.who), ...optional('--commit', target.commit)]
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

/** Runs one command of the deployer and gives its exit code and both streams; never throws for a non-zero code. */
export async function deliver(container: Container, target: Target, args: string[]): Promise<Delivered> {
  // The API of a cluster on the caller's machine has another name in here; its certificate knows this one.
  const server = target.api === undefined ? [] : ['--server', `https://kubernetes:${await portOf(target.api, '--api')}`]
  const done = container
    .withEnvVariable('KUBECONFIG', KUBECONFIG)
    .withDirectory(REPORT, dag.directory(), { owner: OWNER })
    .withExec(['node', 'dist/deployer.mjs', ...globals(target), ...server, ...args], { expect: ReturnType.Any })
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

/** @returns report.json, report.md and report.html of a run that wrote them, else why it did not as report.md; the streams as text files beside them */
export async function reportOf({ container, stdout, stderr, code }: Delivered): Promise<Directory> {
  const report = container.directory(REPORT).withNewFile('stdout.txt', stdout).withNewFile('stderr.txt', stderr).withNewFile('exit-code', `${code}\n`)
  // A workflow shows report.md whatever the result, and after bad input the reason most of all.
  return (await report.exists('report.md')) ? report : report.withNewFile('report.md', `## ✗ ${MEANINGS[code] ?? 'unexpected'} (exit code ${code})\n\n\`\`\`\n${stderr.trim()}\n\`\`\`\n`)
}

/** Where the commands of `deliver` write their report. */
export const REPORT_OPTIONS = ['--report-dir', REPORT]

/** @returns the container with a file or secret mounted, and the option that names it */
export function withInput(container: Container, option: string, name: string, input: File | Secret | undefined): [Container, string[]] {
  // An input that is not given arrives as null.
  if (input === undefined || input === null) return [container, []]
  const path = `/run/inputs/${name}`
  const mounted = 'plaintext' in input ? container.withMountedSecret(path, input, { owner: OWNER, mode: 0o400 }) : container.withFile(path, input, { owner: OWNER })
  return [mounted, [option, path]]
}

/** What a release is made of. A secret whose text is empty counts as not given. */
export type ReleaseInputs = {
  images?: File | undefined
  secrets?: Secret | undefined
  settings?: Secret | undefined
  set: string[]
  stagingKubeconfig?: Secret | undefined
  imageKey?: Secret | undefined
  registryCa?: Secret | undefined
  savedPlan?: File | undefined
  allow: string[]
  forceConflicts: boolean
  adopt: boolean
  pruneData: boolean
}

/** How a run asks, and when it gives up. */
export type RunInputs = { ingressCa?: Secret | undefined; insecureIngress: boolean; timeout: string; rate?: number | undefined }

function flags(given: Record<string, boolean>): string[] {
  return Object.entries(given).flatMap(([flag, set]) => (set ? [flag] : []))
}

/** @returns the container with the inputs of a release mounted, and the options that name them */
export function withRelease(container: Container, inputs: ReleaseInputs): [Container, string[]] {
  const mounts = [
    ['--images', 'images.json', inputs.images],
    ['--secrets-file', 'secrets.json', inputs.secrets],
    ['--settings', 'settings.yaml', inputs.settings],
    ['--staging-kubeconfig', 'staging-kubeconfig', inputs.stagingKubeconfig],
    ['--image-key', 'image-key.pem', inputs.imageKey],
    ['--registry-ca', 'registry-ca.pem', inputs.registryCa],
    ['--plan', 'plan.json', inputs.savedPlan],
  ] as const
  const options = [
    ...inputs.set.flatMap((assignment) => ['--set', assignment]),
    ...inputs.allow.flatMap((rule) => ['--allow', rule]),
    ...flags({ '--force-conflicts': inputs.forceConflicts, '--adopt': inputs.adopt, '--prune-data': inputs.pruneData }),
  ]
  return mounts.reduce<[Container, string[]]>(
    ([mounted, named], [option, name, input]) => {
      const [next, own] = withInput(mounted, option, name, input)
      return [next, [...named, ...own]]
    },
    [container, options],
  )
}

/** @returns the container with the inputs of a run mounted, and the options that name them */
export async function withRun(container: Container, target: Target, { ingressCa, insecureIngress, timeout, rate }: RunInputs): Promise<[Container, string[]]> {
  const [mounted, ca] = withInput(container, '--ingress-ca', 'ingress-ca.pem', ingressCa)
  // An optional number that is not given arrives as null.
  const number = rate === undefined || rate === null ? [] : ['--rate', String(rate)]
  return [mounted, [...ca, ...(await ingressOptions(target)), ...flags({ '--insecure-ingress': insecureIngress }), ...(timeout === '' ? [] : ['--timeout', timeout]), ...number]]
}
