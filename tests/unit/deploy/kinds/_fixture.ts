/** Objects captured from a cluster, as a rule sees them. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Children, KubeEvent } from '../../../../deploy/src/kinds/assessment.ts'
import { type KubeObject, parseObjects } from '../../../../deploy/src/release/objects.ts'

export interface Fixture {
  object: KubeObject
  children: Children
  events: KubeEvent[]
  /** When it was captured, in ms since the epoch. */
  now: number
}

const FOLDER = join(import.meta.dirname, '../../../fixtures/objects')

/** The first document is the object, the others are what it controls and their events. */
export function fixture(path: string): Fixture {
  const text = readFileSync(join(FOLDER, `${path}.yaml`), 'utf8')
  const captured = /^# Captured (\S+)\.$/m.exec(text)?.[1]
  if (captured === undefined) throw new Error(`${path}: the header does not say when it was captured`)
  const [first, ...rest] = parseObjects(text, path).map(({ object }) => object)
  if (first === undefined) throw new Error(`${path}: no document`)
  const ofKind = (kind: string): never[] => rest.filter((object) => object.kind === kind) as never[]
  return {
    object: first,
    children: { pods: ofKind('Pod'), replicaSets: ofKind('ReplicaSet'), storageClasses: ofKind('StorageClass') },
    events: ofKind('Event'),
    now: Date.parse(captured),
  }
}
