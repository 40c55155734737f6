/** What a cluster said during a rollout, one change after the other. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Children, type KubeEvent, eventTime } from '../../../../deploy/src/kinds/assessment.ts'
import type { KubeObject } from '../../../../deploy/src/release/objects.ts'

/** The cluster as it was known after one change. */
export interface Moment {
  /** In ms since the epoch. */
  at: number
  object: KubeObject
  children: Children
  events: KubeEvent[]
}

export interface Stream {
  /** Of the object, after the deployer's write. */
  generation: number
  moments: Moment[]
}

interface Line {
  at: number
  type: 'ADDED' | 'MODIFIED' | 'DELETED'
  object: KubeObject
}

const FOLDER = join(import.meta.dirname, '../../../fixtures/streams')

/** Replays a captured stream; the moments begin when the object is known. */
export function stream(path: string): Stream {
  const [first = '', ...lines] = readFileSync(join(FOLDER, `${path}.jsonl`), 'utf8').trimEnd().split('\n')
  const { generation, captured } = JSON.parse(first) as { generation: number; captured: string }
  const since = Math.floor(Date.parse(captured) / 1000) * 1000
  const known = new Map<string, KubeObject>()
  const moments: Moment[] = []
  for (const line of lines) {
    const { at, type, object } = JSON.parse(line) as Line
    if (type === 'DELETED') known.delete(object.metadata.uid ?? '')
    else known.set(object.metadata.uid ?? '', object)
    const ofKind = (kind: string): KubeObject[] => [...known.values()].filter((other) => other.kind === kind)
    const [deployment] = ofKind('Deployment')
    if (deployment === undefined) continue
    moments.push({
      at,
      object: deployment,
      children: { pods: ofKind('Pod'), replicaSets: ofKind('ReplicaSet') } as unknown as Children,
      events: (ofKind('Event') as unknown as KubeEvent[]).filter((event) => eventTime(event) >= since),
    })
  }
  return { generation, moments }
}
