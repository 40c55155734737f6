import type { Cluster } from '../cluster.ts'
import { formatDuration } from '../_duration.ts'
import { type Result, currentRevision, readHistory } from '../history.ts'
import { type Images, imagesOf } from '../images.ts'
import { readInventory } from '../inventory.ts'
import type { Assessment, Counts } from '../kinds/assessment.ts'
import { lockHolder } from '../lock.ts'
import { type ObjectRef, keyOf, nameOf } from '../objects.ts'
import type { Context } from '../session.ts'
import { isWatched, kindsOf, readSnapshot, rowOf } from '../watch.ts'

export interface WorkloadStatus {
  ref: ObjectRef
  state: Assessment['state']
  reason: string
  message: string
  /** Since the object was made, in ms. */
  ageMs: number
  counts?: Counts
  images: Images
}

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
  }
}

async function readWorkloads(cluster: Cluster, namespace: string, owned: readonly ObjectRef[], now: number): Promise<WorkloadStatus[]> {
  const refs = owned.filter(({ kind }) => isWatched(kind))
  const snapshot = await readSnapshot(cluster, namespace, kindsOf(refs), now)
  return refs.map((ref) => {
    const object = snapshot.objects.get(keyOf(ref))
    const at = Date.parse(object?.metadata.creationTimestamp ?? '') || now
    const { state, reason, message, counts } = rowOf(snapshot, ref, { at, generation: 0, serverTime: 0 })
    return { ref, state, reason, message, ageMs: now - at, images: object === undefined ? {} : imagesOf([object]), ...(counts && { counts }) }
  })
}

/** The report as text: one line per workload. */
export function statusText(report: StatusReport): string {
  if (report.revision === 0 && report.workloads.length === 0) return `nothing is deployed in namespace ${report.namespace}`
  const lines = [`${report.healthy ? '✓ healthy' : '✗ not healthy'}  namespace ${report.namespace}, revision ${report.revision || 'none'}, Kubernetes ${report.kubernetes}`]
  if (report.deployedAt !== undefined) lines.push(`  deployed ${report.deployedAt} by ${report.who}${report.commit === undefined ? '' : `, commit ${report.commit}`}`)
  if (report.lastRun !== undefined && report.lastRun.revision !== report.revision) lines.push(`  last run: revision ${report.lastRun.revision} ${report.lastRun.result}: ${report.lastRun.summary}`)
  if (report.lockedBy !== undefined) lines.push(`  being deployed by ${report.lockedBy}`)
  const signs = { current: '✓', progressing: '…', doomed: '✗' } as const
  for (const { ref, state, message, ageMs, counts, images } of report.workloads) {
    const pods = counts === undefined || ref.kind === 'Job' ? '' : `  ${counts.ready}/${counts.desired} ready${counts.old > 0 ? `, ${counts.old} old` : ''}`
    lines.push(`  ${signs[state]} ${nameOf(ref).padEnd(36)} ${formatDuration(ageMs).padStart(9)}${pods}  ${message}`)
    for (const reference of Object.values(images)) lines.push(`      ${reference}`)
  }
  return lines.join('\n')
}
