/** What every step of a run needs, and where it leaves what the report tells. */
import type { Clock } from '../_poll.ts'
import type { Cluster } from '../cluster/client.ts'
import { type Policy, STANDARD_POLICY } from '../release/policy.ts'
import type { Progress } from './progress.ts'

/** A stretch of the run; the report draws them. */
export interface Phase {
  name: string
  startedAt: number
  endedAt?: number
  outcome?: 'done' | 'failed'
}

/** Pods of one workload at one moment. */
export interface PodSample {
  at: number
  workload: string
  old: number
  updated: number
  ready: number
}

/** Times are milliseconds since the epoch. */
export interface Timeline {
  phases: Phase[]
  pods: PodSample[]
}

export interface Run {
  readonly cluster: Cluster
  readonly clock: Clock
  readonly namespace: string
  /** Aborts on Ctrl-C, on the overall time limit and when the lock is lost. */
  readonly signal: AbortSignal
  readonly progress: Progress
  readonly timeline: Timeline
  /** @default STANDARD_POLICY */
  readonly policy?: Policy
}

/** The graces and limits of a run. */
export function policyOf({ policy }: Pick<Run, 'policy'>): Policy {
  return policy ?? STANDARD_POLICY
}

export function newTimeline(): Timeline {
  return { phases: [], pods: [] }
}

/** Runs one step as a phase of the timeline; a failing step ends its phase as failed. */
export async function phase<Value>(run: Run, name: string, detail: string, step: () => Promise<Value>): Promise<Value> {
  const entry: Phase = { name, startedAt: run.clock.now() }
  run.timeline.phases.push(entry)
  run.progress({ type: 'phase', name, detail })
  try {
    const value = await step()
    entry.outcome = 'done'
    return value
  } catch (error) {
    entry.outcome = 'failed'
    throw error
  } finally {
    entry.endedAt = run.clock.now()
  }
}
