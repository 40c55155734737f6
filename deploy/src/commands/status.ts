import { formatDuration } from '../_duration.ts'
import { foreignText } from '../cluster/foreign.ts'
import { type Result, currentRevision, readHistory } from '../cluster/history.ts'
import { readInventory } from '../cluster/inventory.ts'
import { lockHolder } from '../cluster/lock.ts'
import { nameOf } from '../release/objects.ts'
import type { Context } from '../session.ts'
import { type WorkloadStatus, readWorkloads } from '../rollout/workloads.ts'

export interface StatusReport {
  namespace: string
  server: string
  kubernetes: string
  /** 0 when nothing was deployed. */
  revision: number
  deployedAt?: string
  commit?: string
  who?: string
  lastRun?: { revision: number; result: Result; summary: string }
  /** Who deploys right now. */
  lockedBy?: string
  workloads: WorkloadStatus[]
  healthy: boolean
  /** Absent when there is nothing to say. */
  notes?: string[]
}

/** What runs where, and how it is. Reads only. */
export async function status({ cluster, namespace, clock }: Context): Promise<StatusReport> {
  const [kubernetes, history, inventory, holder] = await Promise.all([cluster.version(), readHistory(cluster, namespace), readInventory(cluster, namespace), lockHolder(cluster, namespace, clock.now())])
  const workloads = await readWorkloads(cluster, namespace, inventory.objects, clock.now())
  const current = currentRevision(history)
  const [last] = history
  return {
    namespace,
    server: cluster.server,
    kubernetes,
    revision: current?.revision ?? 0,
    ...(current?.finishedAt === undefined ? {} : { deployedAt: current.finishedAt }),
    ...(current?.commit === undefined ? {} : { commit: current.commit }),
    ...(current === undefined ? {} : { who: current.who }),
    ...(last === undefined ? {} : { lastRun: { revision: last.revision, result: last.result, summary: last.summary } }),
    ...(holder === undefined ? {} : { lockedBy: holder }),
    workloads,
    healthy: workloads.length > 0 && workloads.every(({ state }) => state === 'current'),
    ...(inventory.damaged === undefined ? {} : { notes: [inventory.damaged] }),
  }
}

/** The report as text: one line per workload. */
export function statusText(report: StatusReport): string {
  if (report.revision === 0 && report.workloads.length === 0) return `nothing is deployed in namespace ${report.namespace}`
  const lines = [`${report.healthy ? '✓ healthy' : '✗ not healthy'}  namespace ${report.namespace}, revision ${report.revision || 'none'}, Kubernetes ${report.kubernetes}`]
  if (report.deployedAt !== undefined) lines.push(`  deployed ${report.deployedAt} by ${report.who}${report.commit === undefined ? '' : `, commit ${report.commit}`}`)
  if (report.lastRun !== undefined && report.lastRun.revision !== report.revision) lines.push(`  last run: revision ${report.lastRun.revision} ${report.lastRun.result}: ${report.lastRun.summary}`)
  if (report.lockedBy !== undefined) lines.push(`  being deployed by ${report.lockedBy}`)
  for (const note of report.notes ?? []) lines.push(`  ! ${note}`)
  const signs = { current: '✓', progressing: '…', doomed: '✗' } as const
  for (const { ref, state, message, ageMs, counts, images, foreign = [] } of report.workloads) {
    const pods = counts === undefined || ref.kind === 'Job' ? '' : `  ${counts.ready}/${counts.desired} ready${counts.old > 0 ? `, ${counts.old} old` : ''}`
    lines.push(`  ${signs[state]} ${nameOf(ref).padEnd(36)} ${formatDuration(ageMs).padStart(9)}${pods}  ${message}`)
    for (const reference of Object.values(images)) lines.push(`      ${reference}`)
    for (const fields of foreign) lines.push(`      ! has more fields: ${foreignText(fields)}`)
  }
  return lines.join('\n')
}
