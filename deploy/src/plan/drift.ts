/** What a drift is, for the command that looks for it and for the text that tells it. */
import type { Change } from './diff.ts'
import type { ObjectRef } from '../release/objects.ts'

/** An object that is not as the current revision left it. */
export interface Drift {
  ref: ObjectRef
  source: string
  /** `added`: fields that the revision does not have, beside those that it has. */
  kind: 'missing' | 'changed' | 'added'
  /** From what the cluster has to what was deployed. */
  changes: Change[]
  /** Managers that own the changed fields now. */
  managers: string[]
  /** When the newest of the added fields was written, RFC 3339. */
  since?: string
}

export interface DriftReport {
  revision: number
  drifts: Drift[]
}
