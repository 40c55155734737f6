/** A database backup as a Job made from the release's own backup CronJob, so that there is one way to back up. */
import type { V1CronJob } from '@kubernetes/client-node'
import { writtenAt } from '../rollout/apply.ts'
import { isBackup } from '../release/databaseparts.ts'
import { DeployError } from '../errors.ts'
import { STATE_LABELS } from '../release/identity.ts'
import type { KubeObject, RenderedObject, Wire } from '../release/objects.ts'
import { nameOf } from '../release/objects.ts'
import { diagnose } from '../rollout/diagnose.ts'
import type { Run } from '../rollout/run.ts'
import { watchUntilSettled } from '../rollout/watch.ts'

/** A finished backup Job is kept for a day, for its log. */
const TTL_S = 86_400
const LOG_LINES = 20

/** The CronJob that backs the database up, or `undefined` when the release has none. */
export function backupCronJob(objects: readonly RenderedObject[]): KubeObject | undefined {
  return objects.find(({ object }) => isBackup(object))?.object
}

/** The Job that the CronJob would start now. */
function backupJob(cronJob: KubeObject, name: string): KubeObject {
  const { spec } = cronJob as unknown as Wire<V1CronJob>
  const { metadata, spec: jobSpec } = spec?.jobTemplate ?? {}
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name,
      namespace: cronJob.metadata.namespace ?? '',
      labels: { ...metadata?.labels, 'app.kubernetes.io/managed-by': STATE_LABELS['app.kubernetes.io/managed-by'] },
    },
    spec: { ...jobSpec, ttlSecondsAfterFinished: TTL_S },
  }
}

/**
 * Backs up and waits for the end.
 * @returns the last lines of the Job's log, which name the backup
 * @throws DeployError when the backup fails: nothing was migrated
 */
export async function runBackup(run: Run, cronJob: KubeObject, name: string): Promise<string[]> {
  const job = await run.cluster.apply(backupJob(cronJob, name))
  const ref = { apiVersion: job.apiVersion, kind: job.kind, namespace: run.namespace, name }
  const outcome = await watchUntilSettled(run, [{ ref, generation: job.metadata.generation ?? 0, object: job, at: run.clock.now(), serverTime: writtenAt(job) }])
  if (outcome.outcome !== 'settled') {
    const { pods } = await diagnose(run, outcome, [])
    const log = pods.flatMap(({ containers }) => containers.flatMap(({ log }) => log ?? [])).join('\n')
    throw new DeployError(`the backup failed, so nothing was migrated: ${nameOf(ref)}: ${outcome.message}${log === '' ? '' : `\n${log}`}`, { object: ref, next: 'mend the backup; a migration without one cannot be undone' })
  }
  const pods = await run.cluster.list({ apiVersion: 'v1', kind: 'Pod' }, run.namespace)
  const pod = pods.find(({ metadata }) => metadata.labels?.['job-name'] === name || metadata.labels?.['batch.kubernetes.io/job-name'] === name)
  const container = ((pod?.['spec'] ?? {}) as { containers?: { name: string }[] }).containers?.[0]?.name
  if (pod === undefined || container === undefined) return []
  const log = await run.cluster.logs(run.namespace, pod.metadata.name, container, { tailLines: LOG_LINES })
  return log?.trimEnd().split('\n') ?? []
}
