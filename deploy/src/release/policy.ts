/** Every grace and limit by which a release is judged, each with its reason. The setting `policy.<name>` changes one. */
import { type Duration, formatDuration, parseDuration } from '../_duration.ts'

interface Entry {
  standard: Duration
  why: string
}

/** What is in force when nothing is set. */
export const POLICY_TABLE = {
  unschedulable: { standard: '60s', why: 'ending pods free room, and an autoscaler says within a minute whether it adds a node' },
  scaleUp: { standard: '10m', why: 'a node that an autoscaler has ordered needs minutes to join' },
  quota: { standard: '30s', why: 'ending pods count until they are gone, and their grace is about that long' },
  mount: { standard: '10s', why: 'the kubelet tries again within seconds, and the missing object may be on its way' },
  registry: { standard: '90s', why: 'a registry that is restarted or limits its rate answers within a minute' },
  healed: { standard: '30s', why: 'a container that has been ready for so long has got over what ended it before' },
  stuckPod: { standard: '20s', why: 'an ordered StatefulSet waits for a pod of the revision before that will never be ready' },
  lostPod: { standard: '30s', why: 'a pod that is still there so long after its own grace stands on a node that does not answer' },
  settle: { standard: '3m', why: 'old pods may take their whole grace to end' },
  wayBack: { standard: '6m', why: 'the slowest workload of the way back may take five minutes; the judgement ends, what was written stays' },
  relapse: { standard: '45s', why: 'on the way back a pod may still fail for what the bad release did to others, and get over it' },
  baseline: { standard: '3s', why: 'what was broken before is asked once, so that it is not blamed on the way back' },
  prune: { standard: '60s', why: 'finalizers and graces of removed objects take seconds; the entry stays until they are gone' },
} as const satisfies Record<string, Entry>

export type PolicyName = keyof typeof POLICY_TABLE

/** Milliseconds by name. */
export type Policy = Readonly<Record<PolicyName, number>>

export const POLICY_NAMES = Object.keys(POLICY_TABLE) as PolicyName[]

export const STANDARD_POLICY: Policy = Object.fromEntries(POLICY_NAMES.map((name) => [name, parseDuration(POLICY_TABLE[name].standard)])) as Policy

/** What differs from the standard, as a line for reports: `unschedulable 5 m 00 s (standard 60s)`; undefined when nothing does. */
export function policyNote(policy: Policy): string | undefined {
  const changed = POLICY_NAMES.filter((name) => policy[name] !== STANDARD_POLICY[name]).map((name) => `${name} ${formatDuration(policy[name])} (standard ${POLICY_TABLE[name].standard})`)
  return changed.length === 0 ? undefined : `graces and limits in force: ${changed.join(', ')}`
}
