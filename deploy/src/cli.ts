/** argv → command; result or error → exit code. The only file that uses the process and the console. */
import { mkdir, writeFile } from 'node:fs/promises'
import { hostname, userInfo } from 'node:os'
import { join } from 'node:path'
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import pc from 'picocolors'
import { type Duration, formatDuration, parseDuration } from './_duration.ts'
import { systemClock } from './_poll.ts'
import { connect } from './cluster/client.ts'
import { kubeconfigFor, loadKubeconfig } from './cluster/kubeconfig.ts'
import { type Budget, parseBudget } from './proof/availability.ts'
import { backup } from './commands/backup.ts'
import { bootstrapText, deployerToken } from './commands/bootstrap.ts'
import { type DeployInput, deploy } from './commands/deploy.ts'
import { type DoctorInput, doctor, doctorText } from './commands/doctor.ts'
import { drift } from './commands/drift.ts'
import { history, historyText } from './commands/history.ts'
import { type PlanInput, plan } from './commands/plan.ts'
import { restoreDrill } from './commands/restore-drill.ts'
import { type AsideAction, type RestoredManifest, restore, restoreAside } from './commands/restore.ts'
import { rollback } from './commands/rollback.ts'
import { type SignatureStore, sign } from './commands/sign.ts'
import { status, statusText } from './commands/status.ts'
import type { IngressAddress } from './proof/entrances.ts'
import { BadInput, DeployError, describe, exitCodeOf } from './errors.ts'
import { ENVIRONMENTS, type Environment, GATES, type Gate, OVERLAYS } from './release/gates.ts'
import { verifiedImages } from './cluster/history.ts'
import type { Images } from './release/images.ts'
import { readAuthorities, readCommit, readImageKeys, readImages, readInput, readObjects, readSecrets, readSecretsFile, readSettings, readVerified } from './release/inputs.ts'
import { toHtml } from './report/page.ts'
import { withinNamespace } from './cluster/namespaced.ts'
import type { RenderedObject } from './release/objects.ts'
import { realOutside } from './cluster/outside.ts'
import { type Colors, driftText, planText } from './report/plantext.ts'
import { progressLines } from './rollout/progress.ts'
import { NAMESPACES, RENDERERS, type Renderer, render } from './release/render.ts'
import { readSignatures, writeSignatures } from './cluster/registry.ts'
import { type RunReport, exitCodeOfResult, toJson, toMarkdown, toText } from './report/report.ts'
import { type SavedPlan, parsePlan } from './plan/saved.ts'
import { PULL_KEY } from './release/secrets.ts'
import { type Context, checkHome } from './session.ts'
import { todoChat } from './todo-chat.ts'
import { isOfObjects, policyFrom, type Settings, settingRows, settingsText } from './release/settings.ts'
import { signingKey, unsignedImages } from './release/signature.ts'

interface GlobalOptions {
  env: Environment
  kubeconfig?: string
  context?: string
  server?: URL
  namespace?: string
  json: boolean
  color: boolean
  who?: string
  commit?: string
}

interface ReleaseOptions {
  objects?: string
  manifests: string
  renderer: Renderer
  images?: string
  secretsDir?: string
  secretsFile?: string
  settings?: string
  set?: string[]
  generateSecrets?: boolean
  verifiedBy?: string
  stagingKubeconfig?: string
  imageKey?: string
  registryCa?: string
  allow?: Gate[]
  adopt?: boolean
  forceConflicts?: boolean
  pruneData?: boolean
}

interface LockOptions {
  timeout: number
  lockWait: number
}

interface RunOptions extends LockOptions {
  ingressUrl?: URL
  ingressHost?: string
  ingressCa?: string
  insecureIngress?: boolean
  rate: number
  soak: number
  reportDir?: string
}

type DeployOptions = ReleaseOptions & RunOptions & { plan?: string; maxFailed?: Budget; backup: boolean; rollback: boolean }

const interrupt = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    // The first one stops in order; who asks again does not want to wait for that.
    if (interrupt.signal.aborted) process.exit(1)
    interrupt.abort(new DeployError(`stopped by ${signal}; nothing was rolled back`, { next: 'run deploy again: it goes on from here' }))
  })
}

function duration(text: string): number {
  try {
    return parseDuration(text)
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message)
  }
}

function durationOption(flags: string, description: string, standard: Duration): Option {
  return new Option(flags, description).argParser(duration).default(parseDuration(standard), standard)
}

function budget(text: string): Budget {
  try {
    return parseBudget(text)
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message)
  }
}

function natural(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('not a whole number')
  return Number(text)
}

function collect(value: string, before: string[] = []): string[] {
  return [...before, value]
}

function httpUrl(text: string): URL {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) throw new InvalidArgumentError('not a http or https address')
  return new URL(text)
}

function program(): Command {
  const root = new Command('todo-chat-deploy')
    .description('Deploys todo-chat to Kubernetes: plan, apply, watch, verify, roll back.\nExit codes: 0 done or nothing to do, 1 failed, 2 changes pending (plan, drift), 3 bad input, 4 lock held.')
    .addOption(new Option('--env <environment>', 'environment').choices(ENVIRONMENTS).default('dev'))
    .addOption(new Option('--kubeconfig <file>', 'kubeconfig of the cluster').env('KUBECONFIG'))
    .option('--context <name>', 'context of the kubeconfig (default: its current one)')
    .addOption(new Option('--server <url>', 'where the API server is reached instead of the address in the kubeconfig, whose path stays').argParser(httpUrl))
    .option('--namespace <name>', 'namespace (default: that of the environment)')
    .option('--json', 'write the result as JSON to standard output', false)
    .option('--no-color', 'write without colour')
    .option('--who <name>', 'who deploys, for the lock and the history (default: user@host)')
    .option('--commit <sha>', 'commit of the manifests, -dirty appended when the tree has other changes (default: asked of git)')
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(pc.red(text)) })
    .showHelpAfterError('(--help lists the options)')

  withRelease(root.command('plan').description('show what deploy would do, by server-side dry run; exit code 2 when changes are pending'))
    .option('--out <file>', 'save the plan for deploy --plan')
    .action(action(runPlan))
  withRun(withRelease(root.command('deploy').description('put a release in place and prove it, or bring the one before back and prove that')))
    .option('--plan <file>', 'carry out exactly this saved plan; refuse when the cluster has changed since')
    .option('--max-failed <number>', 'most requests that may fail during the rollout, or a share such as 0.1%; with more it is stopped and rolled back (default: any number)', budget)
    .option('--no-backup', 'migrate without a backup')
    .option('--no-rollback', 'leave a failed release in place')
    .action(action(runDeploy))
  withRun(root.command('rollback').description('bring a kept revision back and prove it'))
    .option('--to <revision>', 'revision (default: the good one before the current one)', natural)
    .option('--restore-secrets', 'bring back the values of its Secrets too; without, keys and passwords stay as they are now')
    .action(action(runRollback))
  withIngress(withRelease(root.command('doctor').description('whether a deployment would find everything that it needs; changes nothing; exit code 1 when something is wrong'))).action(action(runDoctor))
  root
    .command('bootstrap')
    .description('print what an administrator applies once, so that a pipeline needs no right outside the namespace; asks no cluster')
    .option('--manifests <folder>', 'folder with overlays and chart', 'manifests')
    .addOption(new Option('--renderer <name>', 'how to render').choices(RENDERERS).default('kustomize'))
    .action(async (options: Pick<ReleaseOptions, 'manifests' | 'renderer'>, command: Command) => {
      const { env } = command.optsWithGlobals<GlobalOptions>()
      answer(bootstrapText(await render({ ...options, environment: OVERLAYS[env], signal: interrupt.signal }), env, NAMESPACES[OVERLAYS[env]]))
    })
  root.command('access').description("print the pipeline's kubeconfig, after an administrator has applied what bootstrap prints; needs the administrator's kubeconfig").action(action(runAccess))
  root.command('settings').description('what a team sets for its environments: names, meanings, defaults; asks no cluster').action((_options: unknown, command: Command) => {
    answer(command.optsWithGlobals<GlobalOptions>().json ? JSON.stringify(settingRows(), null, 2) : settingsText())
  })
  root
    .command('sign')
    .description("sign images in their registry, with the registry's credentials of the person; what the key has signed before stays; asks no cluster")
    .requiredOption('--images <file>', 'JSON object of image name to reference by digest, as publish writes it')
    .requiredOption('--key <file>', 'private key: EC, curve P-256, PEM without a password')
    .action(runSign)
  root.command('status').description('what runs where, and how it is; exit code 1 when it is not healthy').action(action(runStatus))
  root.command('drift').description('differences between the cluster and the current revision; exit code 2 when there are any').action(action(runDrift))
  root.command('history').description('kept revisions: who, what, when, with which result').action(action(runHistory))
  root.command('backup').description('back the database up and bring a copy here').requiredOption('--out <file>', 'archive to write').action(action(runBackup))
  withLock(root.command('restore').description('put a backup in place of the database; refuses a database with rows'))
    .requiredOption('--from <file>', 'archive made by backup')
    .option('--force', 'replace rows that are there')
    .action(action(runRestore))
  withLock(root.command('restore-undo').description('bring back what the newest restore has put aside, and put aside what is there')).action(action(runRestoreUndo))
  withLock(root.command('restore-forget').description('drop what restores have put aside')).action(action(runRestoreForget))
  root
    .command('restore-drill')
    .description('prove that a backup can be restored, in a fresh PostgreSQL that is removed again')
    .option('--from <file>', 'archive made by backup (default: a new backup)')
    .action(action(runRestoreDrill))
  return root
}

function withLock(command: Command): Command {
  return command
    .addOption(durationOption('--timeout <duration>', 'limit of the way forward', '15m'))
    .addOption(durationOption('--lock-wait <duration>', 'how long to wait for another deployer', '30s'))
}

function withRelease(command: Command): Command {
  return command
    .option('--objects <file>', 'rendered objects as YAML documents, - for standard input (default: render --manifests)')
    .option('--manifests <folder>', 'folder with overlays and chart', 'manifests')
    .addOption(new Option('--renderer <name>', 'how to render').choices(RENDERERS).default('kustomize'))
    .option('--images <file>', 'JSON object of image name to reference, as publish writes it')
    .option('--settings <file>', 'settings of this environment, YAML or JSON; the command settings lists them')
    .option('--set <name=value>', 'one setting, which wins over the file; may be repeated', collect)
    .option('--secrets-dir <folder>', 'secret values: one file per key, the file name is the key')
    .option('--secrets-file <file>', 'secret values as one JSON object of key to value; its key environment, when it has one, must be this one')
    .option('--generate-secrets', 'make up missing passwords and keys (default: in dev)')
    .option('--verified-by <report>', 'report.json of the staging run that verified these images')
    .option('--staging-kubeconfig <file>', 'kubeconfig of the staging cluster, to ask which images it has verified; an empty file means none')
    .option('--image-key <file>', 'public keys of those who may sign images, PEM; every image must be signed by one of them; an empty file asks for no signature')
    .option('--registry-ca <file>', 'certificate authorities of the registry, PEM; an empty file means the public ones')
    .addOption(new Option('--allow <gates...>', `lift refusals: ${Object.entries(GATES).map(([name, text]) => `${name} (${text})`).join(', ')}`).choices(Object.keys(GATES)))
    .option('--adopt', 'take over objects of the same name that somebody else made')
    .option('--force-conflicts', 'take over fields that other managers own')
    .option('--prune-data', 'also remove volumes and namespaces that are no longer in the manifests')
}

function withIngress(command: Command): Command {
  return command
    .option('--ingress-url <url>', 'where the ingress controller listens', httpUrl)
    .option('--ingress-host <name>', 'host name to ask for (default: that of the Ingress)')
    .option('--ingress-ca <file>', 'certificate authorities of the ingress, PEM; an empty file means none')
    .option('--insecure-ingress', 'accept any certificate of the ingress')
}

function withRun(command: Command): Command {
  return withIngress(withLock(command))
    .option('--rate <number>', 'most requests a second of the availability measurement, fewer where the application takes long for them; 0 measures nothing', natural, 100)
    .addOption(durationOption('--soak <duration>', 'no new container may restart for so long after readiness', '10s'))
    .option('--report-dir <folder>', 'write report.json, report.md and report.html there')
}

function action<Options>(run: (context: Context, options: Options, globals: GlobalOptions) => Promise<number>): (options: Options, command: Command) => Promise<void> {
  return async (options, command) => {
    const globals = command.optsWithGlobals<GlobalOptions>()
    process.exitCode = await run(await contextOf(globals), options, globals)
  }
}

async function contextOf(globals: GlobalOptions): Promise<Context> {
  if (!globals.kubeconfig) throw new BadInput('no kubeconfig is given', { next: 'give --kubeconfig, or set KUBECONFIG' })
  const [cluster, commit] = await Promise.all([
    connect({
      kubeconfig: globals.kubeconfig,
      ...(globals.context === undefined ? {} : { context: globals.context }),
      ...(globals.server === undefined ? {} : { server: globals.server }),
      onTrouble: (text) => tell([`! ${text}`]),
    }),
    globals.commit ?? readCommit(),
  ])
  const namespace = globals.namespace ?? NAMESPACES[OVERLAYS[globals.env]]
  if (globals.namespace === undefined) checkHome(cluster.home, globals.env)
  return {
    application: todoChat,
    cluster: withinNamespace(cluster, namespace, (text) => tell([`! ${text}`])),
    clock: systemClock,
    environment: globals.env,
    namespace,
    progress: (event) => tell(progressLines(event)),
    interrupt: interrupt.signal,
    who: globals.who ?? `${userName()}@${hostname()}`,
    ...(commit === undefined ? {} : { commit }),
  }
}

/** A container's user need not have a name. */
function userName(): string {
  try {
    return userInfo().username
  } catch {
    return `uid-${process.getuid?.() ?? 'unknown'}`
  }
}

/** Progress goes to standard error: standard output is for the result. */
function tell(lines: readonly string[]): void {
  for (const line of lines) process.stderr.write(`${line}\n`)
}

function answer(text: string): void {
  process.stdout.write(`${text}\n`)
}

function colorsOf({ color }: GlobalOptions): Colors {
  return pc.createColors(color && pc.isColorSupported && process.stdout.isTTY)
}

async function renderedObjects(context: Context, { objects, manifests, renderer }: ReleaseOptions, settings: Settings): Promise<RenderedObject[]> {
  if (objects === undefined) return render({ manifests, environment: OVERLAYS[context.environment], renderer, settings, signal: interrupt.signal })
  if (Object.keys(settings).some(isOfObjects)) throw new BadInput('settings have no effect on objects that are rendered already', { next: 'leave --objects out, or --set and --settings' })
  return readObjects(objects, process.stdin)
}

type ReleaseInputs = PlanInput & Pick<DoctorInput, 'registryCa'>

async function verifiedInput({ verifiedBy, stagingKubeconfig }: ReleaseOptions): Promise<Images[] | undefined> {
  if (verifiedBy !== undefined) return [await readVerified(verifiedBy)]
  if (stagingKubeconfig === undefined || (await readInput(stagingKubeconfig, '--staging-kubeconfig')).trim() === '') return undefined
  return verifiedImages(await connect({ kubeconfig: stagingKubeconfig }), NAMESPACES.staging)
}

/** What tells unsigned images; undefined where nobody said who may sign. */
async function unsignedInput({ imageKey }: ReleaseOptions, registryCa: string | undefined, secretFiles: ReadonlyMap<string, Buffer>): Promise<ReleaseInputs['unsigned']> {
  const keys = await readImageKeys(imageKey)
  if (keys === undefined) return undefined
  const credentials = secretFiles.get(PULL_KEY)?.toString()
  // Without one of its own the registry may be of the authority that the application trusts.
  const ca = registryCa ?? secretFiles.get('ca.crt')?.toString()
  const access = { ...(credentials === undefined ? {} : { credentials }), ...(ca === undefined ? {} : { ca }) }
  return (images) => unsignedImages(images, keys, (reference) => readSignatures(reference, access))
}

/** The settings are read once, since their file may be a pipe. */
function settingsFrom({ settings, set = [] }: ReleaseOptions): Promise<Settings> {
  return readSettings(settings, set)
}

/** A saved plan brings its own objects and images. */
async function releaseInput(context: Context, options: ReleaseOptions, settings: Settings, saved?: SavedPlan): Promise<ReleaseInputs> {
  const secretFiles = new Map([...(await readSecrets(options.secretsDir)), ...(options.secretsFile === undefined ? [] : await readSecretsFile(options.secretsFile, context.environment))])
  const registryCa = await readAuthorities(options.registryCa, '--registry-ca')
  const unsigned = await unsignedInput(options, registryCa, secretFiles)
  return {
    rendered: saved === undefined ? await renderedObjects(context, options, settings) : [],
    images: saved === undefined ? await readImages(options.images) : {},
    verified: await verifiedInput(options),
    allowed: new Set(options.allow ?? []),
    secretFiles,
    ...(unsigned && { unsigned }),
    ...(registryCa === undefined ? {} : { registryCa }),
    generateSecrets: options.generateSecrets ?? context.environment === 'dev',
    force: options.forceConflicts ?? false,
    adopt: options.adopt ?? false,
    pruneData: options.pruneData ?? false,
  }
}

async function runInput(options: RunOptions): Promise<Pick<DeployInput, 'rate' | 'soakMs' | 'timeoutMs' | 'lockWaitMs'> & { ingress?: IngressAddress }> {
  const { ingressUrl, ingressHost, ingressCa, insecureIngress, rate, soak, timeout, lockWait } = options
  const ca = await readAuthorities(ingressCa, '--ingress-ca')
  const ingress = ingressUrl && { url: ingressUrl, verifyTls: insecureIngress !== true, ...(ca && { ca }), ...(ingressHost === undefined ? {} : { host: ingressHost }) }
  return { rate, soakMs: soak, timeoutMs: timeout, lockWaitMs: lockWait, ...(ingress && { ingress }) }
}

async function runPlan(context: Context, options: ReleaseOptions & { out?: string }, globals: GlobalOptions): Promise<number> {
  const result = await plan(context, await releaseInput(context, options, await settingsFrom(options)))
  if (options.out !== undefined) await writeFile(options.out, JSON.stringify(result.saved))
  const { operations, problems, fingerprint } = result.plan
  tell(result.notes)
  answer(globals.json ? JSON.stringify({ operations, problems, fingerprint, generated: result.generated, notes: result.notes }, null, 2) : planText(result.plan, result.generated, colorsOf(globals)))
  return result.exitCode
}

async function runDeploy(context: Context, options: DeployOptions, globals: GlobalOptions): Promise<number> {
  const savedPlan = options.plan === undefined ? undefined : parsePlan(await readInput(options.plan, '--plan'), options.plan)
  const { maxFailed } = options
  if (maxFailed !== undefined && options.rate === 0) throw new BadInput('--max-failed needs the measurement that --rate 0 leaves out', { next: 'leave one of them out' })
  const settings = await settingsFrom(options)
  const release = await releaseInput(context, options, settings, savedPlan)
  const policy = policyFrom(settings)
  const report = await deploy({ ...context, policy }, { ...release, ...(await runInput(options)), backup: options.backup, rollBack: options.rollback, ...(maxFailed && { maxFailed }), ...(savedPlan && { savedPlan }) })
  return finish(report, options, globals)
}

async function runRollback(context: Context, options: RunOptions & { to?: number; restoreSecrets?: boolean }, globals: GlobalOptions): Promise<number> {
  const report = await rollback(context, { ...(await runInput(options)), ...(options.to === undefined ? {} : { to: options.to }), restoreSecrets: options.restoreSecrets ?? false })
  return finish(report, options, globals)
}

async function finish(report: RunReport, { reportDir }: RunOptions, globals: GlobalOptions): Promise<number> {
  if (reportDir !== undefined) {
    await mkdir(reportDir, { recursive: true })
    await writeFile(join(reportDir, 'report.json'), toJson(report))
    await writeFile(join(reportDir, 'report.md'), toMarkdown(report))
    await writeFile(join(reportDir, 'report.html'), toHtml(report))
  }
  answer(globals.json ? toJson(report) : toText(report))
  return exitCodeOfResult(report.result)
}

async function runDoctor(context: Context, options: ReleaseOptions & RunOptions, globals: GlobalOptions): Promise<number> {
  const { ingress } = await runInput(options)
  const findings = await doctor(context, { ...(await releaseInput(context, options, await settingsFrom(options))), ...(ingress && { ingress }) }, realOutside)
  answer(globals.json ? JSON.stringify(findings, null, 2) : doctorText(findings))
  return findings.some(({ result }) => result === 'wrong') ? 1 : 0
}

async function runSign({ images, key }: { images: string; key: string }, command: Command): Promise<void> {
  const signer = signingKey(await readInput(key, '--key'), `--key ${key}`)
  const store: SignatureStore = { read: (reference) => readSignatures(reference, {}), write: (reference, signatures) => writeSignatures(reference, signatures, {}) }
  const signed = await sign(await readImages(images), signer, store)
  answer(command.optsWithGlobals<GlobalOptions>().json ? JSON.stringify({ signed }, null, 2) : signed.length === 0 ? 'signed before' : `signed: ${signed.join(', ')}`)
}

async function runAccess({ cluster, clock, namespace }: Context, _options: unknown, { kubeconfig = '', context, server }: GlobalOptions): Promise<number> {
  const token = await deployerToken(cluster, clock, namespace, interrupt.signal)
  answer(kubeconfigFor(loadKubeconfig(kubeconfig, context, server), 'deployer', token, namespace).trimEnd())
  return 0
}

async function runStatus(context: Context, _options: unknown, globals: GlobalOptions): Promise<number> {
  const report = await status(context)
  answer(globals.json ? JSON.stringify(report, null, 2) : statusText(report))
  return report.healthy ? 0 : 1
}

async function runDrift(context: Context, _options: unknown, globals: GlobalOptions): Promise<number> {
  const report = await drift(context)
  answer(globals.json ? JSON.stringify(report, null, 2) : driftText(report.revision, report.drifts, colorsOf(globals)))
  return report.drifts.length === 0 ? 0 : 2
}

async function runHistory(context: Context, _options: unknown, globals: GlobalOptions): Promise<number> {
  const revisions = await history(context)
  answer(globals.json ? JSON.stringify(revisions, null, 2) : historyText(revisions, context.namespace))
  return 0
}

async function runBackup(context: Context, { out }: { out: string }, globals: GlobalOptions): Promise<number> {
  const report = await backup(context, out)
  answer(globals.json ? JSON.stringify(report, null, 2) : `${report.file}: ${report.bytes} bytes, sha256 ${report.sha256}, on its volume as ${report.folder}`)
  return 0
}

async function runRestore(context: Context, options: LockOptions & { from: string; force?: boolean }, globals: GlobalOptions): Promise<number> {
  const manifest = await restore(context, { file: options.from, force: options.force ?? false, timeoutMs: options.timeout, lockWaitMs: options.lockWait })
  answer(globals.json ? JSON.stringify(manifest, null, 2) : `restored: ${manifestText(manifest)}`)
  return 0
}

function runRestoreUndo(context: Context, options: LockOptions, globals: GlobalOptions): Promise<number> {
  return runAside('undo', context, options, globals)
}

function runRestoreForget(context: Context, options: LockOptions, globals: GlobalOptions): Promise<number> {
  return runAside('forget', context, options, globals)
}

async function runAside(action: AsideAction, context: Context, { timeout, lockWait }: LockOptions, globals: GlobalOptions): Promise<number> {
  const said = await restoreAside(context, { action, timeoutMs: timeout, lockWaitMs: lockWait })
  answer(globals.json ? JSON.stringify({ said }, null, 2) : said)
  return 0
}

async function runRestoreDrill(context: Context, { from }: { from?: string }, globals: GlobalOptions): Promise<number> {
  const report = await restoreDrill(context, from)
  answer(globals.json ? JSON.stringify(report, null, 2) : `restored and compared in ${formatDuration(report.durationMs)}: ${manifestText(report.manifest)}`)
  return 0
}

function manifestText({ created_at, schema_revision, rows, content_hash }: RestoredManifest): string {
  const counts = Object.entries(rows).map(([table, count]) => `${count} in ${table}`).join(', ')
  return `backup of ${created_at}, schema revision ${schema_revision}, ${counts}, content ${content_hash?.slice(0, 12) ?? 'not compared'}`
}

try {
  await program().parseAsync()
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 3
  else {
    // A mistake of the person or the cluster is told; a bug shows where it is.
    process.stderr.write(`${pc.red(error instanceof DeployError ? describe(error) : error instanceof Error ? (error.stack ?? error.message) : String(error))}\n`)
    process.exitCode = exitCodeOf(error)
  }
}
