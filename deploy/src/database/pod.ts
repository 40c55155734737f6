/** Short-lived pods with the database's image: to read a backup volume, and to restore into a fresh PostgreSQL. */
import { type Readable, Writable } from 'node:stream'
import type { V1CronJob, V1KeyToPath, V1PodSpec, V1Volume } from '@kubernetes/client-node'
import { poll } from '../_poll.ts'
import { COMPONENT, isBackup, isDatabase } from '../release/databaseparts.ts'
import { diagnose } from '../rollout/diagnose.ts'
import { BadInput, DeployError } from '../errors.ts'
import { STATE_LABELS } from '../release/identity.ts'
import type { Pod } from '../kinds/assessment.ts'
import { isReady, isTerminating } from '../kinds/pod.ts'
import type { KubeObject, ObjectRef, Wire } from '../release/objects.ts'
import type { Run } from '../rollout/run.ts'
import { watchUntilSettled } from '../rollout/watch.ts'
import { writtenAt } from '../rollout/apply.ts'

/** Ends the pod when its maker was killed, in seconds. */
const LIFETIME_S = 900
const GONE_TIMEOUT = 60_000
const NAME = 'app.kubernetes.io/name'
/** The CronJob's volume of passwords. */
const PASSWORDS = 'database'
/** As the database in the cluster has; its data is scratch space here. */
const DRILL_RESOURCES = { requests: { cpu: '100m', memory: '512Mi', 'ephemeral-storage': '1Gi' }, limits: { cpu: '1', memory: '512Mi', 'ephemeral-storage': '1Gi' } }

type PodSpec = Wire<V1PodSpec>
type Volume = Wire<V1Volume>
type KeyToPath = Wire<V1KeyToPath>

/** A container to run commands in. */
export interface PodContainer {
  namespace: string
  name: string
  container: string
}

/** Runs a command to its end, whatever its exit code. `said` is standard error without the blanks around it. */
export async function runInside(run: Run, container: PodContainer, command: readonly string[], stdin?: Readable): Promise<{ exitCode: number; stdout: string; said: string }> {
  const chunks: Buffer[] = []
  const collect = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk)
      done()
    },
  })
  const { exitCode, stderr } = await run.cluster.exec(container, command, collect, stdin)
  return { exitCode, stdout: Buffer.concat(chunks).toString(), said: stderr.trim() }
}

/** @throws BadInput when the release backs nothing up */
export async function findBackupCronJob(run: Run): Promise<KubeObject> {
  const cronJob = (await run.cluster.list({ apiVersion: 'batch/v1', kind: 'CronJob' }, run.namespace)).find(isBackup)
  if (cronJob === undefined) throw new BadInput(`namespace ${run.namespace} has no CronJob of component backup: nothing backs its database up`, { next: 'deploy a release first' })
  return cronJob
}

/**
 * The running database, to run commands beside it, or `undefined` where it is outside the cluster.
 * @throws DeployError when it is in the cluster and not ready
 */
export async function databaseContainer(run: Run): Promise<PodContainer | undefined> {
  if (!(await run.cluster.list({ apiVersion: 'apps/v1', kind: 'StatefulSet' }, run.namespace)).some(isDatabase)) return undefined
  const pods = (await run.cluster.list({ apiVersion: 'v1', kind: 'Pod' }, run.namespace)) as unknown as Pod[]
  const pod = pods.find((pod) => pod.metadata?.labels?.[COMPONENT] === 'database' && isReady(pod) && !isTerminating(pod))
  if (pod === undefined) throw new DeployError('the database has no ready pod', { next: 'see why with status' })
  return containerOf(pod, run.namespace)
}

function containerOf(pod: Pod, namespace: string): PodContainer {
  return { namespace, name: pod.metadata?.name ?? '', container: pod.spec?.containers[0]?.name ?? '' }
}

function backupPod(cronJob: KubeObject, name: string, labels: Record<string, string>, change: (spec: PodSpec) => Partial<PodSpec>): KubeObject {
  const template = (cronJob as unknown as Wire<V1CronJob>).spec?.jobTemplate.spec?.template
  const spec = template?.spec ?? { containers: [] }
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: cronJob.metadata.namespace ?? '', labels: { ...template?.metadata?.labels, ...STATE_LABELS, ...labels } },
    spec: { ...spec, restartPolicy: 'Never', activeDeadlineSeconds: LIFETIME_S, terminationGracePeriodSeconds: 1, ...change(spec) },
  }
}

const WAITS = ['sleep', String(LIFETIME_S)]

/** A pod that mounts what a backup Job mounts and waits. */
export function readerPod(cronJob: KubeObject, name: string): KubeObject {
  return backupPod(cronJob, name, { [COMPONENT]: 'backup-reader' }, ({ containers }) => ({ containers: containers.map((container) => ({ ...container, command: WAITS })) }))
}

/** The pod's volumes with another choice of passwords. */
function withPasswords({ volumes = [] }: PodSpec, choose: (keys: KeyToPath[]) => { items?: KeyToPath[] }): Volume[] {
  return volumes.map((volume) => {
    if (volume.name !== PASSWORDS || volume.secret === undefined) return volume
    const { items = [], ...secret } = volume.secret
    return { ...volume, secret: { ...secret, ...choose(items) } }
  })
}

/** A pod that the backup's network policy lets out to an external database, and that may write there. Its scratch files are on the backup's volume. */
export function restorerPod(cronJob: KubeObject, name: string): KubeObject {
  const key = 'migrator-password'
  return backupPod(cronJob, name, { [NAME]: 'backup', [COMPONENT]: 'backup' }, (spec) => ({
    containers: spec.containers.map((container) => ({ ...container, command: WAITS, env: [...(container.env ?? []), { name: 'TMPDIR', value: '/backup' }] })),
    volumes: withPasswords(spec, (keys) => ({ items: [...keys, { key, path: key }] })),
  }))
}

/** A fresh PostgreSQL of the backup's image, on storage that goes with the pod. No Service selects it, and it has no way out. */
export function drillPod(cronJob: KubeObject, name: string): KubeObject {
  const kept = [PASSWORDS, 'tmp']
  const own = { data: '/var/lib/postgresql/data', run: '/var/run/postgresql' }
  return backupPod(cronJob, name, { [COMPONENT]: 'restore-drill' }, (spec) => ({
    containers: spec.containers.map(({ envFrom: _settings, ...container }) => ({
      ...container,
      command: ['database-entrypoint'],
      readinessProbe: { exec: { command: ['pg_isready', '--quiet', '--host=127.0.0.1', '--dbname=todo'] }, periodSeconds: 1, timeoutSeconds: 3 },
      resources: DRILL_RESOURCES,
      volumeMounts: [...(container.volumeMounts ?? []).filter(({ name }) => kept.includes(name)), ...Object.entries(own).map(([name, mountPath]) => ({ name, mountPath }))],
    })),
    // A server of its own needs the passwords of all roles.
    volumes: [...withPasswords(spec, () => ({})).filter(({ name }) => kept.includes(name)), ...Object.keys(own).map((name) => ({ name, emptyDir: {} }))],
  }))
}

/**
 * Runs `work` beside a pod that exists only for it.
 * @throws DeployError when the pod does not become ready
 */
export async function withPod<Value>(run: Run, pod: KubeObject, work: (container: PodContainer) => Promise<Value>): Promise<Value> {
  const ref: ObjectRef = { apiVersion: 'v1', kind: 'Pod', namespace: run.namespace, name: pod.metadata.name }
  const applied = await run.cluster.apply(pod)
  try {
    const outcome = await watchUntilSettled(run, [{ ref, generation: 0, object: applied, at: run.clock.now(), serverTime: writtenAt(applied) }])
    if (outcome.outcome !== 'settled') {
      const { events } = await diagnose(run, outcome, [])
      throw new DeployError(`pod ${pod.metadata.name} does not become ready: ${outcome.message}${events.length > 0 ? `\n${events.join('\n')}` : ''}`, { object: ref })
    }
    return await work(containerOf(applied as unknown as Pod, run.namespace))
  } finally {
    await run.cluster.remove(ref)
    await poll(run.clock, { intervalMs: 500, timeoutMs: GONE_TIMEOUT }, async () => ((await run.cluster.get(ref)) === undefined ? true : undefined))
  }
}
