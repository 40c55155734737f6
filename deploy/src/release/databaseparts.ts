/** Which objects are the database and its backup, wherever they come from: rendered, planned or live. Pure. */
import type { KubeObject } from './objects.ts'

export const COMPONENT = 'app.kubernetes.io/component'

/** The database in the cluster. */
export function isDatabase({ kind, metadata }: KubeObject): boolean {
  return kind === 'StatefulSet' && metadata.labels?.[COMPONENT] === 'database'
}

/** What backs the database up, in the cluster or outside. */
export function isBackup({ kind, metadata }: KubeObject): boolean {
  return kind === 'CronJob' && metadata.labels?.[COMPONENT] === 'backup'
}
