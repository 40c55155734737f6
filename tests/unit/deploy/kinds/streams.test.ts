import { describe, expect, it } from 'vitest'
import type { Assessment } from '../../../../deploy/src/kinds/assessment.ts'
import { assess } from '../../../../deploy/src/kinds/index.ts'
import { restartWatch } from '../../../../deploy/src/rollout/restarts.ts'
import { stream } from './_stream.ts'

/** The verdicts of a story, each told once, from the deployer's write on. */
function verdicts(path: string): Assessment[] {
  const { generation, moments } = stream(path)
  const told: Assessment[] = []
  for (const { at, object, children, events } of moments) {
    if ((object.metadata.generation ?? 0) < generation) continue
    const verdict = assess(object, children, events, at, generation)
    const last = told.at(-1)
    if (last?.state !== verdict.state || last.reason !== verdict.reason) told.push(verdict)
  }
  return told
}

/** The first verdict that is not `progressing`. */
function outcome(path: string): Assessment | undefined {
  return verdicts(path).find(({ state }) => state !== 'progressing')
}

describe('a rollout as the cluster told it', () => {
  it('that is good is never doomed, and current once, at its end', () => {
    expect(verdicts('deployment/good').map(({ state, reason }) => `${state} ${reason}`)).toEqual([
      'progressing NotObserved', 'progressing NoReplicaSet', 'progressing Updating', 'progressing OldPods', 'current Available',
    ])
  })

  it.each([
    ['of an image that does not exist', 'image-not-found', 'ErrImagePull', /todo-chat\/mcp:does-not-exist/],
    ['of a process that ends at its start', 'crash-loop', 'CrashLoopBackOff', /last exit code 3/],
    ['of a process over its memory limit', 'out-of-memory', 'OOMKilled', /exit code 137/],
  ])('%s is doomed before it was ever current', (_name, story, reason, message) => {
    expect(outcome(`deployment/${story}`)).toMatchObject({ state: 'doomed', reason, message: expect.stringMatching(message) })
  })

  it.each(['image-not-found', 'crash-loop', 'out-of-memory'])('%s is judged by the new pods only: the old ones are ready all the time', (story) => {
    for (const { children } of stream(`deployment/${story}`).moments.slice(-5)) {
      expect(children.pods.filter(({ status }) => status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True'))).toHaveLength(2)
    }
  })

  it('of a process that ends after it was ready is caught at the first restart, when the rule alone still waits', () => {
    const { generation, moments } = stream('deployment/crash-after-ready')
    const restarted = restartWatch()
    for (const { at, object, children, events } of moments) {
      const found = restarted.look(object, children, at)
      if (found === undefined) continue
      expect(found.message).toMatch(/restarted after it had become ready; last exit code 7/)
      expect(assess(object, children, events, at, generation).state).not.toBe('doomed')
      return
    }
    expect.unreachable('no restart was seen')
  })
})
