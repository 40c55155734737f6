/** Inputs that production must refuse, by the lines of its own workflow: what it says, and that nothing was changed. */
import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify, stripVTControlCharacters } from 'node:util'
import { call, ownCheckout } from './calls.ts'
import { kubectl } from './clusters.ts'
import { signers } from './environments.ts'
import type { Journal } from './journal.ts'
import { lastLines, type World, workflowCalls } from './way.ts'
import type { Contexts } from './workflows.ts'

const run = promisify(execFile)

interface Refusal {
  title: string
  /** What the deployer must say. */
  says: RegExp
  /** Changes what GitHub hands over. */
  given?: (contexts: Contexts, world: World) => Contexts
  /** Changes the world before the call, and gives what changes it back. */
  before?: (world: World, sha: string) => Promise<() => Promise<void>>
}

const REFUSALS: readonly Refusal[] = [
  {
    title: 'the secrets of staging',
    says: /these are the secrets of staging, not of prod/,
    given: (contexts, world) => ({ ...contexts, secrets: { ...contexts.secrets, APPLICATION_SECRETS: world.contexts('staging', '').secrets['APPLICATION_SECRETS'] ?? '' } }),
  },
  {
    title: 'the kubeconfig of staging',
    says: /the kubeconfig is for namespace todo-chat-staging, which is that of staging, not of prod/,
    given: (contexts) => ({ ...contexts, secrets: { ...contexts.secrets, KUBECONFIG: contexts.secrets['STAGING_KUBECONFIG'] ?? '' } }),
  },
  {
    title: 'no settings and no secrets: all that is missing in one list',
    says: /database\.host[\s\S]*oidc\.issuer|oidc\.issuer[\s\S]*database\.host/,
    given: (contexts) => ({ ...contexts, vars: { ...contexts.vars, SETTINGS: '' }, secrets: { ...contexts.secrets, APPLICATION_SECRETS: '' } }),
  },
  {
    title: 'images from where this commit was never published',
    says: /someone-else\/todo-chat\/\w+:[0-9a-f]{40}: cannot be looked up/,
    given: (contexts) => ({ ...contexts, vars: { ...contexts.vars, REGISTRY: (contexts.vars['REGISTRY'] ?? '').replace(/\/.*/, '/Someone-Else/Todo-Chat') } }),
  },
  {
    title: 'images that nobody signed who may',
    says: /backend is signed by somebody else/,
    given: (contexts) => ({ ...contexts, vars: { ...contexts.vars, IMAGE_KEY: signers().public } }),
  },
  {
    title: 'a tag that somebody overwrote in the registry',
    says: /staging has not verified backend/,
    before: overwriteTag,
  },
]

export async function refusals(world: World, journal: Journal, sha: string): Promise<void> {
  await Promise.all([refusedFirst(world, journal), ...REFUSALS.filter(({ before }) => before === undefined).map((refusal) => refused(world, journal, sha, refusal))])
  // What changes the world has it for itself.
  for (const refusal of REFUSALS.filter(({ before }) => before !== undefined)) await refused(world, journal, sha, refusal)
}

async function refused(shared: World, journal: Journal, sha: string, { title, says, given, before }: Refusal): Promise<void> {
  const { path, name } = journal.folderFor(`refused ${title}`)
  const world = { ...shared, checkout: await ownCheckout(shared.checkout, name) }
  const undo = await before?.(world, sha)
  const contexts = (environment: string | undefined, commit: string): Contexts => {
    const own = world.contexts(environment, commit)
    return given === undefined || environment !== 'production' ? own : given(own, world)
  }
  const was = await state(world)
  let said = ''
  let seconds = 0
  const accepted: string[] = []
  for (const each of await workflowCalls({ ...world, contexts }, 'cd-production.yml', sha)) {
    const outcome = await call(each.line, each.env, world.checkout, path)
    seconds += outcome.seconds
    said += outcome.stdout + outcome.stderr + (await readFile(join(world.checkout, 'report/stderr.txt'), 'utf8').catch(() => ''))
    if (outcome.exitCode === 0 && /^(doctor|verdict) /.test(each.line)) accepted.push(each.line.split(' ')[0] ?? '')
  }
  const unchanged = (await state(world)) === was
  const right = says.exec(stripVTControlCharacters(said))?.[0].replace(/\s*\n\s*/g, ' | ').slice(0, 300)
  const isRefused = accepted.length === 0
  const verdict = !isRefused ? `accepted by ${accepted.join(' and ')}` : !unchanged ? 'refused, but something was changed' : right !== undefined ? `refused, nothing changed: ${right}` : `refused for another reason: ${lastLines(said)}`
  journal.add({ chapter: 'refusals', title, call: 'cd-production.yml', seconds, ok: isRefused && unchanged && right !== undefined, verdict, folder: name })
  await undo?.()
}

/** An administrator asks for production in the cluster of the other two, with nothing given: not even a namespace may stay of it. */
async function refusedFirst(world: World, journal: Journal): Promise<void> {
  const title = 'a first deployment that lacks its inputs'
  const line = 'deploy --env=prod --kubeconfig=env://KUBECONFIG_TEXT'
  const { path, name } = journal.folderFor(`refused ${title}`)
  const checkout = await ownCheckout(world.checkout, name)
  const { kubeconfig } = world.clusters.staging
  const { exitCode, stdout, stderr, seconds } = await call(line, { KUBECONFIG_TEXT: await readFile(kubeconfig, 'utf8') }, checkout, path)
  const left = await kubectl(kubeconfig, 'get', 'namespace', 'todo-chat-prod', '--ignore-not-found', '--output=name')
  const right = /prod lacks \d+ inputs/.test(stdout + stderr)
  const verdict = exitCode === 0 ? 'it was not refused' : left !== '' ? `refused, but ${left.trim()} was left behind` : right ? 'refused, and no namespace was left behind' : `refused for another reason: ${lastLines(stderr)}`
  journal.add({ chapter: 'refusals', title, call: `dagger call ${line}`, seconds, ok: exitCode !== 0 && left === '' && right, verdict, folder: name })
}

/** Every object of production that a deployment may write, with its version. */
async function state({ clusters }: World): Promise<string> {
  const kinds = 'deployments,jobs,configmaps,secrets,services,ingresses,networkpolicies,horizontalpodautoscalers,serviceaccounts,roles'
  return kubectl(clusters.production.kubeconfig, '--namespace=todo-chat-prod', 'get', kinds, '--output=jsonpath={range .items[*]}{.kind}/{.metadata.name} {.metadata.uid} {.metadata.generation}{"\\n"}{end}')
}

/** Puts the page's image under the tag of the backend's, as somebody with access to the registry could. */
async function overwriteTag({ contexts }: World, sha: string): Promise<() => Promise<void>> {
  const { vars, secrets } = contexts('production', sha)
  const registry = (vars['REGISTRY'] ?? '').toLowerCase()
  const auth = Buffer.from(`${vars['REGISTRY_USERNAME']}:${secrets['REGISTRY_PASSWORD']}`).toString('base64')
  await writeFile('/tmp/config.json', JSON.stringify({ auths: { [registry.split('/')[0] ?? '']: { auth } } }), { mode: 0o600 })
  const env = { ...process.env, DOCKER_CONFIG: '/tmp', SSL_CERT_FILE: '/authority/ca.crt' }
  const was = (await run('crane', ['digest', `${registry}/backend:${sha}`], { env })).stdout.trim()
  await run('crane', ['tag', `${registry}/backend:${sha}`, 'kept'], { env })
  await run('crane', ['copy', `${registry}/frontend:${sha}`, `${registry}/backend:${sha}`], { env })
  return async () => {
    await run('crane', ['copy', `${registry}/backend@${was}`, `${registry}/backend:${sha}`], { env })
  }
}
