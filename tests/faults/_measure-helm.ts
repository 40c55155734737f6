/**
 * Helm with the same objects. `helm upgrade --install --wait --rollback-on-failure` gets a chart without templates: the objects that the
 * project's chart renders, with the change put in, so that both tools deploy the same.
 */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { stringify } from 'yaml'
import { poll, systemClock } from '../../deploy/src/_poll.ts'
import type { Availability } from '../../deploy/src/proof/availability.ts'
import type { Cluster } from '../../deploy/src/cluster/client.ts'
import type { KubeObject } from '../../deploy/src/release/objects.ts'
import { type Bench, NAMESPACE, REPETITIONS } from './_bench.ts'
import { type Change, FAULTS, otherImage } from './_changes.ts'
import { RATE, underLoad } from './_load.ts'
import { watchReason } from './_reason.ts'
import { type Table, brief, spread } from './_table.ts'

const RELEASE = 'todo-chat'
/** Helm's own default of `--timeout`. */
const TIMEOUT = '5m'

interface HelmRun {
  exitCode: number
  stdout: string
  stderr: string
  seconds: number
}

/** The objects as a chart. The namespace is there already; a Job's pod template cannot be changed, so each revision has its own. */
async function writeChart(folder: string, objects: readonly KubeObject[], index: number): Promise<void> {
  const named = objects
    .filter(({ kind }) => kind !== 'Namespace')
    .map((object) => (object.kind === 'Job' ? { ...object, metadata: { ...object.metadata, name: `${object.metadata.name}-${index}` } } : object))
  await mkdir(join(folder, 'templates'), { recursive: true })
  await writeFile(join(folder, 'Chart.yaml'), stringify({ apiVersion: 'v2', name: RELEASE, version: '0.1.0' }))
  await writeFile(join(folder, 'templates/objects.yaml'), named.map((object) => stringify(object).replaceAll('{{', '{{ "{{" }}')).join('---\n'))
}

function helm(bench: Bench, ...args: string[]): Promise<HelmRun> {
  const started = performance.now()
  return new Promise((resolve) => {
    execFile('helm', ['--kubeconfig', bench.kubeconfig, '--namespace', NAMESPACE, ...args], { maxBuffer: 64 << 20 }, (error, stdout, stderr) => {
      resolve({ exitCode: error === null ? 0 : Number(error.code ?? 1), stdout, stderr, seconds: (performance.now() - started) / 1000 })
    })
  })
}

/** Helm's own records of its revisions: the labels of its Secrets. */
async function records(cluster: Cluster): Promise<{ version: number; status: string | undefined }[]> {
  const secrets = await cluster.list({ apiVersion: 'v1', kind: 'Secret' }, NAMESPACE)
  return secrets.flatMap(({ metadata: { labels = {} } }) => (labels['owner'] === 'helm' ? [{ version: Number(labels['version']), status: labels['status'] }] : []))
}

/** When Helm wrote down that its newest revision failed, in ms since the epoch. */
async function failedAt(cluster: Cluster, revision: number, signal: AbortSignal): Promise<number | undefined> {
  while (!signal.aborted) {
    if ((await records(cluster)).some(({ version, status }) => version === revision && status === 'failed')) return Date.now()
    await sleep(200)
  }
  return undefined
}

/** The newest revision in Helm's own records. */
async function newest(cluster: Cluster): Promise<number> {
  return Math.max(0, ...(await records(cluster)).map(({ version }) => version))
}

async function removeNamespace(cluster: Cluster): Promise<void> {
  const ref = { apiVersion: 'v1', kind: 'Namespace', name: NAMESPACE }
  await cluster.remove(ref)
  const gone = await poll(systemClock, { intervalMs: 500, timeoutMs: 180_000 }, async () => ((await cluster.get(ref)) === undefined ? true : undefined))
  if (!gone) throw new Error(`namespace ${NAMESPACE} is still there 3 minutes after its deletion`)
}

/** An empty namespace with the application's Secrets, since no chart renders them. */
async function freshNamespace(bench: Bench, cluster: Cluster): Promise<void> {
  const secrets = (await cluster.list({ apiVersion: 'v1', kind: 'Secret' }, NAMESPACE)).filter(({ metadata }) => ['todo-chat-database', 'todo-chat-jwt'].includes(metadata.name))
  const namespace = (await bench.release()).find(({ kind }) => kind === 'Namespace')
  if (secrets.length !== 2 || namespace === undefined) throw new Error('the application is not deployed')
  await removeNamespace(cluster)
  await cluster.apply(namespace)
  for (const { apiVersion, kind, metadata, type, data } of secrets) await cluster.apply({ apiVersion, kind, metadata: { name: metadata.name, namespace: NAMESPACE }, type, data } as KubeObject)
}

/** Gives the claim of the backups its first pod: `--wait` waits for it to be bound, and the suspended CronJob makes none. */
async function bindBackupClaim(cluster: Cluster): Promise<void> {
  const ref = { apiVersion: 'batch/v1', kind: 'CronJob', namespace: NAMESPACE, name: 'backup' }
  const cronJob = await poll(systemClock, { intervalMs: 500, timeoutMs: 60_000 }, () => cluster.get(ref))
  if (cronJob === undefined) throw new Error('helm has not made the CronJob backup in 60 s')
  const { jobTemplate } = cronJob['spec'] as { jobTemplate: { spec: object } }
  await cluster.apply({ apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'bind-backup', namespace: NAMESPACE }, spec: jobTemplate.spec } as KubeObject)
}

export async function helmRows(bench: Bench): Promise<Table[]> {
  const cluster = await bench.cluster()
  const folder = await mkdtemp(join(tmpdir(), 'helm-bench-'))
  let index = 0
  const again = (): Promise<HelmRun> => helm(bench, 'upgrade', '--install', RELEASE, folder, '--wait', '--rollback-on-failure', '--timeout', TIMEOUT)
  const upgrade = async (change?: Change): Promise<HelmRun> => {
    index += 1
    await writeChart(folder, await bench.release(change), index)
    return again()
  }
  const good = async (): Promise<HelmRun> => {
    const ran = await upgrade()
    if (ran.exitCode !== 0) throw new Error(`helm does not bring the good release into place:\n${ran.stderr}`)
    return ran
  }
  try {
    const version = (await helm(bench, 'version', '--template', '{{.Version}}')).stdout
    await bench.good()
    await freshNamespace(bench, cluster)
    const [install] = await Promise.all([good(), bindBackupClaim(cluster)])
    const unchanged: number[] = []
    for (let count = 0; count < REPETITIONS; count += 1) unchanged.push((await again()).seconds)
    const images: number[] = []
    const imageLoads: Availability[] = []
    for (let count = 0; count < REPETITIONS; count += 1) {
      const { value, load } = await underLoad(bench, () => upgrade(count % 2 === 0 ? otherImage('frontend') : undefined))
      if (value.exitCode !== 0) throw new Error(value.stderr)
      images.push(value.seconds)
      imageLoads.push(load)
    }
    process.stderr.write(`helm ${version}: install ${install.seconds.toFixed(1)} s, unchanged ${unchanged.join(', ')} s, image ${images.join(', ')} s\n`)
    const sum = (loads: readonly Availability[], pick: (load: Availability) => number): string => String(loads.reduce((total, load) => total + pick(load), 0))
    const plain = [
      ['first release', spread([install.seconds]), '1', '–', '–'],
      ['nothing to change', spread(unchanged), String(unchanged.length), '–', '–'],
      ['another image of the frontend', spread(images), String(images.length), sum(imageLoads, ({ requests }) => requests), sum(imageLoads, ({ failures }) => failures)],
    ]
    const faults: string[][] = []
    for (const { name, reason, change } of FAULTS) {
      await good()
      const revision = (await newest(cluster)) + 1
      const watch = reason === undefined ? undefined : watchReason(cluster, reason)
      const over = new AbortController()
      let started: number | undefined
      const failing = failedAt(cluster, revision, over.signal)
      const { value, load } = await underLoad(bench, () => {
        started = Date.now()
        return upgrade(change)
      })
      over.abort()
      const seen = await watch?.stop()
      const failed = await failing
      const seconds = (from: number | undefined, to: number | undefined): string => (from === undefined || to === undefined ? '–' : ((to - from) / 1000).toFixed(1))
      faults.push([name, seconds(started, failed), seconds(seen, failed), value.seconds.toFixed(1), String(value.exitCode), String(load.requests), String(load.failures), value.stderr.trim() === '' ? '(nothing)' : brief(value.stderr)])
      process.stderr.write(`${faults.at(-1)?.join(' | ')}\n`)
    }
    return [
      { title: `Helm ${version}, \`helm upgrade --install --wait --rollback-on-failure\`, seconds of wall clock`, head: ['what', 'seconds: median (spread)', 'runs', 'requests', 'failed'], rows: plain },
      {
        title: 'Faults, one run each, seconds from the start of the command',
        head: ['fault', 'verdict', 'verdict after the reason', 'command', 'exit code', 'requests', 'failed', 'told'],
        rows: faults,
        note: `The verdict is the moment at which Helm marks its revision as failed; \`--timeout\` is Helm's default of ${TIMEOUT}. ${RATE} requests a second as above. Helm neither backs up before the migration nor waits for it before the pods, measures no availability and asks the application nothing. Its \`--wait\` does not end while a volume claim waits for its first pod, as that of the suspended backup does: the benchmark makes one pod for it; without it the first release was still waiting after almost 5 minutes, with every pod ready.`,
      },
    ]
  } finally {
    await helm(bench, 'uninstall', RELEASE, '--ignore-not-found')
    await removeNamespace(cluster)
    await rm(folder, { recursive: true, force: true })
  }
}
