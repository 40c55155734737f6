/** Every grace and limit by which a release is judged, each with its reason. `--set policy.<name>=<duration>` changes one. */
import { type Duration, formatDuration, parseDuration } from './_duration.ts'
import { BadInput } from './errors.ts'

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

const NAMES = Object.keys(POLICY_TABLE) as PolicyName[]

export const STANDARD_POLICY: Policy = Object.fromEntries(NAMES.map((name) => [name, parseDuration(POLICY_TABLE[name].standard)])) as Policy

/**
 * The policy with some entries changed.
 * @param assignments `unschedulable=5m`, with or without `policy.` in front; the last of a name counts
 * @throws BadInput that names the assignment, and the names that exist
 */
export function parsePolicy(assignments: readonly string[], base: Policy = STANDARD_POLICY): Policy {
  const changed: Record<PolicyName, number> = { ...base }
  for (const assignment of assignments) {
    const [, name = '', value = ''] = /^(?:policy\.)?([^=]*)=(.*)$/.exec(assignment) ?? []
    if (!isPolicyName(name)) throw new BadInput(`${assignment}: there is no such policy`, { next: `write <name>=<duration>; names: ${NAMES.join(', ')}` })
    try {
      changed[name] = parseDuration(value)
    } catch (cause) {
      throw new BadInput(`policy ${name}: ${(cause as Error).message}`, { cause, next: `write a duration, such as ${name}=${POLICY_TABLE[name].standard}` })
    }
  }
  return changed
}

function isPolicyName(name: string): name is PolicyName {
  return Object.hasOwn(POLICY_TABLE, name)
}

/** One line per entry, for help and reports: `unschedulable 60.0 s: …`. */
export function policyLines(policy: Policy = STANDARD_POLICY): string[] {
  return NAMES.map((name) => `${name} ${formatDuration(policy[name])}: ${POLICY_TABLE[name].why}`)
}
