/** Short-lived pods with the database's image: to read a backup volume, and to restore into a fresh PostgreSQL. */
import type { V1CronJob, V1StatefulSet } from '@kubernetes/client-node'
import { poll } from './_poll.ts'
import { diagnose } from './diagnose.ts'
import { BadInput, DeployError } from './errors.ts'
import { STATE_LABELS } from './identity.ts'
import type { Pod } from './kinds/assessment.ts'
import { isReady, isTerminating } from './kinds/pod.ts'
import type { KubeObject, ObjectRef, Wire } from './objects.ts'
import type { Run } from './run.ts'
import { watchUntilSettled } from './watch.ts'
import { writtenAt } from './apply.ts'

/** Ends the pod when its maker was killed, in seconds. */
const LIFETIME_S = 900
const GONE_TIMEOUT = 60_000
const COMPONENT = 'app.kubernetes.io/component'

/** A container to run commands in. */
export interface PodContainer {
  namespace: string
  name: string
  container: string
}

async function find(run: Run, apiVersion: string, kind: string, component: string): Promise<KubeObject> {
  const found = (await run.cluster.list({ apiVersion, kind }, run.namespace)).find(({ metadata }) => metadata.labels?.[COMPONENT] === component)
  if (found === undefined) {
    throw new BadInput(`namespace ${run.namespace} has no ${kind} of component ${component}: the database does not run in this cluster`, {
      next: 'use the tools of whoever runs the database',
    })
  }
  return found
}

/** @throws BadInput when the release backs nothing up */
export function findBackupCronJob(run: Run): Promise<KubeObject> {
  return find(run, 'batch/v1', 'CronJob', 'backup')
}

/** @throws BadInput when the database is not in the cluster */
export function findDatabase(run: Run): Promise<KubeObject> {
  return find(run, 'apps/v1', 'StatefulSet', 'database')
}

/** The running database, to run commands beside it. */
export async function databaseContainer(run: Run): Promise<PodContainer> {
  await findDatabase(run)
  const pods = (await run.cluster.list({ apiVersion: 'v1', kind: 'Pod' }, run.namespace)) as unknown as Pod[]
  const pod = pods.find((pod) => pod.metadata?.labels?.[COMPONENT] === 'database' && isReady(pod) && !isTerminating(pod))
  if (pod === undefined) throw new DeployError('the database has no ready pod', { next: 'see why with status' })
  return containerOf(pod, run.namespace)
}

function containerOf(pod: Pod, namespace: string): PodContainer {
  return { namespace, name: pod.metadata?.name ?? '', container: pod.spec?.containers[0]?.name ?? '' }
}

/** A pod that mounts what a backup Job mounts and waits. */
export function readerPod(cronJob: KubeObject, name: string): KubeObject {
  const template = (cronJob as unknown as Wire<V1CronJob>).spec?.jobTemplate.spec?.template
  const spec = template?.spec
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: cronJob.metadata.namespace ?? '', labels: { ...template?.metadata?.labels, ...STATE_LABELS, [COMPONENT]: 'backup-reader' } },
    spec: {
      ...spec,
      restartPolicy: 'Never',
      activeDeadlineSeconds: LIFETIME_S,
      terminationGracePeriodSeconds: 1,
      containers: spec?.containers.map((container) => ({ ...container, command: ['sleep', String(LIFETIME_S)] })),
    },
  }
}

/** A fresh PostgreSQL like the release's own, on storage that goes with the pod. No Service selects it. */
export function drillPod(database: KubeObject, name: string): KubeObject {
  const { spec } = database as unknown as Wire<V1StatefulSet>
  const { affinity: _affinity, topologySpreadConstraints: _spread, ...podSpec } = spec?.template.spec ?? { containers: [] }
  const claims = (spec?.volumeClaimTemplates ?? []).map(({ metadata }) => ({ name: metadata?.name ?? '', emptyDir: {} }))
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: database.metadata.namespace ?? '', labels: { ...STATE_LABELS, [COMPONENT]: 'restore-drill' } },
    spec: {
      ...podSpec,
      restartPolicy: 'Never',
      activeDeadlineSeconds: LIFETIME_S,
      terminationGracePeriodSeconds: 1,
      // No clients to drain; and hooks may be longer than the short grace.
      containers: podSpec.containers.map(({ lifecycle: _lifecycle, ...container }) => container),
      volumes: [...(podSpec.volumes ?? []), ...claims],
    },
  }
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
