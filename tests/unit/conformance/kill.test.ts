/** Only what the run itself killed may have been restarted. */
import { describe, expect, it } from 'vitest'
import { unexplainedRestarts } from '../../conformance/kill.ts'
import type { Pod } from '../../../deploy/src/kinds/assessment.ts'

function pod(uid: string, restartCount: number, last?: string): Pod {
  const lastState = last === undefined ? {} : { terminated: { containerID: `containerd://${last}`, reason: 'Error', exitCode: 137 } }
  return { metadata: { name: `pod-${uid}`, uid }, status: { containerStatuses: [{ name: 'main', restartCount, lastState }] } } as unknown as Pod
}

describe('restarts at the end of a run', () => {
  it('are none in pods that were never restarted, whatever was killed', () => {
    expect(unexplainedRestarts([pod('a', 0)], [{ podUid: 'b', containerId: 'x' }])).toEqual([])
  })

  it('are explained by a kill of that very container', () => {
    expect(unexplainedRestarts([pod('a', 1, 'x')], [{ podUid: 'a', containerId: 'x' }])).toEqual([])
  })

  it('are not explained by nothing', () => {
    expect(unexplainedRestarts([pod('a', 1, 'x')], [])).toEqual(['pod-a: 1, 0 of them by this run (last: Error, exit code 137)'])
  })

  it('are not explained by the kill of another container of the pod, or of another pod', () => {
    expect(unexplainedRestarts([pod('a', 1, 'x')], [{ podUid: 'a', containerId: 'y' }])).toHaveLength(1)
    expect(unexplainedRestarts([pod('a', 1, 'x')], [{ podUid: 'b', containerId: 'x' }])).toHaveLength(1)
  })

  it('are not explained when there are more of them than kills', () => {
    expect(unexplainedRestarts([pod('a', 2, 'x')], [{ podUid: 'a', containerId: 'x' }])).toHaveLength(1)
  })
})
