import { type Revision, readHistory } from '../cluster/history.ts'
import type { Context } from '../session.ts'

/** The kept revisions, the newest first. Reads only. */
export async function history({ cluster, namespace }: Context): Promise<Revision[]> {
  return readHistory(cluster, namespace)
}

/** One line per revision. */
export function historyText(revisions: readonly Revision[], namespace: string): string {
  if (revisions.length === 0) return `nothing was deployed in namespace ${namespace}`
  return revisions
    .map(({ revision, action, result, startedAt, who, commit, summary, rollbackTo }) => {
      const what = action === 'rollback' ? `rollback to ${rollbackTo}` : 'deploy'
      return `${String(revision).padStart(4)}  ${result.padEnd(11)}  ${startedAt}  ${what.padEnd(14)}  ${who}${commit === undefined ? '' : `  ${commit.slice(0, 14)}`}  ${summary}`
    })
    .join('\n')
}
