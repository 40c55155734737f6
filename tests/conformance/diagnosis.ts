/** What a person needs to understand a failure: pods, warnings, and logs of what is not ready. Without secrets. */
import type { KubeEvent, Pod } from '../../deploy/src/kinds/assessment.ts'
import { eventTime } from '../../deploy/src/kinds/assessment.ts'
import { containerStatuses, isReady, isTerminating, podName, restartsOf } from '../../deploy/src/kinds/pod.ts'
import { secretValues } from '../../deploy/src/rollout/rollback.ts'
import { redactText } from '../../deploy/src/release/redact.ts'
import { podsOf } from './kube.ts'
import { TIMEOUTS } from './timeouts.ts'
import type { World } from './world.ts'

const EVENTS = 15
const LOG_LINES = 25
const LOGS = 3

/** Never throws: what cannot be read is said in one line. */
export async function diagnose(world: World): Promise<string> {
  const { cluster, namespace } = world
  try {
    const late = new Promise<never>((_, reject) => setTimeout(() => reject(new Error('the cluster did not answer')), TIMEOUTS.api).unref())
    return await Promise.race([late, collect()])
  } catch (error) {
    return `no diagnosis: ${(error as Error).message}`
  }

  async function collect(): Promise<string> {
    const [pods, events, secrets] = await Promise.all([
      podsOf(cluster, namespace),
      cluster.list({ apiVersion: 'v1', kind: 'Event' }, namespace) as unknown as Promise<KubeEvent[]>,
      cluster.list({ apiVersion: 'v1', kind: 'Secret' }, namespace),
    ])
    const warnings = events.filter(({ type }) => type === 'Warning').sort((a, b) => eventTime(a) - eventTime(b))
    const faulty = pods.filter((pod) => !isReady(pod) && pod.status?.phase !== 'Succeeded').slice(0, LOGS)
    const logs = await Promise.all(faulty.map(podLog))
    const lines = [
      'pods:',
      ...pods.map((pod) => `  ${podLine(pod)}`),
      `last warnings (of ${warnings.length}):`,
      ...warnings.slice(-EVENTS).map((event) => `  ${new Date(eventTime(event)).toISOString().slice(11, 19)} ${event.involvedObject?.kind} ${event.involvedObject?.name} ${event.reason}: ${event.message}`),
      ...logs.flat(),
    ]
    return redactText(lines.join('\n'), secretValues(secrets.map((object) => ({ object, source: '' }))))
  }

  async function podLog(pod: Pod): Promise<string[]> {
    const [status] = containerStatuses(pod)
    const text = status && (await cluster.logs(namespace, podName(pod), status.name, { tailLines: LOG_LINES }))
    return text ? [`log of ${podName(pod)}:`, ...text.trimEnd().split('\n').map((line) => `  ${line}`)] : []
  }
}

function podLine(pod: Pod): string {
  const states = containerStatuses(pod).map(({ state }) => state?.waiting?.reason ?? state?.terminated?.reason ?? (state?.running ? 'running' : 'unknown'))
  const flags = [isReady(pod) ? 'ready' : 'not ready', ...(isTerminating(pod) ? ['terminating'] : []), `${restartsOf(pod)} restarts`]
  return `${podName(pod)}: ${pod.status?.phase ?? 'unknown'} (${states.join(', ')}), ${flags.join(', ')}`
}
