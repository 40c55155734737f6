/** How fast containers become ready, measured from pod conditions. */
import type { Pod } from '../../../deploy/src/kinds/assessment.ts'
import { containerStatuses, isReady, podName } from '../../../deploy/src/kinds/pod.ts'
import { deploymentRef, podsOf, serving, settled, waitFor } from '../kube.ts'
import { type Requirement, demand, demandNone } from '../requirement.ts'
import { TIMEOUTS } from '../timeouts.ts'
import { SCALED_TIERS, restart } from '../workloads.ts'
import type { World } from '../world.ts'

/** In seconds; the conditions have no finer unit. */
const TARGET_S = 5

/** Seconds from scheduling, and from the start of the process, to Ready; `undefined` for a pod that is not ready. */
export function readyTimes(pod: Pod): { scheduled: number; started: number } | undefined {
  if (!isReady(pod)) return undefined
  const at = (type: string): number => Date.parse(pod.status?.conditions?.find((condition) => condition.type === type)?.lastTransitionTime ?? '')
  const started = Math.max(...containerStatuses(pod).map(({ state }) => Date.parse(state?.running?.startedAt ?? '')))
  return { scheduled: (at('Ready') - at('PodScheduled')) / 1000, started: (at('Ready') - started) / 1000 }
}

/** Pods from before this run, or from before a requirement that disturbed them, may have been unready since, for reasons of their own: they are replaced first, the database before its clients. */
async function freshPods(world: World): Promise<void> {
  const { cluster, namespace, openedAt, deployed, disturbed, signal } = world
  const since = disturbed.at ?? openedAt - (deployed?.durationMs ?? 0)
  const oldOf = async (name: string): Promise<Pod[]> => (await podsOf(cluster, namespace, name)).filter((pod) => Date.parse(pod.metadata?.creationTimestamp ?? '') < since)
  const databases = await oldOf('postgres')
  for (const pod of databases) await cluster.remove({ apiVersion: 'v1', kind: 'Pod', namespace, name: podName(pod) })
  await waitFor('PostgreSQL to serve from a new pod', TIMEOUTS.databaseBack, signal, async () => {
    const pods = await serving(cluster, namespace, 'postgres')
    return pods.some((pod) => databases.every((old) => old.metadata?.uid !== pod.metadata?.uid)) ? true : `${pods.length} serve`
  })
  const ages = await Promise.all(SCALED_TIERS.map(oldOf))
  const old = SCALED_TIERS.filter((_, index) => databases.length > 0 || (ages[index]?.length ?? 0) > 0)
  if (old.length > 0) await restart(world, old)
}

export const READINESS: readonly Requirement[] = [
  {
    id: 'CONF-201',
    ring: 'behaviour',
    title: 'Every container is ready in time',
    must: `Every container MUST be ready less than ${TIMEOUTS.containerReady / 1000} s after its pod was scheduled; the target is ${TARGET_S} s.`,
    why: 'each second is added to every rollout, every scaling and every recovery',
    source: 'https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-conditions',
    needs: ['application'],
    lane: 'alone',
    timeoutMs: TIMEOUTS.story,
    async run(world) {
      const { cluster, namespace, signal } = world
      await freshPods(world)
      for (const tier of SCALED_TIERS) {
        demand(await cluster.get(deploymentRef(namespace, tier)), `there is no Deployment ${tier}`)
        await settled(cluster, namespace, tier, signal)
      }
      const pods = (await podsOf(cluster, namespace)).filter(({ status }) => status?.phase !== 'Succeeded')
      const faults: string[] = []
      const rows = pods.map((pod) => {
        const times = readyTimes(pod)
        const tooLate = times === undefined || times.scheduled * 1000 >= TIMEOUTS.containerReady
        if (tooLate) faults.push(`${podName(pod)}: ${times === undefined ? 'not ready' : `${times.scheduled} s`}`)
        return [podName(pod), containerStatuses(pod).map(({ name }) => name).join(', '), times?.scheduled.toFixed(0) ?? '–', times?.started.toFixed(0) ?? '–', times !== undefined && times.scheduled <= TARGET_S ? 'within the target' : tooLate ? 'too late' : 'within the limit']
      })
      const table = { head: ['pod', 'containers', 'scheduled → ready (s)', 'started → ready (s)', `limit ${TIMEOUTS.containerReady / 1000} s, target ${TARGET_S} s`], rows }
      demandNone(faults, 'not ready in time', { summary: `${faults.length} of ${pods.length} pods`, table })
      const slowest = Math.max(...pods.map((pod) => readyTimes(pod)?.scheduled ?? 0))
      return { summary: `${pods.length} pods, the slowest after ${slowest} s`, table }
    },
  },
]
